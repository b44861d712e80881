package cli

import (
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"convoy/access/openid"
	"convoy/handlers"
	"convoy/local"
	"convoy/peer"
	"convoy/railway"
)

const version = "0.1.0"

const usage = `Convoy is a web console with real shells on every node of a cluster.

Usage:
    convoy [flags]     run a node: console, shells, a place in the cluster
    convoy shell       a prompt for the fleet, or a script; convoy shell -h
    convoy user        who may log in, and what they may do; convoy user -h
    convoy audit       verify or print the log of who did what; convoy audit -h
    convoy cookie      print a new random cookie for CONVOY_COOKIE
    convoy railway check
                       say whether nodes can be made on Railway, and change
                       nothing
    convoy health      ask the node that runs here whether it serves; for
                       containers. The exit status is 0 if it does, else 1
    convoy version     print the version

Without flags it runs the control plane of a fleet on this machine: open the
link that it prints, press the button, and nodes come up as child processes
that find one another by DNS and gossip over IPv6.

Flags (and the environment variables that set them):
    -addr ADDR         where the console listens; default localhost:4000
                       (CONVOY_ADDR; or PORT: that port on all addresses)
    -hosts NAMES       host names that the console may be reached by, with
                       commas, besides localhost and IP addresses (CONVOY_HOSTS)
    -trusted-proxies LIST
                       reverse proxies in front of the console, by address,
                       network, or the words loopback and private, with commas:
                       their X-Forwarded-For, -Proto and -Host are believed,
                       and nobody else's; docs/security.md shows how nginx and
                       Caddy are set up (CONVOY_TRUSTED_PROXIES)
    -tls-cert FILE, -tls-key FILE
                       serve the console by TLS, with this chain of certificates
                       and its key, in PEM; read again when they change
                       (CONVOY_TLS_CERT, CONVOY_TLS_KEY)
    -tls-self          serve it with a certificate of the node's own making,
                       kept below -data, for a laptop (CONVOY_TLS_SELF)
    -provider KIND     what makes nodes: local (child processes, the default),
                       railway (the default with a token of Railway's) or none
                       (CONVOY_PROVIDER)
    -share-token       nodes made on Railway get the token too, so that they
                       can make others (CONVOY_SHARE_TOKEN)
    -max-nodes N       how many nodes may be spawned; default 5
                       (CONVOY_MAX_NODES)
    -name BASE         base of node names, the part before the @; default convoy
                       (CONVOY_NAME)
    -host NAME         this node's DNS name, the part behind the @ (CONVOY_HOST)
    -bind IP           address of the private network that nodes talk over
                       (CONVOY_BIND)
    -port N            port of gossip, UDP and TCP; 0 is any free one;
                       default 4444, with provider local 0 (CONVOY_PORT)
    -call-port N       port of calls and streams between nodes; default 4445,
                       with provider local 0 (CONVOY_CALL_PORT)
    -query NAME        DNS name that is polled for other nodes (CONVOY_QUERY)
    -poll DURATION     time between two polls; default 5s (CONVOY_POLL)
    -system-shell HOW  shells of the system, which can do nearly all that the
                       user whom they run as can (-confine): on, which is that
                       somebody may open one beside the Convoy shells; first,
                       which is that they open by themselves; or off. Default
                       on (CONVOY_SYSTEM_SHELL)
    -confine HOW       what keeps system shells from the node: on, which is all
                       that costs nobody anything; strict, which also hides
                       -data from them in any case, and then files that are made
                       anew in a directory above it cannot be opened, and which
                       without another user (-system-user) refuses other
                       terminals and Unix sockets, so tmux and script do not
                       work; or off. Default on; docs/security.md says more
                       (CONVOY_CONFINE)
    -system-user USER  whom system shells run as if Convoy is root, by name or
                       number; default 10001; root for root
                       (CONVOY_SYSTEM_USER)
    -shell COMMAND     program of a system shell; default $SHELL, else bash
                       (CONVOY_SHELL)
    -data DIR          directory of what nodes keep: users, logins and API
                       tokens, the audit log, recordings, and what was typed in
                       Convoy shells; default $XDG_STATE_HOME/convoy
                       (CONVOY_DATA)
    -audit-max SIZE    what a node's audit log may take; then its oldest files
                       go; default 100MiB; 0 is any (CONVOY_AUDIT_MAX)
    -audit-age AGE     how long its entries are kept, such as 400d or 720h;
                       default 400d; 0 is for ever (CONVOY_AUDIT_AGE)
    -users FILE        who may log in with a name and a password; convoy user
                       makes it; default users, below -data (CONVOY_USERS)
    -openid-issuer URL
                       an OpenID Connect provider that logs people in, by its
                       https URL; docs/security.md shows how to set it up
                       (CONVOY_OPENID_ISSUER)
    -openid-client ID  what the provider calls this console
                       (CONVOY_OPENID_CLIENT)
    -openid-roles LIST who gets which role, such as
                       admins=admin,staff=operator,*=viewer, where * is
                       everybody whom the provider knows; who is not in the list
                       cannot log in (CONVOY_OPENID_ROLES)
    -openid-role-claim NAME
                       the claim of the ID token that holds the values of that
                       list, with dots for claims in claims, such as
                       realm_access.roles; default groups
                       (CONVOY_OPENID_ROLE_CLAIM)
    -openid-user-claim NAME
                       the claim that names the user; default email if it is
                       verified, else preferred_username, else sub
                       (CONVOY_OPENID_USER_CLAIM)
    -openid-redirect URL
                       this console's URL as the provider knows it; default is
                       what the browser calls it (CONVOY_OPENID_REDIRECT)
    -openid-name NAME  what the login page calls the provider; default its host
                       (CONVOY_OPENID_NAME)
    -dir DIR           directory that shells start in; default your home
                       directory (CONVOY_DIR)
    -shell-idle DURATION
                       closes shells that nobody has looked at, and in which
                       nothing has happened, for so long; default 0, never
                       (CONVOY_SHELL_IDLE)
    -max-upload SIZE   the largest file that goes to a shell or comes from it;
                       default 64MiB; 0 is none (CONVOY_MAX_UPLOAD)
    -record WHICH      shells that are recorded: all, from their first byte, or
                       off, which is those that somebody asks for; default off
                       (CONVOY_RECORD)
    -recordings DIR    directory that recordings are kept in, one below it for
                       each node; default recordings, below -data
                       (CONVOY_RECORDINGS)
    -recordings-max SIZE
                       what a node's recordings may take, such as 500MiB; then
                       the oldest go; default 1GiB (CONVOY_RECORDINGS_MAX)
    -runbooks DIR      directory of your runbooks: Markdown files whose blocks
                       of code the console runs on its nodes; default none
                       (CONVOY_RUNBOOKS)
    -log FORMAT        log on standard output: json, text or auto, which is text
                       on a terminal and json elsewhere (CONVOY_LOG)
    -log-level LEVEL   debug, info, warn or error; default info
                       (CONVOY_LOG_LEVEL)

Secrets come from the environment alone:
    CONVOY_COOKIE      the secret that all nodes of a cluster share; two with a
                       comma, new,old, while one is replaced by the other.
                       Without it provider local makes one for its fleet.
    CONVOY_TOKEN       the token that opens the console; without it a random one
                       is made and printed as a link.
    CONVOY_OPENID_SECRET
                       the client's secret at -openid-issuer; none for a public
                       client.

    RAILWAY_API_TOKEN  an account's or workspace's token, or RAILWAY_TOKEN, a
                       project's. docs/railway.md lists what else is read there.

A node is called BASE@HOST. A shell is a process with a terminal that lives on
a node, whoever looks at it. The control plane is the node that can make others.
`

// config is everything that flags and environment say.
type config struct {
	addr       string
	hosts      []string
	provider   string // local, railway, none
	maxNodes   int
	name       string // full node name
	bind       netip.Addr
	port       int
	callPort   int
	query      string
	dns        netip.AddrPort // the server to ask; zero: the system's
	poll       time.Duration
	shell      []string      // program of a system shell
	users      string        // file; empty: none
	openID     openid.Config // without an issuer: none
	system     string        // system shells: on, first or off
	confine    string        // their confinement: on, strict or off
	systemUser string        // whom they run as if the node is root
	dirGiven   bool          // dir was asked for
	data       string        // directory; empty: nothing is kept
	auditMax   int64         // bytes; 0: any
	auditAge   time.Duration // of entries; 0: any
	dir        string
	idle       time.Duration // of shells; 0: any
	maxUpload  int64         // bytes; 0: no files at all
	env        []string      // of shells, complete
	record     recordConfig
	runbooks   string // directory; empty: none
	logFormat  string
	logLevel   slog.Level
	cookie     string
	token      string
	ownToken   bool // made here, so it is shown
	ownCookie  bool // made here, so it is another one each time
	spawned    bool // a child of provider local
	tls        tlsConfig
	railway    railway.Config
	proxies    handlers.Proxies // in front of the console
}

// hinted is an error with what to do about it.
type hinted struct {
	err  error
	hint string
}

func (e *hinted) Error() string { return e.err.Error() }
func (e *hinted) Unwrap() error { return e.err }

func hint(hint, format string, args ...any) error {
	return &hinted{fmt.Errorf(format, args...), hint}
}

// flags are the flags as they stand, before they mean anything.
type flags struct {
	addr, hosts, provider, base, host, bind, query, shell, system, data, dir, maxUpload, log, level string
	record, recordings, recordingsMax, runbooks, users, confine, systemUser                         string
	maxNodes, port, callPort                                                                        int
	poll, idle                                                                                      time.Duration
	spawned, shareToken, tlsSelf                                                                    bool
	tlsCert, tlsKey                                                                                 string
	proxies, auditMax, auditAge                                                                     string
	openID                                                                                          openIDFlags
	given                                                                                           map[string]bool // by flag or by environment
}

// configure reads flags, then the environment for those that are not given, and checks all of it.
func configure(args []string, getenv func(string) string) (config, error) {
	f, err := readFlags(args, getenv)
	if err != nil {
		return config{}, err
	}
	if f.spawned {
		return spawnedConfig(getenv)
	}
	cfg := config{addr: f.console(getenv), hosts: splitList(f.hosts), maxNodes: f.maxNodes, port: f.port, callPort: f.callPort,
		query: f.query, poll: f.poll, logFormat: f.log, cookie: getenv("CONVOY_COOKIE"), token: getenv("CONVOY_TOKEN")}
	cfg.onRailway(&f, getenv)
	for _, check := range []func(flags, func(string) string) error{cfg.checkNumbers, cfg.checkProvider, cfg.checkName, cfg.checkSecrets, cfg.checkShell, cfg.checkConfine, cfg.checkData, cfg.checkAudit, cfg.checkUsers, cfg.checkOpenID, cfg.checkProxies, cfg.checkTLS, cfg.checkRecordings, cfg.checkRunbooks, cfg.checkUpload, cfg.checkLog} {
		if err := check(f, getenv); err != nil {
			return config{}, err
		}
	}
	return cfg, nil
}

func readFlags(args []string, getenv func(string) string) (flags, error) {
	f := flags{given: map[string]bool{}}
	set := flag.NewFlagSet("convoy", flag.ContinueOnError)
	set.SetOutput(discard{})
	set.Usage = func() {}
	set.StringVar(&f.addr, "addr", "localhost:4000", "")
	set.StringVar(&f.hosts, "hosts", "", "")
	set.StringVar(&f.proxies, "trusted-proxies", "", "")
	set.StringVar(&f.tlsCert, "tls-cert", "", "")
	set.StringVar(&f.tlsKey, "tls-key", "", "")
	set.BoolVar(&f.tlsSelf, "tls-self", false, "")
	set.StringVar(&f.provider, "provider", "", "")
	set.IntVar(&f.maxNodes, "max-nodes", 5, "")
	set.StringVar(&f.base, "name", "convoy", "")
	set.StringVar(&f.host, "host", "", "")
	set.StringVar(&f.bind, "bind", "", "")
	set.IntVar(&f.port, "port", 4444, "")
	set.IntVar(&f.callPort, "call-port", 4445, "")
	set.StringVar(&f.query, "query", "", "")
	set.DurationVar(&f.poll, "poll", 5*time.Second, "")
	set.StringVar(&f.shell, "shell", "", "")
	set.StringVar(&f.system, "system-shell", "on", "")
	set.StringVar(&f.confine, "confine", "on", "")
	set.StringVar(&f.systemUser, "system-user", defaultSystemUser, "")
	set.StringVar(&f.users, "users", "", "")
	set.StringVar(&f.openID.issuer, "openid-issuer", "", "")
	set.StringVar(&f.openID.client, "openid-client", "", "")
	set.StringVar(&f.openID.redirect, "openid-redirect", "", "")
	set.StringVar(&f.openID.userClaim, "openid-user-claim", "", "")
	set.StringVar(&f.openID.roleClaim, "openid-role-claim", "groups", "")
	set.StringVar(&f.openID.roles, "openid-roles", "", "")
	set.StringVar(&f.openID.name, "openid-name", "", "")
	set.StringVar(&f.data, "data", "", "")
	set.StringVar(&f.auditMax, "audit-max", "100MiB", "")
	set.StringVar(&f.auditAge, "audit-age", "400d", "")
	set.StringVar(&f.dir, "dir", "", "")
	set.DurationVar(&f.idle, "shell-idle", 0, "")
	set.StringVar(&f.record, "record", "off", "")
	set.StringVar(&f.recordings, "recordings", "", "")
	set.StringVar(&f.recordingsMax, "recordings-max", "1GiB", "")
	set.StringVar(&f.maxUpload, "max-upload", "64MiB", "")
	set.StringVar(&f.runbooks, "runbooks", "", "")
	set.StringVar(&f.log, "log", "auto", "")
	set.StringVar(&f.level, "log-level", "info", "")
	set.BoolVar(&f.spawned, "spawned", false, "")
	set.BoolVar(&f.shareToken, "share-token", false, "")
	if err := set.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return f, err
		}
		return f, hint("convoy -h lists the flags", "%v", err)
	}
	if set.NArg() > 0 {
		return f, hint("convoy -h lists what can be asked", "unknown command %q", set.Arg(0))
	}
	set.Visit(func(one *flag.Flag) { f.given[one.Name] = true })
	var bad error
	set.VisitAll(func(one *flag.Flag) {
		variable := "CONVOY_" + strings.ToUpper(strings.ReplaceAll(one.Name, "-", "_"))
		text := getenv(variable)
		if f.given[one.Name] || text == "" || one.Name == "spawned" || bad != nil {
			return
		}
		if err := set.Set(one.Name, text); err != nil {
			bad = hint("convoy -h says what it takes", "%s=%q: %v", variable, text, err)
		}
		f.given[one.Name] = true
	})
	return f, bad
}

// console is where the console listens.
func (f flags) console(getenv func(string) string) string {
	if port := getenv("PORT"); port != "" && !f.given["addr"] {
		return ":" + port
	}
	return f.addr
}

type discard struct{}

func (discard) Write(b []byte) (int, error) { return len(b), nil }

func (cfg *config) checkNumbers(f flags, _ func(string) string) error {
	if _, _, err := net.SplitHostPort(cfg.addr); err != nil {
		return hint("give host and port, such as localhost:4000 or :8080", "-addr %q is no address to listen on", cfg.addr)
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
	cfg.provider = f.provider
	if cfg.provider == "" {
		cfg.provider = "local"
		if f.given["query"] || f.given["host"] {
			cfg.provider = "none"
		}
	}
	switch {
	case cfg.provider == "railway" && cfg.railway.Token == "":
		return hint("set RAILWAY_API_TOKEN; docs/railway.md says how to get one", "-provider railway needs a token")
	case !slices.Contains([]string{"local", "railway", "none"}, cfg.provider):
		return hint("it is local, railway or none", "-provider %q is not known", cfg.provider)
	case cfg.provider == "local" && (f.given["query"] || f.given["host"]):
		return hint("leave out -query and -host, or say -provider none", "-provider local names its nodes itself, and polls its own DNS server")
	case cfg.provider == "local":
		cfg.bind = loopback()
		if !f.given["port"] {
			cfg.port = 0
		}
		if !f.given["call-port"] {
			cfg.callPort = 0
		}
	}
	if f.bind == "" {
		if !cfg.bind.IsValid() {
			cfg.bind = privateAddr()
		}
		return nil
	}
	bind, err := netip.ParseAddr(f.bind)
	if err != nil || bind.IsUnspecified() {
		return hint("give one address of this machine, not :: or 0.0.0.0", "-bind %q is no address that other nodes can reach", f.bind)
	}
	cfg.bind = bind
	return nil
}

func (cfg *config) checkName(f flags, _ func(string) string) error {
	host := f.host
	switch {
	case cfg.provider == "local":
		host = f.base + "." + local.Zone
	case host == "":
		host, _ = os.Hostname()
		host = strings.ToLower(host)
	}
	cfg.name = f.base + "@" + host
	if _, _, err := peer.ParseName(cfg.name); err != nil {
		return hint("-name takes a-z, 0-9 and -; -host a DNS name", "%q cannot be a node's name: %v", cfg.name, err)
	}
	return nil
}

func (cfg *config) checkSecrets(_ flags, _ func(string) string) error {
	if cfg.cookie == "" {
		if cfg.provider != "local" {
			return hint("set CONVOY_COOKIE to the same secret on all nodes; convoy cookie makes one", "there is no cookie")
		}
		cfg.cookie, cfg.ownCookie = peer.NewCookie(), true
	}
	if err := peer.CheckCookie(cfg.cookie); err != nil {
		return hint("convoy cookie makes a good one", "CONVOY_COOKIE: %v", err)
	}
	if cfg.token == "" {
		cfg.token, cfg.ownToken = peer.NewCookie(), true
	}
	if len(cfg.token) < 16 {
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
	cfg.shell = strings.Fields(command)
	if cfg.system = f.system; !slices.Contains([]string{"on", "first", "off"}, cfg.system) {
		return hint("it is on, first or off", "-system-shell %q is not known", cfg.system)
	}
	if cfg.idle = f.idle; cfg.idle != 0 && cfg.idle < time.Second {
		return hint("0 for never, or 1s and more", "-shell-idle %v is out of range", f.idle)
	}
	cfg.dir = f.dir
	if cfg.dir == "" {
		cfg.dir, _ = os.UserHomeDir()
		if _, err := os.Stat(cfg.dir); err != nil {
			cfg.dir = "/"
		}
	}
	if f.given["dir"] {
		probe, err := os.MkdirTemp(cfg.dir, ".convoy-*")
		if err != nil {
			return hint("name a directory that exists and that you may write to", "-dir %q: %v", cfg.dir, errors.Unwrap(err))
		}
		os.Remove(probe) //nolint:errcheck // empty and ours
		cfg.dir, _ = filepath.Abs(cfg.dir)
	}
	cfg.env = shellEnv(getenv)
	return nil
}

func (cfg *config) checkUpload(f flags, _ func(string) string) (err error) {
	if cfg.maxUpload, err = parseSize(f.maxUpload); err != nil {
		return hint("a number of bytes, or of KiB, MiB or GiB, such as 64MiB; 0 for no files", "-max-upload %q is no size", f.maxUpload)
	}
	return nil
}

func (cfg *config) checkLog(f flags, _ func(string) string) error {
	if !slices.Contains([]string{"auto", "json", "text"}, f.log) {
		return hint("it is json, text or auto", "-log %q is not known", f.log)
	}
	if err := cfg.logLevel.UnmarshalText([]byte(f.level)); err != nil {
		return hint("it is debug, info, warn or error", "-log-level %q is not known", f.level)
	}
	return nil
}

// shellEnv is the environment of shells: what a terminal needs, and nothing that may be secret.
func shellEnv(getenv func(string) string) []string {
	env := []string{"TERM=xterm-256color", "COLORTERM=truecolor"}
	for _, name := range []string{"PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR"} {
		if value := getenv(name); value != "" {
			env = append(env, name+"="+value)
		}
	}
	return env
}

// sizeUnits are what a size may end with, in any case.
var sizeUnits = map[string]int64{
	"": 1, "b": 1, "k": 1 << 10, "kib": 1 << 10, "m": 1 << 20, "mib": 1 << 20, "g": 1 << 30, "gib": 1 << 30, "t": 1 << 40, "tib": 1 << 40,
	"kb": 1e3, "mb": 1e6, "gb": 1e9, "tb": 1e12,
}

// parseSize reads a number of bytes: 65536, 64KiB, 64k, 500 MB; at most a million TiB.
func parseSize(text string) (int64, error) {
	number := strings.TrimRight(text, "KkMmGgTtIiBb ")
	unit, ok := sizeUnits[strings.ToLower(strings.TrimSpace(text[len(number):]))]
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil || !ok || n < 0 || n > 1<<60/unit {
		return 0, errors.New("no size")
	}
	return n * unit, nil
}

func splitList(text string) []string {
	return strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return r == ',' || r == ' ' })
}

// loopback is ::1, or 127.0.0.1 where the machine has no IPv6.
func loopback() netip.Addr {
	probe, err := net.Listen("tcp", "[::1]:0")
	if err != nil {
		return netip.AddrFrom4([4]byte{127, 0, 0, 1})
	}
	probe.Close() //nolint:errcheck // it was only a question
	return netip.IPv6Loopback()
}

// privateAddr is this machine's address on a private IPv6 network (RFC 4193), else any of its own.
func privateAddr() netip.Addr {
	best := loopback()
	addrs, _ := net.InterfaceAddrs()
	for _, one := range addrs {
		prefix, err := netip.ParsePrefix(one.String())
		if err != nil || prefix.Addr().IsLoopback() || prefix.Addr().IsLinkLocalUnicast() {
			continue
		}
		if addr := prefix.Addr(); addr.Is6() && addr.IsPrivate() {
			return addr
		} else if best.IsLoopback() {
			best = addr
		}
	}
	return best
}
