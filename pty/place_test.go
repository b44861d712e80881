package pty

import (
	"slices"
	"testing"
)

func TestOpenAt(t *testing.T) {
	t.Parallel()
	table := newTable(t, Config{Program: []string{"/bin/cat"}, Dir: "/"})
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
