package cli

import (
	"os"
	"path/filepath"
	"testing"

	"convoy/internal/testkit"
	"convoy/node"
)

func TestRecordingsConfig(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, test := range []struct {
		args []string
		env  map[string]string
		all  bool
		dir  string
		max  int64
	}{
		{nil, map[string]string{"HOME": "/home/me"}, false, "/home/me/.local/state/convoy/recordings", 1 << 30},
		{
			nil, map[string]string{"HOME": "/home/me", "XDG_STATE_HOME": "/var/me"},
			false, "/var/me/convoy/recordings", 1 << 30,
		},
		{nil, map[string]string{"HOME": "", "XDG_STATE_HOME": "here"}, false, "", 1 << 30},
		{[]string{"-recordings", dir, "-record", "all", "-recordings-max", "5MiB"}, nil, true, dir, 5 << 20},
		{
			nil, map[string]string{"CONVOY_RECORDINGS": dir, "CONVOY_RECORD": "all", "CONVOY_RECORDINGS_MAX": "6MiB"},
			true, dir, 6 << 20,
		},
	} {
		cfg, err := readConfig(test.args, testEnv(test.env))
		if want := (node.Record{All: test.all, Dir: test.dir, MaxBytes: test.max}); err != nil || cfg.Record != want {
			t.Errorf("%v %v: %+v, %v, want %+v", test.args, test.env, cfg.Record, err, want)
		}
	}
	info, err := os.Stat(filepath.Join(dir, "convoy.convoy.internal"))
	testkit.Must(t, err)
	if info.Mode().Perm() != 0o700 {
		t.Errorf("the node's directory has mode %o", info.Mode().Perm())
	}
}
