// Package sandbox is the node's side of confinement: it starts programs confined, and tests from inside a confined
// process what remains possible.
package sandbox

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"time"

	"convoy/confine"
)

// The modes of a sandbox.
const (
	On     = "on"     // everything without side effects
	Strict = "strict" // everything
	Off    = "off"    // nothing
)

// probeTimeout bounds a probe.
const probeTimeout = 10 * time.Second

// Sandbox confines a node's system shells. It is safe for concurrent use.
type Sandbox struct {
	Mode string       // On, Strict or Off
	Plan confine.Plan // zero if Off

	exe          string
	openTerminal func() (ptmx, tty *os.File, err error)
	report       func() (Report, error) // probes once
}

// New returns a sandbox. exe is a program that implements [confine.Subcommand]; openTerminal opens a terminal like
// those of system shells, for the probe.
func New(
	mode string, plan confine.Plan, exe string, openTerminal func() (ptmx, tty *os.File, err error),
) *Sandbox {
	s := &Sandbox{Mode: mode, Plan: plan, exe: exe, openTerminal: openTerminal}
	s.report = sync.OnceValues(s.probe)
	return s
}

// Command returns the arguments that start a program confined.
func (s *Sandbox) Command(args ...string) []string {
	if s.Mode == Off {
		return args
	}
	return append([]string{s.exe, confine.Subcommand, s.Plan.String(), confine.RunTask}, args...)
}

// Files returns a process, not yet started, that transfers files with the rights of a confined program.
func (s *Sandbox) Files() *exec.Cmd {
	cmd := exec.Command(s.exe, confine.Subcommand, s.Plan.String(), confine.FilesTask)
	cmd.Env, cmd.Dir = []string{}, "/"
	return cmd
}

// Dir returns where system shells start, given the configured directory and whether the operator set it.
func (s *Sandbox) Dir(wanted string, given bool) string {
	if s.Plan.User == nil || given {
		return wanted
	}
	return s.Plan.User.Home
}

// probe starts a confined process that attempts what it must not be able to do.
func (s *Sandbox) probe() (Report, error) {
	decoys, err := s.decoys()
	if err != nil {
		return Report{}, err
	}
	defer decoys.close()
	at := decoys.at()
	ctx, cancel := context.WithTimeout(context.Background(), probeTimeout)
	defer cancel()
	var stderr strings.Builder
	cmd := exec.CommandContext(ctx, s.exe, confine.Subcommand, s.Plan.String(), confine.ProbeTask, at.Terminal, at.Socket)
	cmd.Env, cmd.Dir, cmd.Stderr, cmd.WaitDelay = []string{}, "/", &stderr, time.Second
	out, err := cmd.Output()
	if err != nil {
		return Report{}, fmt.Errorf("%w: %s", err, strings.TrimSpace(stderr.String()))
	}
	return ReadReport(out)
}

// Refusal returns why the node refuses system shells: because one could read the cluster's secrets, or would not be
// confined as strictly as configured. It is "" if the node does not. The first call takes up to 10 s.
func (s *Sandbox) Refusal() string {
	if s.Mode == Off {
		return ""
	}
	report, err := s.report()
	switch {
	case err != nil:
		return "its confinement could not be tested: " + err.Error()
	case report.Allowed(ReadMemory):
		return "it could read this node's memory, which contains secrets"
	case s.Mode == Strict && slices.ContainsFunc(report.Attempts, func(one Attempt) bool { return one.Succeeded }):
		return "it would be less confined than -confine strict requires"
	}
	return ""
}
