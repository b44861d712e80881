package pty

import (
	"context"
	"syscall"
	"testing"

	"convoy/internal/testkit"
)

// A shell that waits still waits when its node restarts or is killed, until it is answered; and who echoes is known.
func TestAdopt_State(t *testing.T) {
	k := newKeepers(t)
	config := nodeConfig{Scripts: map[string]string{"": `printf '\033]133;C\aContinue? [y/N] '; read x; read y`}}
	n := k.start(config)
	p := newPage(t, n.open(""))
	p.see(n, "[y/N] ")
	becomes := func(want Doing) (state State) {
		t.Helper()
		testkit.Eventually(t, string(want), func() bool {
			state = n.list()[0].State
			return state.Doing == want
		})
		return state
	}
	before := becomes(Waiting)
	for _, stop := range []func(){n.leave, func() { n.kill() }} {
		stop()
		n = k.start(config)
		now := n.list()[0].State
		if !now.Since.Equal(before.Since) || now.Doing != Waiting || now.Asks != before.Asks {
			t.Errorf("before %+v, now %+v", before, now)
		}
	}
	n.input(p.id, 0, "y\n")
	testkit.Eventually(t, "no longer waiting", func() bool { return n.list()[0].State.Doing != Waiting })
	n.kill()
	n = k.start(config)
	if now := n.list()[0].State; now.Doing == Waiting {
		t.Errorf("answered, and now %+v", now)
	}
}

// oneKept keeps the data of one shell.
type oneKept struct{ last Kept }

func (k *oneKept) Keep(now Kept) error                                         { k.last = now; return nil }
func (k *oneKept) Drop(string)                                                 {}
func (k *oneKept) Wait(context.Context, int) (s syscall.WaitStatus, err error) { return s, nil }

// What a shell does is kept when its node leaves it, even if its last change was not.
func TestLeave_State(t *testing.T) {
	k := &oneKept{}
	script := "read x; printf 'Continue? [y/N] '; read x"
	s, err := newTable(t, Config{Programs: programs("/bin/sh", "-c", script), Keeper: k}).Open(size)
	testkit.Must(t, err)
	s.onChange = func() {} // it keeps nothing yet
	typeIn(t, s, "\r")
	becomes(t, s, Waiting)
	s.saveForNext()
	d, err := parseData(k.last)
	testkit.Must(t, err)
	if d.Activity == nil || d.Activity.State.Doing != Waiting {
		t.Errorf("kept is %+v", d.Activity)
	}
}
