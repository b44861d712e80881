package access

import (
	"os"
	"path/filepath"
	"testing"

	"convoy/internal/testkit"
)

// A list that exists is read on a full disk, too, and written again once there is space.
func TestOpenGrants_OnAFullDisk(t *testing.T) {
	dir := testkit.SmallDisk(t, "1m")
	file, filler := filepath.Join(dir, "access.db"), filepath.Join(dir, "filler")
	g, err := OpenGrants(file, true)
	testkit.Must(t, err)
	_, err = g.Merge([]Grant{loginOf("one", "ann", noon)}, noon)
	testkit.Must(t, err)
	testkit.Must(t, g.Close())
	if err := os.WriteFile(filler, make([]byte, 1<<20), 0o600); err == nil {
		t.Fatal("the disk is not full")
	}
	g, err = OpenGrants(file, true)
	testkit.Must(t, err)
	if _, err := g.Get("one"); err != nil {
		t.Errorf("on a full disk: %v", err)
	}
	testkit.Must(t, os.Remove(filler))
	_, err = g.Merge([]Grant{loginOf("two", "bob", noon)}, noon)
	testkit.Must(t, err)
	testkit.Must(t, g.Close())
	g = openGrants(t, file)
	if _, err := g.Get("two"); err != nil {
		t.Errorf("once there is space: %v", err)
	}
	testkit.Must(t, g.Close())
}
