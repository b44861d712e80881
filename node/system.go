package node

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"convoy/confine"
	"convoy/confine/sandbox"
	"convoy/files"
	"convoy/handlers"
	"convoy/pty"
	"convoy/repl/wire"
)

// system runs the system shells of this node.
type system struct {
	cfg      Config
	sandbox  *sandbox.Sandbox
	launcher *sandbox.Launcher // nil: programs are not confined
}

// newSystem plans the sandbox of system shells. exe is this program.
func newSystem(cfg Config, exe string) (*system, error) {
	plan, err := newPlan(cfg)
	if err != nil {
		return nil, err
	}
	s := &system{cfg: cfg, sandbox: sandbox.New(cfg.Confine, plan, exe, pty.OpenTerminal)}
	if s.entersDir() {
		s.launcher = s.sandbox.Launcher(cfg.Shell, s.env(), wire.Pair)
	}
	return s, nil
}

func newPlan(cfg Config) (plan confine.Plan, err error) {
	if cfg.Confine == sandbox.Off {
		return plan, nil
	}
	plan.Strict = cfg.Confine == sandbox.Strict
	for _, path := range append([]string{cfg.Data, cfg.Users, cfg.Record.Dir, cfg.TLS.Key}, cfg.SecretFiles...) {
		if path != "" && !slices.Contains(plan.Hide, path) {
			plan.Hide = append(plan.Hide, path)
		}
	}
	if os.Geteuid() != 0 || cfg.System == "off" {
		return plan, nil
	}
	u, err := confine.FindUser(cfg.SystemUser)
	if err != nil {
		return plan, Hintf("-system-user takes a user's name or number", "%v", err)
	}
	if u.UID == 0 {
		return plan, nil // the operator wants root shells, with the other restrictions
	}
	if err := u.MakeHome(os.TempDir()); err != nil {
		return plan, Hintf("give -system-user a user that has a home directory",
			"system shells have no directory to start in: %v", err)
	}
	plan.User = u
	return plan, nil
}

// close ends the process that waits for the next shell.
func (s *system) close() {
	if s.launcher != nil {
		s.launcher.Close()
	}
}

// Name implements rpc.System.
func (s *system) Name() string { return s.cfg.Shell[0] }

// Command implements rpc.System.
func (s *system) Command(ctx context.Context, line string) (*exec.Cmd, error) {
	if s.cfg.System == "off" {
		return nil, handlers.ErrNoSystemShell
	}
	if err := s.available(); err != nil {
		return nil, err
	}
	args := s.sandbox.Command(s.cfg.Shell[0], "-c", line)
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Dir, cmd.Env = s.dir(), s.env()
	if s.entersDir() {
		cmd.Dir, cmd.Env = "/", append(cmd.Env, "PWD="+cmd.Dir)
	}
	return cmd, nil
}

// Confinement implements rpc.System.
func (s *system) Confinement() any { return s.status() }

// status reports the confinement on this machine.
func (s *system) status() sandbox.Status {
	if s.cfg.System == "off" {
		why := "This node offers no system shells"
		return sandbox.Status{Mode: s.sandbox.Mode, State: "off", Reason: why, Protections: []sandbox.Protection{}}
	}
	return s.sandbox.Status()
}

// state is the state of status.
func (s *system) state() string { return s.status().State }

// available returns an error if the node refuses system shells.
func (s *system) available() error {
	if reason := s.sandbox.Refusal(); reason != "" {
		return &handlers.UnconfinedError{Reason: reason}
	}
	return nil
}

// program returns the program of system shells with a terminal.
func (s *system) program() pty.Program {
	program := pty.Program{
		Kind: systemShell,
		Name: filepath.Base(s.cfg.Shell[0]),
		Args: s.cfg.Shell,
		Env:  s.env(),
		Dir:  s.dir(),
		Attach: func(func() string) (pty.Attachment, error) {
			return pty.Attachment{Close: func() {}}, s.available()
		},
	}
	if s.launcher != nil {
		program.Start = s.launcher.Start
	}
	return program
}

// files returns the store that transfers files with the rights of a system shell.
func (s *system) files() files.Store {
	if s.sandbox.Mode == sandbox.Off {
		return files.Local{}
	}
	return files.Subprocess{Command: s.sandbox.Files}
}

// entersDir reports whether the confined process enters the directory, rather than its parent.
func (s *system) entersDir() bool { return s.sandbox.Mode != sandbox.Off }

// dir is where system shells start.
func (s *system) dir() string { return s.sandbox.Dir(s.cfg.Dir, s.cfg.DirGiven) }

// home is the home directory of system shells, "" if they have none.
func (s *system) home() (home string) {
	for _, variable := range s.env() {
		if value, ok := strings.CutPrefix(variable, "HOME="); ok {
			home = value
		}
	}
	return home
}

// env is the environment of system shells.
func (s *system) env() []string {
	return s.sandbox.Plan.Env(append(slices.Clone(s.cfg.Env), "CONVOY_NODE="+s.cfg.Name))
}
