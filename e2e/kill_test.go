package e2e

import (
	"convoy/internal/testkit"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// pidOf reads the provider's id of a node, "pid 4242".
func pidOf(t *testing.T, id string) int {
	t.Helper()
	pid, err := strconv.Atoi(strings.TrimPrefix(id, "pid "))
	if err != nil || pid <= 1 {
		t.Fatalf("id %q names no process", id)
	}
	return pid
}

func kill(t *testing.T, pid int) {
	t.Helper()
	testkit.Must(t, syscall.Kill(pid, syscall.SIGKILL))
}
