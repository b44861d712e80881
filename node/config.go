package node

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"path/filepath"
	"strings"
	"time"

	"convoy/access/openid"
	"convoy/fleet"
	"convoy/handlers/web"
	"convoy/local"
	"convoy/pty/cast"
	"convoy/railway"
	"convoy/supervisor"
)

// Config is the configuration of a node. The caller has validated it. Its JSON is what a child of provider local reads,
// which inherits each field whose tag does not exclude it.
type Config struct {
	Name     string         // full name
	Bind     netip.Addr     // address of gossip and calls
	Port     int            // of gossip; 0: any free port
	CallPort int            // of calls; 0: any free port
	Query    string         // DNS name to poll
	DNS      netip.AddrPort // server to query; zero: the system's
	Poll     time.Duration
	Cookie   string
	Provider string // local, railway, none
	Region   string // where this node runs, as its provider names it; "": unknown
	Labels   fleet.Labels
	Spawned  bool // by provider local: standard input is a pipe that closes when the parent ends

	Addr     string // console's listen address
	Token    string // the console's token
	Users    string // file; "": none
	Data     string // directory; "": nothing is kept
	AuditMax int64  // bytes; 0: no limit
	AuditAge time.Duration
	Runbooks string // directory; "": none
	Record   Record
	// SecretFiles hold secrets that this configuration was made of, and are hidden from shells.
	SecretFiles []string

	Shell      []string      // command of system shells
	System     string        // system shells: on, first or off
	Confine    string        // their confinement: on, strict or off
	SystemUser string        // their user, if the node is root
	Dir        string        // initial directory of shells
	DirGiven   bool          // Dir was set explicitly
	Idle       time.Duration // idle timeout of shells; 0: none
	MaxUpload  int64         // bytes; 0: no file transfer
	Notify     string        // where notifications are posted (notify.ParseTarget); may contain a secret; "": nowhere

	Push string // which push services get messages for browsers: PushOff, PushPublic or PushAny

	LogFormat string // json, text or auto
	LogLevel  slog.Level

	// Children do not inherit what follows.

	Supervisor      *supervisor.Client `json:"-"` // nil: none
	Env             []string           `json:"-"` // complete environment of shells; a child has its own
	MaxNodes        int                `json:"-"` // limit of spawned nodes
	GeneratedToken  bool               `json:"-"` // the token was generated at the start, so it is printed
	GeneratedCookie bool               `json:"-"` // the cookie was generated at the start, so it changes with each
	BasePath        string             `json:"-"` // where a proxy has the console, such as /convoy; "": at /
	Hosts           []string           `json:"-"` // hostnames of the console
	Proxies         web.Proxies        `json:"-"` // trusted by the console
	TLS             TLS                `json:"-"`
	OpenID          openid.Config      `json:"-"` // without an issuer: off
	Railway         railway.Config     `json:"-"`
}

// Record configures recordings.
type Record struct {
	All      bool   // record every shell from the start
	Dir      string // shared by all nodes of this machine; "": off
	MaxBytes int64  // limit of this node's recordings
}

// TLS configures the console's certificate. The zero value means no TLS.
type TLS struct {
	Cert, Key  string // files
	SelfSigned bool   // the node creates a self-signed certificate
}

// Enabled reports whether the console uses TLS.
func (t TLS) Enabled() bool { return t.SelfSigned || t.Cert != "" }

// child returns the configuration of a child of provider local: it differs in name and ports.
func (cfg Config) child(name, query string, dns netip.AddrPort) Config {
	cfg.Name, cfg.Query, cfg.DNS = name, query, dns
	cfg.Port, cfg.CallPort = 0, 0
	cfg.Addr = netip.AddrPortFrom(cfg.Bind, 0).String()
	cfg.Provider, cfg.Spawned, cfg.LogFormat = "none", true, "json"
	return cfg
}

// ReadConfig reads the configuration that a parent writes to a child's standard input, and rejects unknown fields. It
// does not close r.
func ReadConfig(r io.Reader) (cfg Config, err error) {
	line, err := local.ReadChild(r)
	if err != nil {
		return Config{}, err
	}
	if err := local.Decode(line, &cfg); err != nil {
		return Config{}, fmt.Errorf("the parent's line: %w", err)
	}
	if cfg.Name == "" {
		return Config{}, errors.New("the parent's line has no name")
	}
	return cfg, nil
}

// host returns the part of the node's name after the @.
func (cfg Config) host() string { return hostOf(cfg.Name) }

// hostOf returns the part of a node's name after the @.
func hostOf(name string) string {
	_, host, _ := strings.Cut(name, "@")
	return host
}

// Recordings returns the directory of this node's recordings. Nodes on one machine have separate directories.
func (cfg Config) Recordings() cast.Dir {
	if cfg.Record.Dir == "" {
		return cast.Dir{}
	}
	return cast.Dir{Path: filepath.Join(cfg.Record.Dir, cfg.host()), MaxBytes: cfg.Record.MaxBytes}
}

// auditDir returns the directory of this node's audit log. Nodes on one machine have separate directories.
func (cfg Config) auditDir() string { return filepath.Join(cfg.Data, "audit", cfg.host()) }
