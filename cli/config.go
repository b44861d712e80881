package cli

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"convoy/local"
	"convoy/node"
	"convoy/peer"
)

// config is what flags and environment say, as far as it has been checked.
type config struct{ node.Config }

// hint is an error with what to do about it.
func hint(hint, format string, args ...any) error { return node.Hintf(hint, format, args...) }

// configure reads flags, then the environment for those that are not given, and checks all of it.
func configure(args []string, getenv func(string) string) (config, error) {
	f, err := readFlags(args, getenv)
	if err != nil {
		return config{}, err
	}
	if f.spawned {
		return spawnedConfig(getenv)
	}
	cfg := config{node.Config{
		Addr:      f.console(getenv),
		Hosts:     splitList(f.hosts),
		MaxNodes:  f.maxNodes,
		Port:      f.port,
		CallPort:  f.callPort,
		Query:     f.query,
		Poll:      f.poll,
		LogFormat: f.log,
		Cookie:    getenv("CONVOY_COOKIE"),
		Token:     getenv("CONVOY_TOKEN"),
	}}
	cfg.onRailway(&f, getenv)
	for _, check := range []func(flags, func(string) string) error{
		cfg.checkNumbers,
		cfg.checkProvider,
		cfg.checkName,
		cfg.checkSecrets,
		cfg.checkShell,
		cfg.checkConfine,
		cfg.checkData,
		cfg.checkAudit,
		cfg.checkUsers,
		cfg.checkOpenID,
		cfg.checkProxies,
		cfg.checkTLS,
		cfg.checkRecordings,
		cfg.checkRunbooks,
		cfg.checkUpload,
		cfg.checkLog,
	} {
		if err := check(f, getenv); err != nil {
			return config{}, err
		}
	}
	return cfg, nil
}

func (cfg *config) checkNumbers(f flags, _ func(string) string) error {
	if _, _, err := net.SplitHostPort(cfg.Addr); err != nil {
		return hint("give host and port, such as localhost:4000 or :8080", "-addr %q is no address to listen on", cfg.Addr)
	}
	if f.maxNodes < 0 || f.maxNodes > 1000 {
		return hint("0 to 1000", "-max-nodes %d is out of range", f.maxNodes)
	}
	if f.poll < 100*time.Millisecond || f.poll > time.Hour {
		return hint("100ms to 1h", "-poll %v is out of range", f.poll)
	}
	for name, port := range map[string]int{"-port": f.port, "-call-port": f.callPort} {
		if port < 0 || port > 65535 {
			return hint("0 to 65535", "%s %d is no port", name, port)
		}
	}
	if f.port == f.callPort && f.port != 0 {
		return hint("give them different ports", "-port and -call-port are both %d", f.port)
	}
	return nil
}

// checkProvider settles who makes nodes and who names them. A node that polls a name of its own is part of somebody
// else's network, where this machine's DNS server would mean nothing.
func (cfg *config) checkProvider(f flags, _ func(string) string) error {
	cfg.Provider = f.provider
	if cfg.Provider == "" {
		cfg.Provider = "local"
		if f.given["query"] || f.given["host"] {
			cfg.Provider = "none"
		}
	}
	switch {
	case cfg.Provider == "railway" && cfg.Railway.Token == "":
		return hint("set RAILWAY_API_TOKEN; docs/railway.md says how to get one", "-provider railway needs a token")
	case !slices.Contains([]string{"local", "railway", "none"}, cfg.Provider):
		return hint("it is local, railway or none", "-provider %q is not known", cfg.Provider)
	case cfg.Provider == "local" && (f.given["query"] || f.given["host"]):
		return hint("leave out -query and -host, or say -provider none",
			"-provider local names its nodes itself, and polls its own DNS server")
	case cfg.Provider == "local":
		cfg.Bind = loopback()
		if !f.given["port"] {
			cfg.Port = 0
		}
		if !f.given["call-port"] {
			cfg.CallPort = 0
		}
	}
	if f.bind == "" {
		if !cfg.Bind.IsValid() {
			cfg.Bind = privateAddr()
		}
		return nil
	}
	bind, err := netip.ParseAddr(f.bind)
	if err != nil || bind.IsUnspecified() {
		return hint("give one address of this machine, not :: or 0.0.0.0",
			"-bind %q is no address that other nodes can reach", f.bind)
	}
	cfg.Bind = bind
	return nil
}

func (cfg *config) checkName(f flags, _ func(string) string) error {
	host := f.host
	switch {
	case cfg.Provider == "local":
		host = f.base + "." + local.Zone
	case host == "":
		host, _ = os.Hostname()
		host = strings.ToLower(host)
	}
	cfg.Name = f.base + "@" + host
	if _, _, err := peer.ParseName(cfg.Name); err != nil {
		return hint("-name takes a-z, 0-9 and -; -host a DNS name", "%q cannot be a node's name: %v", cfg.Name, err)
	}
	return nil
}

func (cfg *config) checkSecrets(_ flags, _ func(string) string) error {
	if cfg.Cookie == "" {
		if cfg.Provider != "local" {
			return hint("set CONVOY_COOKIE to the same secret on all nodes; convoy cookie makes one", "there is no cookie")
		}
		cfg.Cookie, cfg.OwnCookie = peer.NewCookie(), true
	}
	if err := peer.CheckCookie(cfg.Cookie); err != nil {
		return hint("convoy cookie makes a good one", "CONVOY_COOKIE: %v", err)
	}
	if cfg.Token == "" {
		cfg.Token, cfg.OwnToken = peer.NewCookie(), true
	}
	if len(cfg.Token) < 16 {
		return hint("convoy cookie makes a good one", "CONVOY_TOKEN is shorter than 16 characters")
	}
	return nil
}

func (cfg *config) checkShell(f flags, getenv func(string) string) error {
	command := f.shell
	if command == "" {
		command = getenv("SHELL")
	}
	if command == "" {
		command = "bash"
	}
	cfg.Shell = strings.Fields(command)
	if cfg.System = f.system; !slices.Contains([]string{"on", "first", "off"}, cfg.System) {
		return hint("it is on, first or off", "-system-shell %q is not known", cfg.System)
	}
	if cfg.Idle = f.idle; cfg.Idle != 0 && cfg.Idle < time.Second {
		return hint("0 for never, or 1s and more", "-shell-idle %v is out of range", f.idle)
	}
	cfg.Dir = f.dir
	if cfg.Dir == "" {
		cfg.Dir, _ = os.UserHomeDir()
		if _, err := os.Stat(cfg.Dir); err != nil {
			cfg.Dir = "/"
		}
	}
	if f.given["dir"] {
		probe, err := os.MkdirTemp(cfg.Dir, ".convoy-*")
		if err != nil {
			return hint("name a directory that exists and that you may write to", "-dir %q: %v", cfg.Dir, errors.Unwrap(err))
		}
		os.Remove(probe) //nolint:errcheck // empty and ours
		cfg.Dir, _ = filepath.Abs(cfg.Dir)
	}
	cfg.Env = shellEnv(getenv)
	return nil
}

func (cfg *config) checkUpload(f flags, _ func(string) string) (err error) {
	if cfg.MaxUpload, err = parseSize(f.maxUpload); err != nil {
		return hint("a number of bytes, or of KiB, MiB or GiB, such as 64MiB; 0 for no files",
			"-max-upload %q is no size", f.maxUpload)
	}
	return nil
}

func (cfg *config) checkLog(f flags, _ func(string) string) error {
	if !slices.Contains([]string{"auto", "json", "text"}, f.log) {
		return hint("it is json, text or auto", "-log %q is not known", f.log)
	}
	if err := cfg.LogLevel.UnmarshalText([]byte(f.level)); err != nil {
		return hint("it is debug, info, warn or error", "-log-level %q is not known", f.level)
	}
	return nil
}

// shellEnv is the environment of shells: what a terminal needs, and nothing that may be secret.
func shellEnv(getenv func(string) string) []string {
	env := []string{"TERM=xterm-256color", "COLORTERM=truecolor"}
	for _, name := range []string{
		"PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR",
	} {
		if value := getenv(name); value != "" {
			env = append(env, name+"="+value)
		}
	}
	return env
}

func splitList(text string) []string {
	return strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return r == ',' || r == ' ' })
}
