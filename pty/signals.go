package pty

import (
	"os"
	"os/signal"
	"sync"
	"syscall"
)

// catchIgnoredSignals makes sure that programs can be interrupted. A server started by a script with &, or by nohup,
// ignores signals, and its children inherit that: ^C would not work in any shell. Caught signals are reset in children,
// so we catch the ignored ones and drop them.
var catchIgnoredSignals = sync.OnceFunc(func() {
	terminalSignals := []os.Signal{syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGTERM,
		syscall.SIGTSTP, syscall.SIGTTIN, syscall.SIGTTOU}
	dropped := make(chan os.Signal, 1)
	for _, s := range terminalSignals {
		if signal.Ignored(s) {
			signal.Notify(dropped, s)
		}
	}
})
