package cli

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"slices"
	"strings"
	"time"

	"convoy/fleet"
	"convoy/node"
	"convoy/peer"
)

// config is what flags and environment set: a node's configuration, and the values that are parsed to complete it.
type config struct {
	node.Config
	getenv func(string) string
	given  map[string]bool // flags that an argument or the environment set

	hosts, proxies, roles                     string
	base, host, bind, shell, labels           string
	auditMax, auditAge, record, recordingsMax string
	maxUpload, level                          string
}

// readConfig reads flags, then the environment for those that are not given, and checks all of it.
func readConfig(args []string, getenv func(string) string) (node.Config, error) {
	getenv, secretFiles, err := readEnv(getenv)
	if err != nil {
		return node.Config{}, err
	}
	cfg, err := readFlags(args, getenv)
	if err != nil {
		return node.Config{}, err
	}
	if cfg.Spawned {
		return spawnedConfig(getenv)
	}
	cfg.Cookie, cfg.Token, cfg.SecretFiles = getenv("CONVOY_COOKIE"), getenv("CONVOY_TOKEN"), secretFiles
	cfg.Env = shellEnv(getenv)
	cfg.applyRailway()
	for _, check := range []func() error{
		cfg.checkNumbers,
		cfg.checkProvider,
		cfg.checkBind,
		cfg.checkName,
		cfg.checkLabels,
		cfg.checkHosts,
		cfg.checkSecrets,
		cfg.checkShell,
		cfg.checkDir,
		cfg.checkConfine,
		cfg.checkData,
		cfg.checkAudit,
		cfg.checkUsers,
		cfg.checkBasePath,
		cfg.checkOpenID,
		cfg.checkProxies,
		cfg.checkTLS,
		cfg.checkRecordings,
		cfg.checkRunbooks,
		cfg.checkNotify,
		cfg.checkUpload,
		cfg.checkLog,
	} {
		if err := check(); err != nil {
			return node.Config{}, err
		}
	}
	return cfg.Config, nil
}

// spawnedConfig is the configuration of a node that provider local started. It arrives on standard input, because
// arguments and the environment would reveal its secrets.
func spawnedConfig(getenv func(string) string) (node.Config, error) {
	cfg, err := node.ReadConfig(os.Stdin)
	if err != nil {
		return cfg, hint("-spawned is how Convoy starts its own nodes; leave it out",
			"no configuration on standard input: %w", err)
	}
	cfg.Env = shellEnv(getenv)
	return cfg, nil
}

func (cfg *config) checkNumbers() error {
	_, port, err := net.SplitHostPort(cfg.Addr)
	if err != nil {
		return hint("give host and port, such as localhost:4000 or :8080",
			"-addr %q is not an address to listen on", cfg.Addr)
	}
	if _, err := net.LookupPort("tcp", port); err != nil {
		return hint("0 to 65535; 0 is any free port", "-addr %q: %q is not a port", cfg.Addr, port)
	}
	if cfg.MaxNodes < 0 || cfg.MaxNodes > 1000 {
		return hint("0 to 1000", "-max-nodes %d is out of range", cfg.MaxNodes)
	}
	if cfg.Poll < 100*time.Millisecond || cfg.Poll > time.Hour {
		return hint("100ms to 1h", "-poll %v is out of range", cfg.Poll)
	}
	for name, port := range map[string]int{"-port": cfg.Port, "-call-port": cfg.CallPort} {
		if port < 0 || port > 65535 {
			return hint("0 to 65535", "%s %d is not a port", name, port)
		}
	}
	if cfg.Port == cfg.CallPort && cfg.Port != 0 {
		return hint("give them different ports", "-port and -call-port are both %d", cfg.Port)
	}
	return nil
}

func (cfg *config) checkLabels() (err error) {
	if cfg.Labels, err = fleet.ParseLabels(cfg.labels); err != nil {
		return hint("give KEY=VALUE with commas between them, such as env=prod,team=core", "-labels: %v", err)
	}
	return nil
}

func (cfg *config) checkSecrets() error {
	if cfg.Cookie == "" {
		if cfg.Provider != "local" {
			return hint("set CONVOY_COOKIE to the same secret on all nodes; convoy cookie prints one", "there is no cookie")
		}
		cfg.Cookie, cfg.GeneratedCookie = peer.NewCookie(), true
	}
	if err := peer.CheckCookie(cfg.Cookie); err != nil {
		return hint("convoy cookie prints a good one", "CONVOY_COOKIE: %v", err)
	}
	if cfg.Token == "" {
		cfg.Token, cfg.GeneratedToken = peer.NewCookie(), true
	}
	if len(cfg.Token) < 16 {
		return hint("convoy cookie prints a good one", "CONVOY_TOKEN is shorter than 16 characters")
	}
	if strings.ContainsFunc(cfg.Token, func(r rune) bool { return r <= ' ' || r > '~' }) { // no header could hold it
		return hint("convoy cookie prints a good one",
			"CONVOY_TOKEN contains a space, or a character that is not printable ASCII")
	}
	return nil
}

func (cfg *config) checkLog() error {
	if err := cfg.LogLevel.UnmarshalText([]byte(cfg.level)); err != nil {
		return hint("it is debug, info, warn or error", "-log-level %q is not known", cfg.level)
	}
	return oneOf("log", cfg.LogFormat, "json", "text", "auto")
}

// oneOf reports a flag that has none of the values.
func oneOf(name, value string, values ...string) error {
	if slices.Contains(values, value) {
		return nil
	}
	last := len(values) - 1
	return hint("it is "+strings.Join(values[:last], ", ")+" or "+values[last], "-%s %q is not known", name, value)
}

// cause is a file error without its operation and path.
func cause(err error) error {
	if path := (*fs.PathError)(nil); errors.As(err, &path) {
		return path.Err
	}
	return err
}

func splitList(text string) []string {
	return strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return r == ',' || r == ' ' })
}
