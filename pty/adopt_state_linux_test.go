package pty

import (
	"context"
	"os"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

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

// oneHolder holds one shell for the next table of the same process.
type oneHolder struct {
	t    *testing.T
	last Kept
}

func (h *oneHolder) Keep(now Kept) error {
	for i, file := range now.Files {
		conn, err := file.SyscallConn()
		testkit.Must(h.t, err)
		testkit.Must(h.t, conn.Control(func(fd uintptr) {
			again, err := unix.FcntlInt(fd, unix.F_DUPFD_CLOEXEC, 3)
			testkit.Must(h.t, err)
			now.Files[i] = os.NewFile(uintptr(again), file.Name())
		}))
	}
	h.t.Cleanup(func() {
		for _, file := range now.Files {
			file.Close() //nolint:errcheck // the next table may have closed it
		}
	})
	h.last = now
	return nil
}

func (h *oneHolder) Drop(string) {}

func (h *oneHolder) Wait(ctx context.Context, pid int) (status syscall.WaitStatus, err error) {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_, err = syscall.Wait4(pid, &status, 0, nil)
	}()
	select {
	case <-ended:
		return status, err
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

// task is what an attachment says of its program.
type task struct {
	mu      sync.Mutex
	what    string
	known   bool
	changed func()
}

func (k *task) set(what string, known bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.what, k.known = what, known; k.changed != nil {
		go k.changed()
	}
}

func (k *task) get() (string, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.what, k.known
}

func (k *task) watch(changed func()) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.changed = changed
}

// What runs when a node leaves its shells still runs for the next one, at its first look: a builtin, which only the
// shell's marks tell of, and what an attachment has not told yet.
func TestAdopt_WhatRuns(t *testing.T) {
	const marked = `printf '\033]133;D;3\a\033]133;C\a'; read x; printf '\033]133;D;0\a\033]133;A\a'; read x`
	for name, one := range map[string]struct {
		script string
		begin  func(*task)
		end    func(*task, *Shell)
	}{
		"builtin": {marked, func(*task) {}, func(_ *task, s *Shell) { typeIn(t, s, "\r") }},
		"attachment": {
			"read x", func(k *task) { k.set("The evaluation", true) }, func(k *task, _ *Shell) { k.set("", true) },
		},
	} {
		t.Run(name, func(t *testing.T) {
			now := &task{known: true}
			attachment := Attachment{Close: func() {}, Busy: now.get, Watch: now.watch}
			config := Config{Programs: programs("/bin/sh", "-c", one.script), Keeper: &oneHolder{t: t}}
			config.Programs[0].Attach = func(func() string) (Attachment, error) { return attachment, nil }
			config.Programs[0].Reattach = func(func() string, *os.File) (Attachment, error) { return attachment, nil }
			before := NewTable(config)
			s, err := before.Open(size)
			testkit.Must(t, err)
			one.begin(now)
			becomes(t, s, Running)
			before.Leave()
			if name == "attachment" {
				now.set("", false)
			}
			after := newTable(t, config)
			after.Adopt([]Kept{config.Keeper.(*oneHolder).last})
			s, err = after.Get(s.id)
			testkit.Must(t, err)
			if s.look(); s.State().Doing != Running {
				t.Errorf("at the first look, the shell is %+v", s.State())
			}
			one.end(now, s)
			testkit.Eventually(t, "the end of what runs", func() bool { return s.State().Doing != Running })
		})
	}
}
