package e2e

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"convoy/internal/client"
	"convoy/internal/testkit"
)

// hostile are scripts that are up to no good.
var hostile = map[string]string{
	"memory in one piece":    "list(range(3000000000))",
	"memory, grown":          "a = ['x']\nwhile True: a += a",
	"deep recursion":         "def f(n): return f(n + 1)\nf(0)",
	"an endless loop":        "while True: pass",
	"a giant text":           "x = 'x' * (1 << 30)\ny = x + x",
	"a flood of output":      "while True: print('x' * 1000)",
	"one endless built-in":   "sorted(range(30000000), key = lambda x: -x)",
	"a thousand calls":       "[rpc.multicall('node.info') for _ in range(1000)]",
	"a thousand messages":    "[send('worker', node.self(), 'x' * 1000) for _ in range(1000)]",
	"a thousand evaluations": "[rpc.eval(node.self(), 'while True: pass', timeout = 0.01) for _ in range(1000)]",
}

// echo is a shell that gives back what is typed.
type echo struct {
	terminal *client.Terminal
	typed    int
}

func openEcho(t *testing.T, c *client.Client, node string) *echo {
	t.Helper()
	s, err := c.OpenKind(testkit.Context(t), node, "system")
	testkit.Must(t, err)
	terminal, err := c.Attach(t.Context(), s, -1)
	testkit.Must(t, err)
	t.Cleanup(terminal.Close)
	testkit.Must(t, terminal.Type(testkit.Context(t), "stty raw -echo; echo ready; exec cat\r"))
	testkit.Must(t, terminal.WaitFor(testkit.Context(t), "ready\n"))
	return &echo{terminal: terminal}
}

// time is how long a key takes there and back.
func (e *echo) time(ctx context.Context) (time.Duration, error) {
	e.typed++
	began := time.Now()
	key := fmt.Sprintf("<%d>", e.typed)
	err := e.terminal.Type(ctx, key)
	if err == nil {
		err = e.terminal.WaitFor(ctx, key)
	}
	return time.Since(began), err
}

// during times keys until done is closed, from ten to five hundred.
func (e *echo) during(t *testing.T, done <-chan struct{}) (times []time.Duration) {
	t.Helper()
	for {
		took, err := e.time(testkit.Context(t))
		testkit.Must(t, err)
		if times = append(times, took); len(times) == 500 {
			<-done
		}
		select {
		case <-done:
			if len(times) >= 10 {
				return times
			}
		default:
		}
	}
}

// Hostile scripts hurt nobody but their own prompts: while each runs, in a pane or as an evaluation, the keys of
// another shell of the node come back, and afterwards the prompt is there again. The times are told, not compared.
func TestShell_HostileScripts(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes half a minute of both cores")
	}
	n := startTalkers(t, "hostile.test")
	const name = "convoy@hostile.test"
	e := openEcho(t, n.Client, name)
	calm := make(chan struct{})
	close(calm)
	t.Logf("%-24s %s", "calm", summary(e.during(t, calm)))
	s, err := n.OpenKind(testkit.Context(t), name, "convoy")
	testkit.Must(t, err)
	prompt, err := n.Attach(t.Context(), s, -1)
	testkit.Must(t, err)
	t.Cleanup(prompt.Close)
	testkit.Must(t, prompt.WaitFor(testkit.Context(t), "(1)> "))
	evaluate := func(source string) <-chan struct{} {
		done := make(chan struct{})
		go func() {
			defer close(done)
			asked := n.Do(t.Context(), http.MethodPost, "/nodes/"+name+"/eval", fmt.Appendf(nil, `{"source":%q}`, source), nil)
			problem, refused := errors.AsType[*client.Problem](asked)
			if asked != nil && (!refused || problem.Status != http.StatusUnprocessableEntity) {
				t.Errorf("%s: %v", source, asked)
			}
		}()
		return done
	}
	typed := 0
	isTyped := false
	for what, source := range hostile { // in random order: each run has others at the prompt
		if isTyped = !isTyped; isTyped {
			typed++
			t.Logf("%-24s %s, at a prompt", what, summary(e.during(t, atPrompt(t, prompt, source, typed))))
		} else {
			t.Logf("%-24s %s, as an evaluation", what, summary(e.during(t, evaluate(source))))
		}
		if t.Failed() {
			return // what follows would wait for a shell that may have ended
		}
	}
	var after struct{ Result string }
	testkit.Must(t, n.Do(testkit.Context(t), http.MethodPost, "/api/cmd", []byte(`{"value":"6 * 7"}`), &after))
	if after.Result != "42" {
		t.Errorf("afterwards 6 * 7 is %q", after.Result)
	}
}

// atPrompt runs source at a prompt for at most a second, then has it stop. The channel is closed when the prompt is
// there again, and knows what 6 * 7 is.
func atPrompt(t *testing.T, prompt *client.Terminal, source string, number int) <-chan struct{} {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		ctx := testkit.Context(t)
		check := func(err error) {
			if err != nil {
				t.Errorf("at the prompt, %q: %v", source, err)
			}
		}
		check(prompt.Type(ctx, "\x1b[200~"+source+"\x1b[201~\r"))
		second, end := context.WithTimeout(ctx, time.Second)
		defer end()
		prompt.WaitFor(second, "never") //nolint:errcheck // it has a second
		for _, keys := range []string{"\x03", "\x03"} {
			check(prompt.Type(ctx, keys))
		}
		check(prompt.Type(ctx, fmt.Sprintf("\r'still' + 'here %d'\r", number)))
		check(prompt.WaitFor(ctx, fmt.Sprintf(`"stillhere %d"`, number)))
	}()
	return done
}

func summary(times []time.Duration) string {
	sorted := slices.Sorted(slices.Values(times))
	return fmt.Sprintf(
		"%5d keys, median %8v, slowest %8v", len(sorted), sorted[len(sorted)/2].Round(10*time.Microsecond),
		sorted[len(sorted)-1].Round(10*time.Microsecond),
	)
}
