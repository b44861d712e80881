package pty

import (
	"context"
	"errors"
	"regexp"
	"sync"
	"testing"
)

func TestTable(t *testing.T) {
	t.Parallel()
	table := newTable(t, Config{Programs: programs("/bin/cat"), Max: 3})
	var ids []string
	for range 3 {
		s, err := table.Open(size)
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, s.Info().ID)
	}
	for i, info := range table.List() {
		if info.ID != ids[i] || !info.Running || info.Title != "cat" || info.Size != size {
			t.Errorf("shell %d: %+v", i, info)
		}
		if !regexp.MustCompile("^[a-z0-9]{10}$").MatchString(info.ID) {
			t.Errorf("id %q", info.ID)
		}
	}
	if _, err := table.Open(size); !errors.Is(err, ErrFull) {
		t.Errorf("a fourth: %v", err)
	}
	if s, opened, err := table.First(OpenOptions{}, size); err != nil || opened || s.id != ids[0] {
		t.Errorf("first: %v, %v, %v", s, opened, err)
	}
	if err := table.Remove(t.Context(), ids[1]); err != nil {
		t.Error(err)
	}
	if err := table.Remove(t.Context(), ids[1]); !errors.Is(err, ErrNotFound) {
		t.Errorf("removed again: %v", err)
	}
	if _, err := table.Get(ids[1]); !errors.Is(err, ErrNotFound) {
		t.Errorf("get what was removed: %v", err)
	}
	if s, err := table.Get(ids[2]); err != nil || s.id != ids[2] {
		t.Errorf("get: %v, %v", s, err)
	}
	for _, bad := range []Size{{}, {0, 80}, {24, 0}, {1001, 80}, {24, 1001}, {-1, -1}} {
		if _, err := table.Open(bad); !errors.Is(err, ErrBadSize) {
			t.Errorf("open of %v: %v", bad, err)
		}
		if err := table.shells[0].Resize(bad); !errors.Is(err, ErrBadSize) {
			t.Errorf("resize to %v: %v", bad, err)
		}
	}
}

func TestEndedShellMakesRoom(t *testing.T) {
	t.Parallel()
	table := newTable(t, Config{Programs: programs("/bin/cat"), Max: 2})
	old, _, err := table.First(OpenOptions{}, size)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := table.Open(size); err != nil {
		t.Fatal(err)
	}
	v := watch(t, old, options{})
	typeIn(t, old, "\x04")
	v.exit()
	if _, opened, err := table.First(OpenOptions{}, size); err != nil || opened {
		t.Errorf("first: opened %v, %v", opened, err)
	}
	if info := old.Info(); info.Running || len(table.List()) != 2 {
		t.Errorf("the ended shell is not listed: %+v", info)
	}
	if _, err := table.Open(size); err != nil {
		t.Error(err)
	}
	if _, err := table.Get(old.id); !errors.Is(err, ErrNotFound) {
		t.Errorf("the ended shell is still there: %v", err)
	}
}

func TestFirstIsOpenedOnce(t *testing.T) {
	t.Parallel()
	table := newTable(t, Config{Programs: programs("/bin/cat")})
	var opening sync.WaitGroup
	openings := make(chan bool, 8)
	for range cap(openings) {
		opening.Go(func() {
			_, opened, err := table.First(OpenOptions{}, size)
			if err != nil {
				t.Error(err)
			}
			openings <- opened
		})
	}
	opening.Wait()
	close(openings)
	n := 0
	for opened := range openings {
		if opened {
			n++
		}
	}
	if n != 1 || len(table.List()) != 1 {
		t.Errorf("opened %d, listed %d", n, len(table.List()))
	}
}

func TestChanged(t *testing.T) {
	t.Parallel()
	table := newTable(t, Config{Programs: programs("/bin/cat")})
	var s *Shell
	var err error
	steps := []struct {
		what    string
		do      func() error
		changes bool
	}{
		{"open", func() error { s, err = table.Open(size); return err }, true},
		{"resize", func() error { return s.Resize(Size{5, 5}) }, true},
		{"resize to the same", func() error { return s.Resize(Size{5, 5}) }, false},
		{"end", func() error { return s.Write(t.Context(), []byte("\x04")) }, true},
		{"remove", func() error { return table.Remove(t.Context(), s.id) }, true},
	}
	for _, step := range steps {
		changed := table.Changed()
		if err := step.do(); err != nil {
			t.Fatalf("%s: %v", step.what, err)
		}
		if step.changes {
			<-changed
			continue
		}
		select {
		case <-changed:
			t.Errorf("%s: a change was told", step.what)
		default:
		}
	}
}

func TestCloseEndsAllAndOpensNoMore(t *testing.T) {
	t.Parallel()
	table := newTable(t, Config{Programs: programs("/bin/cat")})
	var views []*view
	for range 5 {
		s, err := table.Open(size)
		if err != nil {
			t.Fatal(err)
		}
		views = append(views, watch(t, s, options{}))
	}
	if err := table.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, v := range views {
		if exit := v.exit(); exit.Signal != "SIGHUP" {
			t.Errorf("ended with %v", exit)
		}
	}
	if _, err := table.Open(size); !errors.Is(err, ErrClosed) {
		t.Errorf("open after close: %v", err)
	}
	if _, _, err := table.First(OpenOptions{}, size); !errors.Is(err, ErrClosed) {
		t.Errorf("first after close: %v", err)
	}
	if err := table.Close(context.Background()); err != nil || len(table.List()) != 0 {
		t.Errorf("close again: %v, %d shells", err, len(table.List()))
	}
}
