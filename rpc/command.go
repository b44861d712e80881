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
	// maxCommandOutput bounds what a command says, in bytes, and maxCommands how many run at once.
	maxCommandOutput = 1 << 20
	maxCommands      = 16
)

// Result is what came of a command, as shells.run answers it.
type Result struct {
	Node   string  `json:"node"`
	Status int     `json:"status"` // -1 if a signal ended it
	Output string  `json:"output"` // of both its outputs, the first MiB
	Took   float64 `json:"took"`   // s
}

// newCommands bounds the commands that run at once. Others wait; one user's cannot take all turns.
func newCommandQuota() *access.Quota {
	return &access.Quota{Total: maxCommands, Reserve: 2, PerUser: 8, MaxWaiting: 64}
}

// Run runs a command line in the node's system shell, without a terminal, for somebody, when its turn comes. When ctx
// ends nothing of it is left.
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

// inOwnGroup has a command's end be the end of everything that it started.
func killGroupOnCancel(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
}

// limitedText keeps the first maxCommandOutput bytes that are written.
type limitedBuffer struct {
	text      []byte
	truncated bool
}

func (l *limitedBuffer) Write(p []byte) (int, error) {
	room := maxCommandOutput - len(l.text)
	l.text = append(l.text, p[:min(len(p), room)]...)
	l.truncated = l.truncated || len(p) > room
	return len(p), nil
}

func (l *limitedBuffer) String() string {
	text := strings.ToValidUTF8(string(l.text), "\uFFFD")
	if l.truncated {
		text += "\n… the rest is left out\n"
	}
	return text
}
