package rpc

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"convoy/access"
)

const (
	// maxCommandOutput bounds a command's output, in bytes; maxCommands is how many commands run at once.
	maxCommandOutput = 1 << 20
	maxCommands      = 16
)

// Result is the result of a command, in the JSON form of shells.run.
type Result struct {
	Node   string  `json:"node"`
	Status int     `json:"status"` // -1: ended by a signal
	Output string  `json:"output"` // standard output and error, the first MiB
	Took   float64 `json:"took"`   // in seconds
}

// newCommandQuota limits the commands that run at once. Others wait; no user can take every turn.
func newCommandQuota() *access.Quota {
	return &access.Quota{Total: maxCommands, Reserve: 2, PerUser: 8, MaxWaiting: 64}
}

// Run runs a command line in the node's system shell, without a terminal, when its turn comes. When ctx ends, it kills
// the command and everything that it started.
func (s *Service) Run(ctx context.Context, who access.Identity, line string) (Result, error) {
	cmd, err := s.cfg.System.Command(ctx, line)
	if err != nil {
		return Result{}, err
	}
	release, err := s.commands.Acquire(ctx, access.Claim{Identity: who})
	if err != nil {
		return Result{}, fmt.Errorf("too many commands at once: %w", err)
	}
	defer release()
	began := time.Now()
	var out limitedBuffer
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.WaitDelay = time.Second
	killGroupOnCancel(cmd)
	err = cmd.Run()
	if cmd.ProcessState == nil {
		return Result{}, fmt.Errorf("%s cannot be started: %w", s.cfg.System.Name(), err)
	}
	took, status := time.Since(began).Round(time.Millisecond), cmd.ProcessState.ExitCode()
	s.logger("shell").Info("command run", "status", status, "took", took.String())
	if ctx.Err() != nil {
		return Result{}, ctx.Err()
	}
	return Result{Node: s.cfg.Self, Status: status, Output: out.String(), Took: took.Seconds()}, nil
}

// killGroupOnCancel runs a command in its own process group, and kills the group when the command's context ends.
func killGroupOnCancel(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
}

// limitedBuffer keeps the first maxCommandOutput bytes.
type limitedBuffer struct {
	text      []byte
	truncated bool
}

func (l *limitedBuffer) Write(p []byte) (int, error) {
	left := maxCommandOutput - len(l.text)
	l.text = append(l.text, p[:min(len(p), left)]...)
	l.truncated = l.truncated || len(p) > left
	return len(p), nil
}

func (l *limitedBuffer) String() string {
	text := strings.ToValidUTF8(string(l.text), "\uFFFD")
	if l.truncated {
		text += "\n… the rest is left out\n"
	}
	return text
}
