package pty

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"convoy/internal/testkit"
)

// rawCat prints "ready", then echoes input byte for byte.
const rawCat = "stty raw -echo; echo ready; exec cat"

func TestInputIsWrittenOnceAndInOrder(t *testing.T) {
	t.Parallel()
	s := run(t, rawCat)
	v := watch(t, s, options{name: "typist", types: true})
	v.see("ready\n")
	const inputs = 300
	var want strings.Builder
	var numbers []int
	for n := range inputs {
		fmt.Fprintf(&want, "<%d>", n)
		numbers = append(numbers, n, n, n) // each is sent three times
	}
	// Like a page: several in flight, close to each other, shuffled.
	const window = 24
	random := rand.New(rand.NewPCG(3, 4))
	for i := 0; i < len(numbers); i += window {
		part := numbers[i:min(i+window, len(numbers))]
		random.Shuffle(len(part), func(a, b int) { part[a], part[b] = part[b], part[a] })
	}
	var sending sync.WaitGroup
	underWay := make(chan struct{}, 2*window)
	for _, n := range numbers {
		underWay <- struct{}{}
		sending.Go(func() {
			defer func() { <-underWay }()
			if err := sendInput(t, s, "typist", int64(n), fmt.Sprintf("<%d>", n)); err != nil {
				t.Error(err)
			}
		})
	}
	sending.Wait()
	v.see(fmt.Sprintf("<%d>", inputs-1))
	if got := v.output(); got != "ready\n"+want.String() {
		t.Errorf("typed %.2000q", got)
	}
}

func TestNumbersOutliveFollow(t *testing.T) {
	t.Parallel()
	s := run(t, rawCat)
	v := watch(t, s, options{name: "typist", types: true})
	v.see("ready\n")
	input := func(viewer string, n int64, text string) {
		t.Helper()
		if err := s.Input(t.Context(), viewer, n, []byte(text)); err != nil {
			t.Error(err)
		}
	}
	input("typist", 0, "a")
	input("typist", 1, "b")
	v.stop()
	input("typist", 1, "b") // repeated: its answer was lost with the stream
	v = watch(t, s, options{name: "typist", types: true})
	input("other", 0, "c") // other viewers have their own numbers
	input("typist", 2, "d")
	v.see("abcd")
	if got := v.output(); got != "ready\nabcd" {
		t.Errorf("output %q", got)
	}
}

func TestInputGapNamesTheNumber(t *testing.T) {
	t.Parallel()
	s := open(t, "/bin/cat")
	if err := s.Input(t.Context(), "typist", 0, []byte("x")); err != nil {
		t.Fatal(err)
	}
	err := s.Input(t.Context(), "typist", 5, []byte("y"))
	if gap, ok := errors.AsType[*GapError](err); !ok || gap.Expected != 1 {
		t.Errorf("gap: %v", err)
	}
	if err := s.Input(t.Context(), "typist", 1, []byte("y")); err != nil {
		t.Errorf("after the gap: %v", err)
	}
}

func TestInputAfterTheEnd(t *testing.T) {
	t.Parallel()
	for _, program := range []string{"/bin/true", "/does/not/exist"} {
		s := open(t, program)
		watch(t, s, options{}).exit()
		if err := s.Write(t.Context(), []byte("x")); !errors.Is(err, ErrEnded) {
			t.Errorf("%s: write: %v", program, err)
		}
		if err := s.Input(t.Context(), "v", 0, []byte("x")); !errors.Is(err, ErrEnded) {
			t.Errorf("%s: input: %v", program, err)
		}
		if err := s.Resize(Size{5, 5}); err != nil {
			t.Errorf("%s: resize: %v", program, err)
		}
	}
}

func TestEndReleasesBlockedWrite(t *testing.T) {
	t.Parallel()
	path, openGate := gate(t)
	s := run(t, "stty raw -echo; echo ready; read x < "+path)
	watch(t, s, options{}).see("ready\n")
	ended := make(chan error)
	go func() { ended <- s.Write(t.Context(), make([]byte, 1<<20)) }()
	openGate()
	if err := <-ended; !errors.Is(err, ErrEnded) {
		t.Errorf("write: %v", err)
	}
}

// A write that the program does not read ends with its context, and the repeated number continues at the byte where it
// stopped.
func TestBlockedInputEndsWithContextAndContinues(t *testing.T) {
	t.Parallel()
	path, openGate := gate(t)
	s := run(t, "stty raw -echo; echo ready; read x < "+path+"; exec cat")
	v := watch(t, s, options{name: "typist", types: true})
	v.see("ready\n")
	var paste []byte
	for i := range 40000 {
		paste = fmt.Appendf(paste, "%d,", i)
	}
	for range 3 {
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		if err := s.Input(ctx, "typist", 0, paste); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("blocked input: %v", err)
		}
		cancel()
	}
	openGate()
	if err := s.Input(t.Context(), "typist", 0, paste); err != nil {
		t.Fatal(err)
	}
	if err := s.Input(t.Context(), "typist", 1, []byte("end")); err != nil {
		t.Fatal(err)
	}
	v.see("end")
	if v.output() != "ready\n"+string(paste)+"end" {
		t.Errorf("typed %d bytes, came back %d", len(paste), len(v.output()))
	}
}

// ^C reaches a program that does not read, after any amount of input.
func TestInterruptPassesUnreadInput(t *testing.T) {
	t.Parallel()
	short := strings.Repeat("unread\r", 2000) // fits between ptmx and tty
	long := strings.Repeat("unread\r", 40000) // does not
	modes := map[string]string{"lines": "stty -echo", "echoed": "true", "characters": "stty -icanon -echo"}
	for name, mode := range modes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, paste := range []string{short, long} {
				for _, way := range []func(*testing.T, *Shell, string){interruptAtOnce, interruptAfter, interruptNumbered} {
					s := run(t, mode+"; echo ready; exec sleep 1000")
					v := watch(t, s, options{name: "typist", types: true})
					v.see("ready\r\n")
					way(t, s, paste)
					if exit := v.exit(); exit.Signal != "SIGINT" {
						t.Errorf("ended with %v", exit)
					}
				}
			}
		})
	}
}

func interruptAtOnce(t *testing.T, s *Shell, paste string) { typeIn(t, s, paste+"\x03") }

func interruptAfter(t *testing.T, s *Shell, paste string) {
	pasted := make(chan error)
	go func() { pasted <- s.Write(t.Context(), []byte(paste)) }()
	testkit.Eventually(t, "the paste in the terminal", s.terminal.unread)
	typeIn(t, s, "\x03")
	if err := <-pasted; err != nil && !errors.Is(err, ErrEnded) {
		t.Errorf("paste: %v", err)
	}
}

func interruptNumbered(t *testing.T, s *Shell, paste string) {
	var sending sync.WaitGroup
	for n, text := range []string{paste, paste, "\x03"} {
		sending.Go(func() {
			err := sendInput(t, s, "typist", int64(n), text)
			if err != nil && !errors.Is(err, ErrEnded) {
				t.Errorf("input %d: %v", n, err)
			}
		})
	}
	sending.Wait()
}

// Input before a ^C is not lost for a program that reads.
func TestInterruptKeepsReadInput(t *testing.T) {
	t.Parallel()
	script := "stty -echo; n=0; trap 'echo got $n; exit' INT; echo ready; while read x; do n=$((n+1)); done"
	table := newTable(t, Config{Programs: programs("/bin/sh", "-c", script)})
	table.config.unreadTime = testkit.Patience // the machine may be busy
	s, err := table.Open(size)
	testkit.Must(t, err)
	v := watch(t, s, options{})
	v.see("ready\r\n")
	line := strings.Repeat("x", 49) + "\r"
	// The line after the ^C wakes a shell that took the signal just before it began to read.
	err = s.Write(t.Context(), []byte(strings.Repeat(line, 100)+"\x03\r"))
	if err != nil && !errors.Is(err, ErrEnded) {
		t.Fatal(err)
	}
	v.exit()
	// The last one may be read but not counted yet.
	if got := v.output(); got != "ready\r\ngot 100\r\n" && got != "ready\r\ngot 99\r\n" {
		t.Errorf("of 100 lines: %q", got)
	}
}

// In raw mode ^C is an ordinary byte.
func TestRawInterruptIsAByte(t *testing.T) {
	t.Parallel()
	s := run(t, rawCat)
	v := watch(t, s, options{})
	v.see("ready\n")
	paste := strings.Repeat("a\x03b", 10000)
	typeIn(t, s, paste)
	v.until("all of it", func([]Event) bool { return v.bytes == len(paste)+len("ready\n") })
	if v.output() != "ready\n"+paste {
		t.Error("came back changed")
	}
}

// A program that continues to write after ^C does not wait for room that the kernel made by discarding output.
func TestInterruptWakesWriters(t *testing.T) {
	t.Parallel()
	rounds := 1500
	if testing.Short() {
		rounds = 300
	}
	s := run(t, "stty -echo; trap '' INT; exec yes "+strings.Repeat("y", 4000))
	testkit.Eventually(t, "output", func() bool { return s.Info().End > 1<<20 })
	for range rounds {
		end := s.Info().End
		typeIn(t, s, "\x03")
		testkit.Eventually(t, "more output", func() bool { return s.Info().End > end+1000 })
	}
}
