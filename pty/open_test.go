package pty

import (
	"slices"
	"strings"
	"testing"
)

func TestOpenAt(t *testing.T) {
	t.Parallel()
	table := newTable(t, Config{Programs: programs("/bin/cat"), Dir: "/"})
	dir := t.TempDir()
	open := func(place OpenOptions) string {
		t.Helper()
		s, err := table.OpenAt(place, size)
		if err != nil {
			t.Fatal(err)
		}
		return s.Info().ID
	}
	first := open(OpenOptions{})
	last := open(OpenOptions{Before: "nosuchone1"})
	between := open(OpenOptions{Dir: dir, Before: last})
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

// An ended shell still reports its directory, so that a new one can be opened there.
func TestDirOutlivesTheProgram(t *testing.T) {
	t.Parallel()
	table := newTable(t, Config{Programs: programs("/bin/sh"), Dir: "/"})
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
		for e := range s.Follow(ctx, Viewer{ID: "v", CanType: true}, 0) {
			// The prompt may come after the echo, and before the reply on its row.
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
