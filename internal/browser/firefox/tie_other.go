//go:build !linux

package firefox

import "os/exec"

// Only Linux tells processes that their parent has ended.
func tie(*exec.Cmd) {}
