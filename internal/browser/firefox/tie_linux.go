package firefox

import (
	"os/exec"
	"syscall"
)

// tie has a program killed when the test ends in any way, even if it is killed.
func tie(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
