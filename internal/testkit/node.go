package testkit

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// NodeOf returns the process of the node whose supervisor is a process: its child with the same arguments. It is the
// process itself where nodes have no supervisor, or before the supervisor has started one.
func NodeOf(pid int) int {
	args := commandLine(pid)
	for _, child := range Children(pid) {
		if its := commandLine(child); its != "" && its == args {
			return child
		}
	}
	return pid
}

// Children are the processes that a process has started, by any of its threads, and that have not been waited for.
func Children(pid int) (list []int) {
	files, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/[0-9]*/children", pid)) //nolint:errcheck // a good pattern
	for _, file := range files {
		children, _ := os.ReadFile(file) //nolint:errcheck // then the thread has ended
		for child := range strings.FieldsSeq(string(children)) {
			if number, err := strconv.Atoi(child); err == nil {
				list = append(list, number)
			}
		}
	}
	return list
}

// commandLine are a process's arguments, each with a NUL behind it; "" if it has ended.
func commandLine(pid int) string {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid)) //nolint:errcheck // then it has ended
	return string(text)
}
