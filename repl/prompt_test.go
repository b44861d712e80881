package repl

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"convoy/internal/testkit"
	"convoy/pty"
)

// prompt is a prompt on a real terminal.
type prompt struct {
	t     *testing.T
	shell *pty.Shell
}

func openPrompt(t *testing.T, history string) *prompt {
	t.Helper()
	p := startPrompt(t, program, history)
	p.shows("convoy@convoy-test(1)>")
	return p
}

// startPrompt opens a prompt whose sandbox is another program.
func startPrompt(t *testing.T, sandbox, history string) *prompt {
	t.Helper()
	table := pty.NewTable(
		pty.Config{
			Programs: []pty.Program{
				{
					Args: []string{os.Args[0], promptArg, sandbox, history},
					Env:  []string{"TERM=xterm-256color", "PATH=/nowhere", "HOME=" + t.TempDir()},
				},
			},
		},
	)
	shell, err := table.Open(pty.Size{Rows: 24, Cols: 80})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := table.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	return &prompt{t, shell}
}

func (p *prompt) types(text string) {
	p.t.Helper()
	if err := p.shell.Write(p.t.Context(), []byte(text)); err != nil {
		p.t.Fatal(err)
	}
}

// screen is the visible text without trailing blanks.
func (p *prompt) screen() string { return strings.TrimRight(strings.Join(p.shell.Text(), "\n"), "\n ") }

// shows waits until the screen ends in text.
func (p *prompt) shows(text string) {
	p.t.Helper()
	if !p.matches(testkit.Patience, regexp.QuoteMeta(text)+"$") {
		p.t.Fatalf("the screen does not end in %q:\n%s", text, p.screen())
	}
}

// matches waits until the screen matches a regular expression, and returns false after limit.
func (p *prompt) matches(limit time.Duration, pattern string) bool {
	wanted := regexp.MustCompile(pattern)
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for late := time.Now().Add(limit); !wanted.MatchString(p.screen()); <-tick.C {
		if time.Now().After(late) {
			return false
		}
	}
	return true
}

func TestPromptEvaluates(t *testing.T) {
	t.Parallel()
	p := openPrompt(t, "")
	p.types("1 + 2\r")
	p.shows("3\nconvoy@convoy-test(2)>")
	p.types("_ * 2\r")
	p.shows("6\nconvoy@convoy-test(3)>")
	p.types("Node.self\r")
	p.shows("\"convoy@convoy-test.convoy.internal\"\nconvoy@convoy-test(4)>")
	p.types("nod\r")
	p.shows("error: the name nod is not defined; did you mean node?\n  <4>:1\n    nod\n    ^\nconvoy@convoy-test(5)>")
}

// The prompt is there before the sandbox, and ends with the reason if there will be none.
func TestPrompt_SandboxFails(t *testing.T) {
	t.Parallel()
	p := startPrompt(t, "/bin/false", "")
	if !p.matches(testkit.Patience, `convoy@convoy-test\(1\)>\s+convoy: error: start the sandbox: exit status 1`) {
		t.Errorf("the screen shows:\n%s", p.screen())
	}
	testkit.Eventually(t, "the shell ends", func() bool { return !p.shell.Info().Running })
	if exit := p.shell.Info().Exit; exit.Code != 1 {
		t.Errorf("it ends with %v", exit)
	}
}

// Ctrl-C at the moment when a sandbox starts, the first one or one that replaces another, ends no sandbox.
func TestPrompt_CtrlCWhileASandboxStarts(t *testing.T) {
	t.Parallel()
	script := filepath.Join(t.TempDir(), "sandbox") // which signals the terminal's processes, as a terminal does
	text := "#!/bin/sh\nkill -s INT -- -$PPID\nexec " + program + " \"$@\"\n"
	testkit.Must(t, os.WriteFile(script, []byte(text), 0o700))
	p := startPrompt(t, script, "")
	p.shows("convoy@convoy-test(1)>")
	p.types("\r") // the next prompt is there after the sandbox, and its signal
	p.shows("(1)>\nconvoy@convoy-test(1)>")
	p.types("x = 42\r")
	p.shows("convoy@convoy-test(2)>")
	p.types("list(range(3000000000))\r")
	p.shows("still defined\nconvoy@convoy-test(3)>")
	p.types("x\r")
	p.shows("42\nconvoy@convoy-test(4)>")
}

func TestPromptEdits(t *testing.T) {
	t.Parallel()
	history := filepath.Join(t.TempDir(), "history")
	p := openPrompt(t, history)
	p.types("def twice(x):\r  return x * 2\r\r")
	p.shows("convoy@convoy-test(2)>")
	p.types("twice(21)\r")
	p.shows("42\nconvoy@convoy-test(3)>")
	p.types("\x1b[A")
	p.shows("(3)> twice(21)")
	p.types("\x1b[D\x1b[D2\r") // between 2 and 1
	p.shows("442\nconvoy@convoy-test(4)>")
	p.types("node.se\t")
	p.shows("(4)> node.self")
	p.types("\r")
	p.shows("(5)>")
	p.types("\x1b[200~a = 1\nb = 2\na + b\x1b[201~\r") // a paste is one block
	p.shows("3\nconvoy@convoy-test(6)>")
	p.types("\x12221\r") // Ctrl-R searches
	p.shows("442\nconvoy@convoy-test(7)>")
	p.types("\x03")
	p.shows("(7)> ^C\nconvoy@convoy-test(7)>")
	p.types("'all of it'\r")
	p.shows("\"all of it\"\nconvoy@convoy-test(8)>")
	p.types("\x04")

	again := openPrompt(t, history)
	again.types("\x1b[A\x1b[A")
	again.shows("twice(221)")
}

func TestPrompt_CtrlCGivesThePromptBack(t *testing.T) {
	t.Parallel()
	p := openPrompt(t, "")
	for n, test := range []struct{ source, begins string }{
		{"def f():\r  print('begun')\r  while True: pass\r\r", ""},
		{"f()\r", "\nbegun"},
		{"print('waits') or receive()\r", "\nwaits"},
		{"for i in range(1 << 40): print('y' * 70)\r", strings.Repeat("y", 70)},
		{"print('begun') or max(range(1 << 31))\r", "\nbegun"}, // one step that cannot be interrupted
	} {
		p.types(test.source)
		if test.begins != "" {
			p.shows(test.begins)
			p.types("\x03")
		}
		p.shows(fmt.Sprintf("(%d)>", n+2))
	}
	p.types("'still ' + 'here'\r")
	p.shows("\"still here\"\nconvoy@convoy-test(7)>")
}

// Keys that come before the prompt, in one piece with it or while something runs, arrive in order.
func TestPrompt_TypedAhead(t *testing.T) {
	t.Parallel()
	p := openPrompt(t, "")
	p.types("a = 1\rb = 2\rprint('x' * 3)\ra + b\r[a, \x1b[Db\x1b[F]\r")
	p.shows("[a,b ]\n[1, 2]\nconvoy@convoy-test(6)>")
	p.types("receive(0) or sum\r")
	p.types("'typed while it ran'\r")
	p.shows("\"typed while it ran\"\nconvoy@convoy-test(8)>")
}

func TestPrompt_Keys(t *testing.T) {
	t.Parallel()
	p := openPrompt(t, "")
	p.types("'日本語é'\x1b[D\x1b[D\x7f\r") // the letter before é
	p.shows("\"日本é\"\nconvoy@convoy-test(2)>")
	p.types("node.")
	p.shows("(2)> node.")
	p.types("\t")
	p.shows("stats    What a node used in the last minutes, by default this one: latest, li…")
	p.types("se\t\r")
	p.shows("(3)>")
	p.types("\x12日本")
	p.shows("(reverse search) '日本': '日本é'")
	p.types("\x1b") // an escape alone, which could be the beginning of another key
	p.shows("convoy@convoy-test(3)> '日本é'")
	p.types("\r")
	p.shows("\"日本é\"\nconvoy@convoy-test(4)>")
	p.types("\x1b[12;40R\x1b[<0;1;1M1\r") // unsolicited reports
	p.shows("1\nconvoy@convoy-test(5)>")
	p.types("abc def\x17\x15'undone'\x1f\x1f\x1f\x1f\x1f\x1f\x1f\x1f\x1f\x1f")
	p.types("\x03")
	p.shows("^C\nconvoy@convoy-test(5)>")
	p.types("\x1b[200~def f():\n    return 7\n\nf()\x1b[201~")
	p.shows("...     return 7\n...\n... f()")
	p.types("\r")
	p.shows("7\nconvoy@convoy-test(6)>")
	p.types("\x04")
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for late := time.Now().Add(testkit.Patience); p.shell.Info().Running; <-tick.C {
		if time.Now().After(late) {
			t.Fatal("Ctrl-D does not leave")
		}
	}
}

// A long line is redrawn when the terminal is resized, without leftovers.
func TestPrompt_Resize(t *testing.T) {
	t.Parallel()
	p := openPrompt(t, "")
	text := "'" + strings.Repeat("0123456789", 12) + "'"
	p.types(text)
	p.shows("(1)> " + text[:57] + "\n" + text[57:])
	for _, cols := range []int{40, 25, 40, 80} {
		if err := p.shell.Resize(pty.Size{Rows: 24, Cols: cols}); err != nil {
			t.Fatal(err)
		}
		p.shows("\n" + folded("convoy@convoy-test(1)> "+text, cols))
		if n := strings.Count(strings.Join(p.shell.Text(), "\n"), "(1)>"); n != 1 {
			t.Errorf("at %d columns the prompt is there %d times", cols, n)
		}
	}
}

// folded wraps text at cols columns.
func folded(text string, cols int) string {
	var rows []string
	for ; len(text) > cols; text = text[cols:] {
		rows = append(rows, text[:cols])
	}
	return strings.Join(append(rows, text), "\n")
}

// A key right after a resize is drawn at the new size, without leftovers.
func TestPrompt_ResizeWhileTyping(t *testing.T) {
	t.Parallel()
	p := openPrompt(t, "")
	text := "'" + strings.Repeat("0123456789", 12)
	p.types(text)
	p.shows(text[57:])
	for i := range 40 {
		cols := []int{40, 80, 31, 120}[i%4]
		if err := p.shell.Resize(pty.Size{Rows: 24, Cols: cols}); err != nil {
			t.Fatal(err)
		}
		p.types("x")
		text += "x"
		p.shows("\n" + folded("convoy@convoy-test(1)> "+text, cols))
		if screen := strings.Join(p.shell.Text(), "\n"); strings.Count(screen, "(1)>") != 1 {
			t.Fatalf("after resize %d, to %d columns, the prompt is there more than once:\n%s", i, cols, screen)
		}
	}
}

// A Ctrl-C that arrives together with a line interrupts the line, as it does when it comes later.
func TestPrompt_CtrlCRightBehindEnter(t *testing.T) {
	t.Parallel()
	p := openPrompt(t, "")
	p.types("print('ran') or receive()\r\x03")
	p.shows("^C\nconvoy@convoy-test(1)>")
	for i := range 20 {
		p.types("receive()\r")
		p.types("\x03")
		p.types(fmt.Sprintf("'went on %d'\r", i))
		if !p.matches(testkit.Patience, fmt.Sprintf(`\n"went on %d"\n\S*\(\d+\)>$`, i)) {
			t.Fatalf("Ctrl-C %d does not stop it:\n%s", i, p.screen())
		}
	}
	p.types("\x1b[200~a paste without its end\r")
	for late := time.Now().Add(testkit.Patience); ; {
		p.types("\x03") // part of the paste if it arrives with it
		if p.matches(300*time.Millisecond, `\^C\n\S*\(\d+\)>$`) {
			return
		}
		if time.Now().After(late) {
			t.Fatalf("Ctrl-C does not end a paste:\n%s", p.screen())
		}
	}
}
