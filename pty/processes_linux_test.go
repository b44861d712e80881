package pty

import (
	"os/exec"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// A process that has ended, but has not been waited for, does not keep its group alive.
func TestGroupAlive_Zombie(t *testing.T) {
	cmd := exec.Command("sleep", "1000")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	group := cmd.Process.Pid
	defer cmd.Wait() //nolint:errcheck // it was killed
	if !groupAlive(group) {
		t.Error("a group that runs does not count as alive")
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := unix.Waitid(unix.P_PID, group, nil, unix.WEXITED|unix.WNOWAIT, nil); err != nil {
		t.Fatal(err)
	}
	if syscall.Kill(-group, 0) != nil {
		t.Fatal("the zombie has gone, so this shows nothing")
	}
	if groupAlive(group) {
		t.Error("a zombie keeps its group alive")
	}
}
