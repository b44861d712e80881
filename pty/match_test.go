package pty

import (
	"context"
	"strings"
	"testing"

	"convoy/internal/testkit"
)

func TestParsePattern(t *testing.T) {
	t.Parallel()
	for text, ok := range map[string]bool{
		"error|failed": true, `^\d+ tests?$`: true, "(?i)done": true,
		"": false, "(": false, strings.Repeat("a", 201): false, "(a{1000}){1000}": false, "a{900}": false,
		"((a?){20}){20}": false,
	} {
		if _, err := ParsePattern(text); (err == nil) != ok {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// TestAwait finds a line in a flood, in colours, split into pieces, and not yet ended; but nothing from before.
func TestAwait(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ print, pattern, want string }{
		{`seq 1 20000; echo "needle 7 here"; seq 1 100`, `needle \d`, "needle 7 here"},
		{`printf '\033[31mbuild \033[1mfailed\033[m: 3\n'`, `^build failed: \d$`, "build failed: 3"},
		{`printf '\033]0;failed\007ok\n'; echo failed late`, "failed", "failed late"},
		{`printf 'Pass'; printf 'word: '`, "^Password: $", "Password:"},
		{`head -c 100000 /dev/zero | tr '\0' x; echo; echo end`, "^end$", "end"},
	} {
		before := "echo needle 1; echo failed; echo end; printf Password:; read it; "
		s := run(t, before+test.print+"; exec cat")
		watch(t, s, options{types: true}).see("Password")
		pattern, err := ParsePattern(test.pattern)
		testkit.Must(t, err)
		from, got := s.Info().End, make(chan string, 1)
		typeIn(t, s, "\r")
		go func() {
			line, _ := s.Await(t.Context(), "alert/1", from, pattern, nil)
			got <- line
		}()
		if line := <-got; line != test.want {
			t.Errorf("%s: found %q, want %q", test.print, line, test.want)
		}
		if n := s.Info().Viewers; n != 1 {
			t.Errorf("%d viewers, want 1", n)
		}
	}
}

// A search from before the oldest output that is kept begins at its first whole line. What was matched can be left out.
func TestAwait_FromBefore(t *testing.T) {
	t.Parallel()
	table := newTable(t, Config{Programs: programs("/bin/sh", "-c", "seq 20000; echo needle; exec cat"), Ring: 64 << 10})
	s, err := table.Open(size)
	testkit.Must(t, err)
	testkit.Eventually(t, "all is printed", func() bool { return strings.Contains(strings.Join(s.Text(), " "), "needle") })
	pattern, err := ParsePattern("^needle$")
	testkit.Must(t, err)
	if line, ok := s.Await(t.Context(), "alert/1", 10, pattern, nil); !ok || line != "needle" {
		t.Errorf("found %q, %v", line, ok)
	}
	ctx, cancel := context.WithCancel(testkit.Context(t))
	last := int64(-1)
	never, err := ParsePattern("never")
	testkit.Must(t, err)
	s.Await(ctx, "alert/1", 10, never, func(off int64) {
		if last = off; off == s.Info().End {
			cancel()
		}
	})
	if end := s.Info().End; last != end {
		t.Errorf("matched up to %d of %d", last, end)
	}
}
