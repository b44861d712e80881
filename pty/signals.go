package pty

import (
	"os"
	"os/signal"
	"sync"
	"syscall"
)

// honourSignals makes sure that programs can be interrupted. A server that was
// started with & from a script, or by nohup, has signals ignored, and what it
// runs inherits that: ^C would be dead in every shell. A signal that is caught
// is reset for the child; so those that we ignore are caught, and dropped.
var honourSignals = sync.OnceFunc(func() {
	terminalSignals := []os.Signal{syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGTERM,
		syscall.SIGTSTP, syscall.SIGTTIN, syscall.SIGTTOU}
	dropped := make(chan os.Signal, 1)
	for _, s := range terminalSignals {
		if signal.Ignored(s) {
			signal.Notify(dropped, s)
		}
	}
})
