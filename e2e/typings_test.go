package e2e

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"convoy/internal/browser"
	"convoy/internal/client"
	"convoy/internal/testkit"
)

// programRC begins a shell in which nothing that is typed by chance can do harm: it finds no command, and its history
// has none of the test's.
const programRC = `PS1=${NESTED:-'$'}' ' PATH=/nowhere HISTCONTROL=ignorespace HOME=%[1]s
unset HISTFILE; cd %[1]s
@c() { printf '\e[H\e[2J\e[3J'; }
@ready() { @c; echo "ready:$1"; }
@py() { @c; %[2]s -q; }
@ask() { @c; %[2]s %[3]s "$1"; }
@vi() { @c; %[4]s -u NONE -i NONE -n "$@"; }
@pager() { @c; %[5]s "$@" %[1]s/lines; }
@dash() { @c; PS1='$ ' %[6]s; }
@nested() { @c; NESTED=%% SHELL=/bin/sh %[7]s -qc 'exec /bin/bash --noprofile --rcfile %[1]s/rc' /dev/null; }
`

// letters are those of all typings, besides punctuation. o and x prove nothing; q, v and s would leave a pager.
const (
	letters     = "abcdefghijklmnoprtuwxyz"
	punctuation = " -_.,=+()\"'é"
)

// program is a program in which a page types.
type program struct {
	name string
	run  func(r *rand.Rand)
}

// prepare makes a shell ready for programs, before the link is slow.
func (f *far) prepare() {
	dir := f.t.TempDir()
	node, id, _ := strings.Cut(f.key, "/")
	f.shell = client.Shell{Node: node, ID: id}
	ask, err := filepath.Abs("e2e/testdata/ask.py")
	testkit.Must(f.t, err)
	python, _ := exec.Command("python3", "-c", "import sys; print(sys.executable)").Output() //nolint:errcheck // none
	rc := fmt.Sprintf(programRC, dir, strings.TrimSpace(string(python)), ask,
		found("vim"), found("less"), found("dash"), found("script"))
	testkit.Must(f.t, os.WriteFile(filepath.Join(dir, "rc"), []byte(rc), 0o600))
	lines := strings.Repeat("a line of text, and another word\n", 200)
	testkit.Must(f.t, os.WriteFile(filepath.Join(dir, "lines"), []byte(lines), 0o600))
	enter(f.Page, f.key, "tty; . "+dir+"/rc")
	const terminal = `convoy.panes.get(%q).text().match(/^\/dev\/pts\/\d+$/m)`
	f.Wait(fmt.Sprintf(terminal, f.key))
	f.tty = browser.Eval[[]string](f.Page, fmt.Sprintf(terminal, f.key))[0]
	enter(f.Page, f.key, " @c")
	f.Wait(f.pane() + `.text() === "$"`)
}

func found(name string) string {
	path, _ := exec.LookPath(name) //nolint:errcheck // "" where it is missing
	return path
}

// programs are those that this machine has.
func (f *far) programs() (list []program) {
	bash := program{"bash", func(r *rand.Rand) { f.lines(r, "$", letters+punctuation) }}
	list = []program{
		bash, bash,
		{"read -s", func(r *rand.Rand) { f.password(r, "@c; read -sp Password:", "$") }},
		{"read -sn", func(r *rand.Rand) { f.password(r, "@c; read -sn 99 -p Password:", "$") }},
	}
	add := func(needs, name string, run func(r *rand.Rand)) {
		if found(needs) != "" {
			list = append(list, program{name, run})
		}
	}
	add("python3", "python", f.inPython)
	for _, way := range []string{"getpass", "sudo", "stars", "silent"} {
		add("python3", way, func(r *rand.Rand) { f.password(r, "@ask "+way, "$") })
	}
	add("vim", "vim", func(r *rand.Rand) { f.inVim(r, "@vi", "alternate") })
	add("vim", "vim in the normal screen", func(r *rand.Rand) { f.inVim(r, `@vi --cmd "set t_ti= t_te="`, "normal") })
	add("less", "pager", func(r *rand.Rand) { f.inPager(r, "@pager") })
	add("less", "pager in the normal screen", func(r *rand.Rand) { f.inPager(r, "@pager -X") })
	add("dash", "dash", f.inDash)
	add("script", "bash in a terminal of its own", f.inNested)
	return list
}

// keys types a random sequence of keys, at a random pace, while other things happen.
func (f *far) keys(r *rand.Rand, n int, alphabet string, more ...string) {
	all := []rune(alphabet)
	pace, noise := r.IntN(4), []int{0, 3, 10}[r.IntN(3)]
	more = append(more, "Backspace", "Backspace", "Backspace", "ArrowLeft", "ArrowRight", "End", "Home", "Ctrl+a",
		"Ctrl+e", "Ctrl+w", "Ctrl+u", "Ctrl+k", "Ctrl+y", "Ctrl+l", "Ctrl+t", "ArrowUp", "ArrowDown", "Delete")
	for i := range n {
		switch kind := r.IntN(48); {
		case i == 0 || kind > noise:
			f.press(string(all[r.IntN(len(all))]))
		case kind > 0:
			f.press(more[r.IntN(len(more))])
		default:
			f.happens(r)
		}
		f.pause(r, pace, i)
	}
	f.proxy.Resume()
}

// pause lets some time pass at a pace: none in a burst, some ms, an answer, or any of these.
func (f *far) pause(r *rand.Rand, pace, i int) {
	if pace == 3 {
		pace = r.IntN(3)
	}
	switch {
	case i == 0 && r.IntN(4) > 0: // which proves the line
		f.proxy.Resume()
		f.rest(200)
	case pace == 1:
		f.rest(r.IntN(120))
	case pace == 2 && r.IntN(4) == 0:
		f.proxy.Resume()
		f.answered()
	}
}

// rest is the time between two keys, in the page's time.
func (f *far) rest(ms int) { f.Do(fmt.Sprintf(`new Promise((done) => setTimeout(done, %d))`, ms)) }

// happens lets something happen while keys are typed.
func (f *far) happens(r *rand.Rand) {
	switch r.IntN(4) {
	case 0:
		f.typed = append(f.typed, "resize")
		f.Resize(640+r.Int64N(300), 500+r.Int64N(200))
	case 1:
		f.typed = append(f.typed, "output")
		output := []string{"\r\nout\r\n", "out", "\a", "\x1b]0;title\a", "\r", "\x1b[s\x1b[Hout\x1b[u"}
		f.output(output[r.IntN(len(output))])
	case 2:
		f.typed = append(f.typed, "another's letter")
		testkit.Must(f.t, f.node.Do(testkit.Context(f.t), "POST", f.shell.Path()+"/input", []byte("z"), nil))
	case 3:
		f.typed = append(f.typed, "stall")
		f.proxy.Stall()
	}
}

// output prints, as a program in the background does.
func (f *far) output(text string) {
	tty, err := os.OpenFile(f.tty, os.O_WRONLY|syscall.O_NOCTTY, 0)
	testkit.Must(f.t, err)
	_, err = tty.WriteString(text)
	testkit.Must(f.t, err)
	testkit.Must(f.t, tty.Close())
}

// ready waits until the shell at whose prompt the page is has taken all that was typed.
func (f *far) ready(r *rand.Rand, prompt string) {
	word := []rune(letters)
	r.Shuffle(len(word), func(i, j int) { word[i], word[j] = word[j], word[i] })
	f.press("Ctrl+c")
	f.run("@ready "+string(word[:6]), "ready:"+string(word[:6])+"\n"+prompt)
}

// lines types at the prompt of a program that edits lines, and leaves it there.
func (f *far) lines(r *rand.Rand, prompt, alphabet string) {
	for range f.round {
		f.keys(r, 5+r.IntN(25), alphabet, "Enter", "Tab", "Ctrl+c", "Ctrl+r", "Ctrl+v", "Escape")
		f.settled("")
		f.until(prompt, "Ctrl+c")
	}
}

func (f *far) inPython(r *rand.Rand) {
	f.run("@py", ">>>")
	f.lines(r, ">>>", letters+punctuation)
	f.press("Ctrl+d")
	f.settled("$")
}

func (f *far) inDash(r *rand.Rand) {
	f.run("@dash", "$")
	f.lines(r, "$", letters+punctuation)
	f.press("Ctrl+d")
	f.settled("$")
}

// inNested types in a shell, and passwords, in another terminal, as behind ssh.
func (f *far) inNested(r *rand.Rand) {
	f.run("@nested", "%")
	f.lines(r, "%", letters+punctuation)
	if r.IntN(2) == 0 {
		f.password(r, "@c; read -sp Password:", "%")
	}
	f.run("exit", "$")
}

// inVim types in insert mode and in normal mode.
func (f *far) inVim(r *rand.Rand, command, screen string) {
	f.Type(" " + command)
	f.press("Enter")
	f.Wait(fmt.Sprintf(`%s.text().includes("~") && %[1]s.term.buffer.active.type === %q`, f.pane(), screen))
	for range f.round {
		f.press("i")
		f.keys(r, 5+r.IntN(20), letters+punctuation, "Enter", "Tab", "Ctrl+n")
		f.press("Escape")
		f.keys(r, r.IntN(10), letters)
		f.press("Escape", "Escape")
		f.settled("")
	}
	f.until("$", "Escape", ":qa!", "Enter", "Ctrl+c")
}

func (f *far) inPager(r *rand.Rand, command string) {
	f.Type(" " + command)
	f.press("Enter")
	f.Wait(f.pane() + `.text().includes("another word")`)
	for range f.round {
		f.keys(r, 5+r.IntN(15), letters+"/?", "Enter", "Ctrl+c", "Escape")
		f.settled("")
	}
	f.until("$", "Ctrl+c", "q")
}

// password asks for some with a command, and types them, now and then before it is asked.
func (f *far) password(r *rand.Rand, command, prompt string) {
	for range f.round {
		f.ready(r, prompt)
		f.Type(" " + command)
		f.press("Enter")
		if r.IntN(3) > 0 {
			f.settled("Password:")
		}
		f.keys(r, 4+r.IntN(8), secret, "Tab")
		f.until(prompt, "Enter") // again if the program has discarded what it did not ask for
	}
}
