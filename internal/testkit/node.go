package testkit

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// NodeOf returns the process of the node whose supervisor is a process: its child with the same arguments. It is the
// process itself where nodes have no supervisor, or before the supervisor has started one.
func NodeOf(pid int) int {
	args, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))                 //nolint:errcheck // then there is none
	files, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/[0-9]*/children", pid)) //nolint:errcheck // a good pattern
	for _, file := range files {
		children, _ := os.ReadFile(file) //nolint:errcheck // then the thread has ended
		for child := range strings.FieldsSeq(string(children)) {
			its, err := os.ReadFile("/proc/" + child + "/cmdline")
			if number, bad := strconv.Atoi(child); err == nil && bad == nil && len(its) > 0 && bytes.Equal(its, args) {
				return number
			}
		}
	}
	return pid
}
