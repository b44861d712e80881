package pty

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// readersAtOnce limits the processes of a shell that are looked at.
const readersAtOnce = 32

// mayRead are parts of the kernel's functions in which threads wait that may wait for a terminal.
var mayRead = []string{"wait_woken", "tty", "poll", "select", "cqring"}

// readsInput reports whether a process group among a process and its descendants reads from a terminal now.
func readsInput(root, group int) reads {
	answer := readsNot
	pids := []int{root}
	for i := 0; i < len(pids); i++ {
		if i == readersAtOnce {
			return readsUnknown
		}
		if p, ok := readProcess(pids[i]); ok && p.group == strconv.Itoa(group) && !p.zombie {
			switch threadsRead(pids[i]) {
			case readsYes:
				return readsYes
			case readsUnknown:
				answer = readsUnknown
			}
		}
		pids = append(pids, children(pids[i])...)
	}
	return answer
}

// children are the processes that a process has started, by any of its threads.
func children(pid int) (list []int) {
	paths, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid)) // the only error is a bad pattern
	for _, path := range paths {
		text, _ := os.ReadFile(path) //nolint:errcheck // it has ended
		for _, field := range strings.Fields(string(text)) {
			if child, err := strconv.Atoi(field); err == nil {
				list = append(list, child)
			}
		}
	}
	return list
}

// threadsRead is readsInput of one process.
func threadsRead(pid int) reads {
	answer := readsNot
	paths, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*", pid)) // the only error is a bad pattern
	for _, path := range paths {
		if readsTerminal(path) {
			return readsYes
		}
		where, err := os.ReadFile(path + "/wchan")
		may := func(part string) bool { return strings.Contains(string(where), part) }
		if err != nil || string(where) == "0" && !isBusy(path) || slices.ContainsFunc(mayRead, may) {
			answer = readsUnknown
		}
	}
	return answer
}

// readsTerminal reports whether a thread is known to be in read(2) of a terminal.
func readsTerminal(path string) bool {
	call, _ := os.ReadFile(path + "/syscall") //nolint:errcheck // then it is not known
	var number, fd int
	if _, err := fmt.Sscanf(string(call), "%d 0x%x ", &number, &fd); err != nil || number != unix.SYS_READ {
		return false
	}
	file, err := os.Readlink(fmt.Sprintf("%s/fd/%d", path, fd))
	return err == nil && (strings.HasPrefix(file, "/dev/pts/") || file == "/dev/tty")
}

// isBusy reports whether a thread does not sleep: then its wchan is 0, as it is if it must not be known.
func isBusy(path string) bool {
	text, err := os.ReadFile(path + "/stat")
	rest := text[bytes.LastIndexByte(text, ')')+1:]
	return err == nil && (bytes.HasPrefix(rest, []byte(" R ")) || bytes.HasPrefix(rest, []byte(" D ")))
}
