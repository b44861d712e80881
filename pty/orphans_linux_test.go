package pty

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// asReaper makes the test binary a process that adopts orphans and reaps them.
const asReaper = "CONVOY_TEST_AS_REAPER"

// beReaper leaves an orphan, and prints how it and its own children ended.
func beReaper() int {
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		fmt.Println(err)
		return 1
	}
	ctx, stop := context.WithTimeout(context.Background(), 20*time.Second)
	defer stop()
	go reapOrphans(ctx, 50*time.Millisecond)
	out, err := exec.Command("/bin/sh", "-c", "sh -c 'exit 3' & echo $!").Output()
	if err != nil {
		fmt.Println(err)
		return 1
	}
	orphan, _ := strconv.Atoi(strings.TrimSpace(string(out)))
	for tick := time.NewTicker(10 * time.Millisecond); syscall.Kill(orphan, 0) == nil; {
		// reaping does not take the exit status of its own children
		err := exec.Command("/bin/sh", "-c", "exit 7").Run()
		if status, ok := err.(*exec.ExitError); !ok || status.ExitCode() != 7 {
			fmt.Println("a child of its own ended with", err)
			return 1
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			fmt.Println("the orphan is still there")
			return 1
		}
	}
	fmt.Println("collected")
	return 0
}

func TestReapOrphans(t *testing.T) {
	t.Parallel()
	cmd := exec.Command(os.Args[0])
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), asReaper + "=1"}
	if text, err := cmd.CombinedOutput(); err != nil || string(text) != "collected\n" {
		t.Errorf("%v: %s", err, text)
	}
}

func init() {
	if os.Getenv(asReaper) != "" {
		os.Exit(beReaper())
	}
}
