package pty

import (
	"slices"
	"strings"
	"testing"
)

func TestOpenAt(t *testing.T) {
	t.Parallel()
	table := newTable(t, Config{Programs: only("/bin/cat"), Dir: "/"})
	dir := t.TempDir()
	open := func(place Place) string {
		t.Helper()
		s, err := table.OpenAt(place, size)
		if err != nil {
			t.Fatal(err)
		}
		return s.Info().ID
	}
	first := open(Place{})
	last := open(Place{Before: "nosuchone1"})
	between := open(Place{Dir: dir, Before: last})
	var ids, dirs []string
	for _, info := range table.List() {
		ids, dirs = append(ids, info.ID), append(dirs, info.Dir)
	}
	if want := []string{first, between, last}; !slices.Equal(ids, want) {
		t.Errorf("listed as %v, want %v", ids, want)
	}
	if want := []string{"/", dir, "/"}; !slices.Equal(dirs, want) {
		t.Errorf("directories %q, want %q", dirs, want)
	}
}

// A shell that has ended still says where it was, so that one can be opened in its place.
func TestDirOutlivesTheProgram(t *testing.T) {
	t.Parallel()
	table := newTable(t, Config{Programs: only("/bin/sh"), Dir: "/"})
	s, err := table.Open(size)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	ctx := t.Context()
	for _, line := range []string{"cd " + dir + "; echo the''re\r", "exit\r"} {
		if err := s.Write(ctx, []byte(line)); err != nil {
			t.Fatal(err)
		}
		for e := range s.Follow(ctx, Viewer{ID: "v", Types: true}, 0) {
			// The prompt may come after the echo, and before the answer on its row.
			said := func(row string) bool { return row == "there" || strings.HasSuffix(row, " there") }
			if e.Kind == Output && slices.ContainsFunc(s.Text(), said) && line[0] == 'c' {
				break
			}
		}
	}
	if info := s.Info(); info.Running || info.Dir != dir {
		t.Errorf("after the end: running %v, in %q, want %q", info.Running, info.Dir, dir)
	}
}
