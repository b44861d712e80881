package confine

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"time"
)

// Subcommand is the first argument of the process that gives up its power: it calls [Plan.Enter]. Behind it stand the
// plan and one of the tasks below, with RunTask also the program and with TryTask the paths of the [Decoys].
const Subcommand = "confined"

// The tasks of a process that has given up its power.
const (
	RunTask   = "run"   // become a program
	ProbeTask = "try"   // say what it can still do, as JSON of a [Report]
	FilesTask = "files" // put files where system shells are, and take them
)

// The modes of a sandbox.
const (
	On     = "on"     // all that costs nobody anything
	Strict = "strict" // and what takes something away
	Off    = "off"    // nothing
)

// tryWait bounds the attempts that tell what the sandbox is worth here.
const probeTimeout = 10 * time.Second

// Sandbox keeps the system shells of a node from it. Its methods may be called from any goroutine.
type Sandbox struct {
	Mode string // On, Strict or Off
	Plan Plan   // zero if Off

	exe          string
	openTerminal func() (ptmx, tty *os.File, err error)
	report       func() (Report, error) // asks once
}

// NewSandbox makes a sandbox. exe is the program that knows [Subcommand]; openTerminal opens a terminal as system
// shells have, for the attempts to be made at.
func NewSandbox(mode string, plan Plan, exe string, openTerminal func() (ptmx, tty *os.File, err error)) *Sandbox {
	s := &Sandbox{Mode: mode, Plan: plan, exe: exe, openTerminal: openTerminal}
	s.report = sync.OnceValues(s.probe)
	return s
}

// Command is what to start for a program to be confined.
func (s *Sandbox) Command(args ...string) []string {
	if s.Mode == Off {
		return args
	}
	return append([]string{s.exe, Subcommand, s.Plan.String(), RunTask}, args...)
}

// Files is a process, not yet started, that handles files with the power that a confined program has.
func (s *Sandbox) Files() *exec.Cmd {
	cmd := exec.Command(s.exe, Subcommand, s.Plan.String(), FilesTask)
	cmd.Env, cmd.Dir = []string{}, "/"
	return cmd
}

// Dir is where system shells start, given where the user wants them to.
func (s *Sandbox) Dir(wanted string, given bool) string {
	if s.Plan.User == nil || given {
		return wanted
	}
	return s.Plan.User.Home
}

// try has a confined process attempt what it must not be able to do.
func (s *Sandbox) probe() (Report, error) {
	decoys, err := s.decoys()
	if err != nil {
		return Report{}, err
	}
	defer decoys.close()
	at := decoys.at()
	ctx, cancel := context.WithTimeout(context.Background(), probeTimeout)
	defer cancel()
	var complaint strings.Builder
	cmd := exec.CommandContext(ctx, s.exe, Subcommand, s.Plan.String(), ProbeTask, at.Terminal, at.Socket)
	cmd.Env, cmd.Dir, cmd.Stderr, cmd.WaitDelay = []string{}, "/", &complaint, time.Second
	out, err := cmd.Output()
	if err != nil {
		return Report{}, fmt.Errorf("%w: %s", err, strings.TrimSpace(complaint.String()))
	}
	return ReadReport(out)
}

// Refusal says why system shells are refused: where one could take the cluster's secrets out of this node, and where
// one that was to be strictly confined would not be. It is "" where they are not. The first call tries, for up to 10 s.
func (s *Sandbox) Refusal() string {
	if s.Mode == Off {
		return ""
	}
	said, err := s.report()
	switch {
	case err != nil:
		return "its confinement could not be tried: " + err.Error()
	case said.Allowed(ReadMemory):
		return "it could read this node's memory, and its secrets there"
	case s.Mode == Strict && slices.ContainsFunc(said.Attempts, func(one Attempt) bool { return one.Succeeded }):
		return "it would not be confined as strictly as -confine strict wants it"
	}
	return ""
}
