package cli

import (
	"cmp"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"convoy/confine"
	"convoy/confine/sandbox"
	"convoy/node"
	"convoy/notify"
)

// defaultSystemUser is the user of system shells if the node is root: a number that systems leave free.
const defaultSystemUser = "10001"

func (cfg *config) checkShell() error {
	cfg.Shell = strings.Fields(cmp.Or(cfg.shell, cfg.getenv("SHELL"), "bash"))
	if cfg.Idle != 0 && cfg.Idle < time.Second {
		return hint("0 for never, or at least 1s", "-shell-idle %v is out of range", cfg.Idle)
	}
	return oneOf("system-shell", cfg.System, "on", "first", "off")
}

func (cfg *config) checkDir() error {
	if cfg.DirGiven = cfg.given["dir"]; !cfg.DirGiven {
		cfg.Dir, _ = os.UserHomeDir()
		if _, err := os.Stat(cfg.Dir); err != nil {
			cfg.Dir = "/"
		}
		return nil
	}
	probe, err := os.MkdirTemp(cfg.Dir, ".convoy-*")
	if err != nil {
		return hint("name an existing directory that you may write to", "-dir %q: %v", cfg.Dir, cause(err))
	}
	os.Remove(probe) //nolint:errcheck // empty and ours
	cfg.Dir, _ = filepath.Abs(cfg.Dir)
	return nil
}

func (cfg *config) checkConfine() error {
	if err := oneOf("confine", cfg.Confine, sandbox.On, sandbox.Strict, sandbox.Off); err != nil {
		return err
	}
	root := os.Geteuid() == 0
	if root && cfg.System != "off" && cfg.Confine != sandbox.Off {
		if _, err := confine.FindUser(cfg.SystemUser); err != nil {
			return hint("give a user's name or number", "-system-user: %v", err)
		}
	}
	if !root && cfg.given["system-user"] {
		return hint("leave out -system-user, or start Convoy as root", "only root can start shells as another user")
	}
	return nil
}

func (cfg *config) checkUpload() (err error) {
	if cfg.MaxUpload, err = parseSize(cfg.maxUpload); err != nil {
		return hint("a number of bytes, or of KiB, MiB or GiB, such as 64MiB; 0 for no files",
			"-max-upload %q is not a size", cfg.maxUpload)
	}
	return nil
}

func (cfg *config) checkNotify() error {
	if !slices.Contains([]string{node.PushOff, node.PushPublic, node.PushAny}, cfg.Push) {
		return hint("off, public or any", "-push %q is unknown", cfg.Push)
	}
	if cfg.Notify == "" {
		return nil
	}
	if _, err := notify.ParseTarget(cfg.Notify); err != nil {
		return hint("give a URL such as https://example.org/hook, ntfy+https://ntfy.sh/TOPIC or slack+https://…",
			"-notify: %v", err)
	}
	return nil
}

func (cfg *config) checkRunbooks() error {
	if cfg.Runbooks == "" {
		return nil
	}
	info, err := os.Stat(cfg.Runbooks)
	if err == nil && !info.IsDir() {
		err = syscall.ENOTDIR
	}
	if err != nil {
		return hint("name a directory of Markdown files", "-runbooks %q: %v", cfg.Runbooks, cause(err))
	}
	cfg.Runbooks, _ = filepath.Abs(cfg.Runbooks)
	return nil
}

// shellEnv is the environment of shells: what a terminal needs, and nothing that may be secret. Without a locale it is
// UTF-8, as the terminal is.
func shellEnv(getenv func(string) string) []string {
	env := []string{"TERM=xterm-256color", "COLORTERM=truecolor"}
	for _, name := range []string{
		"PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR",
	} {
		if value := getenv(name); value != "" {
			env = append(env, name+"="+value)
		}
	}
	if getenv("LANG") == "" && getenv("LC_ALL") == "" && getenv("LC_CTYPE") == "" {
		env = append(env, "LANG=C.UTF-8")
	}
	return env
}
