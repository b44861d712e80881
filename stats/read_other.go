//go:build !linux

package stats

import (
	"errors"
	"runtime"
	"syscall"
	"time"
)

// reader reads what other systems than Linux report.
type reader struct{}

func newReader(string) *reader { return &reader{} }

var errOther = errors.New("only Linux reports it to Convoy")

func (*reader) read([]Shell) sample {
	s := newSample()
	s.limits.CPU = float64(runtime.NumCPU())
	for i := range series {
		s.fail(errOther, i)
	}
	var used syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &used) == nil {
		delete(s.unknown, series[ProcessCPU].name)
		s.values[ProcessCPU] = time.Duration(used.Utime.Nano() + used.Stime.Nano()).Seconds()
	}
	return s
}
