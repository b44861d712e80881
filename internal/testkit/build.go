package testkit

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// Build builds Convoy in dir, without cgo as it is released, and returns the program's path.
func Build(dir string) (exe string, err error) {
	exe = filepath.Join(dir, "convoy")
	build := exec.Command("go", "build", "-o", exe, "convoy")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return exe, nil
}
