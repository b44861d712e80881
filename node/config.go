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
	"convoy/handlers"
	"convoy/local"
	"convoy/pty/cast"
	"convoy/railway"
)

// Config is everything that a node is told. It has been checked by who made it. Its JSON is what a node that provider
// local spawns reads: a field is inherited by such a node unless its tag says otherwise.
type Config struct {
	Name     string         // full node name
	Bind     netip.Addr     // address of gossip and calls
	Port     int            // of gossip; 0: any free one
	CallPort int            // of calls; 0: any free one
	Query    string         // DNS name that is polled
	DNS      netip.AddrPort // the server to ask; zero: the system's
	Poll     time.Duration
	Cookie   string
	Provider string // local, railway, none
	Spawned  bool   // by provider local: standard input is the pipe that ends with the parent

	Addr     string // where the console listens
	Token    string // that opens it
	Users    string // file; empty: none
	Data     string // directory; empty: nothing is kept
	AuditMax int64  // bytes; 0: any
	AuditAge time.Duration
	Runbooks string // directory; empty: none
	Record   Record

	Shell      []string      // program of a system shell
	System     string        // system shells: on, first or off
	Confine    string        // their confinement: on, strict or off
	SystemUser string        // whom they run as if the node is root
	Dir        string        // where shells start
	DirGiven   bool          // Dir was asked for
	Idle       time.Duration // of shells; 0: any
	MaxUpload  int64         // bytes; 0: no files at all

	LogFormat string // json, text or auto
	LogLevel  slog.Level

	// What follows is for a node that a person starts, and is not inherited.

	Env             []string         `json:"-"` // of shells, complete; a child has its own
	MaxNodes        int              `json:"-"` // that may be spawned
	GeneratedToken  bool             `json:"-"` // the token was made here, so it is shown
	GeneratedCookie bool             `json:"-"` // the cookie was made here, so it is another one each time
	Hosts           []string         `json:"-"` // names that the console may be reached by
	Proxies         handlers.Proxies `json:"-"` // in front of the console
	TLS             TLS              `json:"-"`
	OpenID          openid.Config    `json:"-"` // without an issuer: none
	Railway         railway.Config   `json:"-"`
}

// Record says what is recorded, and where.
type Record struct {
	All      bool   // every shell, from its first byte
	Dir      string // of all nodes of this machine; empty: nowhere
	MaxBytes int64  // of one node's recordings
}

// TLS says how the console is served by TLS; the zero value is without.
type TLS struct {
	Cert, Key  string // files
	SelfSigned bool   // a certificate of the node's own making
}

// On reports whether it is served by TLS at all.
func (t TLS) Enabled() bool { return t.SelfSigned || t.Cert != "" }

// child is the configuration of a node that provider local spawns: another name, any free ports of the same address.
func (cfg Config) child(name, query string, dns netip.AddrPort) Config {
	cfg.Name, cfg.Query, cfg.DNS = name, query, dns
	cfg.Port, cfg.CallPort = 0, 0
	cfg.Addr = netip.AddrPortFrom(cfg.Bind, 0).String()
	cfg.Provider, cfg.Spawned, cfg.LogFormat = "none", true, "json"
	return cfg
}

// ReadConfig reads what the parent of a spawned node writes to its standard input, and nothing that does not look
// exactly like it. It leaves r open.
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

// host is the part of the node's name behind the @.
func (cfg Config) host() string { return hostOf(cfg.Name) }

// hostOf is the part of a node's name behind the @.
func hostOf(name string) string {
	_, host, _ := strings.Cut(name, "@")
	return host
}

// Recordings is the directory of this node's recordings: one of its own, so that nodes of one machine do not mix.
func (cfg Config) Recordings() cast.Dir {
	if cfg.Record.Dir == "" {
		return cast.Dir{}
	}
	return cast.Dir{Path: filepath.Join(cfg.Record.Dir, cfg.host()), MaxBytes: cfg.Record.MaxBytes}
}

// auditDir is the directory of this node's log: one of its own, so that nodes of one machine do not mix.
func (cfg Config) auditDir() string { return filepath.Join(cfg.Data, "audit", cfg.host()) }
