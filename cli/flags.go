package cli

import (
	"errors"
	"flag"
	"io"
	"strings"
	"time"
)

// newFlagSet returns the flags of some groups, which print nothing, and whose errors describe what a value must be. A
// flag's usage text begins with the placeholder of its value, unless it is a bool; the placeholder a|b lists the
// values. A flag without a usage text is hidden.
func newFlagSet(name string, groups ...flagGroup) *flag.FlagSet {
	set := flag.NewFlagSet(name, flag.ContinueOnError)
	set.SetOutput(io.Discard)
	set.Usage = func() {}
	for _, group := range groups {
		group.declare(set)
	}
	set.VisitAll(func(f *flag.Flag) { f.Value = typedValue{f.Value} })
	return set
}

// typedValue is the value of a flag, whose error describes what it must be.
type typedValue struct{ flag.Value }

// IsBoolFlag implements what package flag asks of a flag without a value.
func (v typedValue) IsBoolFlag() bool {
	b, ok := v.Value.(interface{ IsBoolFlag() bool })
	return ok && b.IsBoolFlag()
}

// Set implements flag.Value.
func (v typedValue) Set(text string) error {
	err := v.Value.Set(text)
	get, ok := v.Value.(flag.Getter)
	if err == nil || !ok || err.Error() != "parse error" {
		return err
	}
	switch get.Get().(type) {
	case time.Duration:
		return errors.New("it is not a number with a unit, such as 500ms, 5s or 2m")
	case int:
		return errors.New("it is not a whole number")
	case bool:
		return errors.New("it is not true or false")
	}
	return err
}

// parse parses args. Its error has a hint, or is flag.ErrHelp.
func parse(set *flag.FlagSet, args []string) error {
	err := set.Parse(args)
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		text := strings.Replace(err.Error(), "flag provided but not defined:", "unknown flag", 1)
		err = hint(set.Name()+" -h lists the flags", "%s", text)
	}
	return err
}

// isBool reports whether a flag takes no value.
func isBool(f *flag.Flag) bool { return f.Value.(typedValue).IsBoolFlag() }

// variable is the environment variable of a flag of convoy.
func variable(name string) string {
	return "CONVOY_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
}

// readFlags reads flags, and the environment for those that are not given.
func readFlags(args []string, getenv func(string) string) (*config, error) {
	cfg := &config{getenv: getenv, given: map[string]bool{}}
	set := newFlagSet("convoy", cfg.groups()...)
	if err := parse(set, args); err != nil {
		return nil, err
	}
	if set.NArg() > 0 {
		return nil, hint("convoy -h lists the commands", "unknown command %q", set.Arg(0))
	}
	set.Visit(func(f *flag.Flag) { cfg.given[f.Name] = true })
	var bad error
	set.VisitAll(func(f *flag.Flag) {
		text := getenv(variable(f.Name))
		if cfg.given[f.Name] || text == "" || f.Name == "spawned" || bad != nil {
			return
		}
		if err := set.Set(f.Name, text); err != nil {
			bad = hint("convoy -h describes it", "%s=%q: %v", variable(f.Name), text, err)
		}
		cfg.given[f.Name] = true
	})
	if port := getenv("PORT"); port != "" && !cfg.given["addr"] {
		cfg.Addr = ":" + port
	}
	return cfg, bad
}

func (cfg *config) groups() []flagGroup {
	return []flagGroup{
		{"Console", cfg.declareConsole},
		{"Login with a password or through an OpenID Connect provider", cfg.declareLogin},
		{"Nodes", cfg.declareNodes},
		{"Shells", cfg.declareShells},
		{"Files and logs", cfg.declareFiles},
	}
}

func (cfg *config) declareConsole(set *flag.FlagSet) {
	set.StringVar(&cfg.Addr, "addr", "localhost:4000",
		"ADDR where the console listens; without it, the variable PORT means that port on all addresses")
	set.StringVar(&cfg.hosts, "hosts", "",
		"NAMES host names of the console, separated by commas, besides localhost and IP addresses")
	set.StringVar(&cfg.BasePath, "base-path", "",
		"PATH where a reverse proxy has the console, such as /convoy, for links, cookies and redirects; default /")
	set.StringVar(&cfg.proxies, "trusted-proxies", "",
		"LIST trusted reverse proxies, separated by commas: addresses, networks, loopback or private. Only their "+
			"X-Forwarded-For, -Proto and -Host count; docs/operations.md has settings for them")
	set.StringVar(&cfg.TLS.Cert, "tls-cert", "",
		"FILE serve the console over TLS with this certificate chain, in PEM; read again when it changes")
	set.StringVar(&cfg.TLS.Key, "tls-key", "", "FILE the key of the first certificate in -tls-cert, in PEM")
	set.BoolVar(&cfg.TLS.SelfSigned, "tls-self", false,
		"serve the console over TLS with a certificate that the node creates and keeps below -data, for a laptop")
}

func (cfg *config) declareLogin(set *flag.FlagSet) {
	set.StringVar(&cfg.Users, "users", "",
		"FILE users who may log in with a name and a password; convoy user writes it; default users, below -data")
	set.StringVar(&cfg.OpenID.Issuer, "openid-issuer", "",
		"URL the provider's https URL; docs/security.md shows how to set it up")
	set.StringVar(&cfg.OpenID.ClientID, "openid-client", "", "ID the client ID of this console at the provider")
	set.StringVar(&cfg.OpenID.RedirectURL, "openid-redirect", "",
		"URL this console's URL as registered at the provider; default the URL in the browser")
	set.StringVar(&cfg.OpenID.UserClaim, "openid-user-claim", "",
		"NAME the claim with the user's name; default email if it is verified, else preferred_username, else sub")
	set.StringVar(&cfg.OpenID.RoleClaim, "openid-role-claim", "groups",
		"NAME the claim of the ID token that -openid-roles maps; dots lead into nested claims, as in realm_access.roles")
	set.StringVar(&cfg.roles, "openid-roles", "",
		"LIST the role for each value of -openid-role-claim, such as admins=admin,staff=operator,*=viewer; * is "+
			"everyone whom the provider knows. Users without a role cannot log in")
	set.StringVar(&cfg.OpenID.Name, "openid-name", "", "NAME the provider's name on the login page; default its host")
}

func (cfg *config) declareNodes(set *flag.FlagSet) {
	set.StringVar(&cfg.Provider, "provider", "",
		"local|railway|none where new nodes come from: local (child processes, the default), railway (the default with "+
			"a Railway token) or none")
	set.BoolVar(&cfg.Railway.ShareToken, "share-token", false,
		"give nodes on Railway the Railway token, so that they can create nodes, too")
	set.IntVar(&cfg.MaxNodes, "max-nodes", 5, "N how many nodes can be spawned")
	set.StringVar(&cfg.base, "name", "convoy", "BASE base of node names, the part before the @")
	set.StringVar(&cfg.host, "host", "", "NAME this node's DNS name, the part after the @")
	set.StringVar(&cfg.labels, "labels", "",
		"LIST labels of this node and of those that it spawns, such as env=prod,team=core; at most 8, 72 characters in all")
	set.StringVar(&cfg.bind, "bind", "", "IP this node's address in the private network of the nodes")
	set.IntVar(&cfg.Port, "port", 4444, "N gossip port, UDP and TCP; 0 is any free port, as with provider local")
	set.IntVar(&cfg.CallPort, "call-port", 4445,
		"N port for calls and streams between nodes; 0 is any free port, as with provider local")
	set.StringVar(&cfg.Query, "query", "", "NAME full DNS name to poll for other nodes; search domains do not complete it")
	set.DurationVar(&cfg.Poll, "poll", 5*time.Second, "DURATION time between two polls")
	set.BoolVar(&cfg.Spawned, "spawned", false, "")
}

func (cfg *config) declareShells(set *flag.FlagSet) {
	set.StringVar(&cfg.shell, "shell", "", "COMMAND program of a system shell, such as bash -l; default $SHELL, else bash")
	set.StringVar(&cfg.System, "system-shell", "on",
		"on|first|off system shells, which can do nearly everything that their user can (-confine): on offers them "+
			"next to Convoy shells; first opens them by default; off disables them")
	set.StringVar(&cfg.Confine, "confine", "on",
		"on|strict|off what protects the node from system shells: on, all protection without side effects; strict, which "+
			"always hides -data from them, so that they cannot open files created later in a directory above it, and which "+
			"without another user (-system-user) refuses other terminals and Unix sockets, so tmux and script do not work; "+
			"or off. docs/security.md has the details")
	set.StringVar(&cfg.SystemUser, "system-user", defaultSystemUser,
		"USER user of system shells if Convoy runs as root, by name or number; root for root")
	set.StringVar(&cfg.Dir, "dir", "", "DIR directory that shells start in; default your home directory")
	set.DurationVar(&cfg.Idle, "shell-idle", 0,
		"DURATION close shells that had no viewer and no activity for this long; 0, the default, is never")
	set.StringVar(&cfg.maxUpload, "max-upload", "64MiB", "SIZE largest file to or from a shell; 0 turns transfers off")
	set.StringVar(&cfg.Notify, "notify", "",
		"URL where notifications about shells are posted, as JSON; ntfy+https://HOST/TOPIC and slack+https://… for these "+
			"services. If it contains a secret, set CONVOY_NOTIFY instead")
	set.StringVar(&cfg.Push, "push", "public",
		"off|public|any push services through which browsers get notifications while no page is open: none, those at "+
			"public addresses, or all")
	set.StringVar(&cfg.Runbooks, "runbooks", "",
		"DIR directory of your runbooks: Markdown files whose code blocks the console runs on its nodes; default none")
}

func (cfg *config) declareFiles(set *flag.FlagSet) {
	set.StringVar(&cfg.Data, "data", "",
		"DIR directory for users, logins, API tokens, the audit log, recordings and shell history; "+
			"default $XDG_STATE_HOME/convoy")
	set.StringVar(&cfg.auditMax, "audit-max", "100MiB",
		"SIZE size of a node's audit log, whose oldest files are removed first; 0 is no limit")
	set.StringVar(&cfg.auditAge, "audit-age", "400d",
		"AGE how long audit entries are kept, such as 400d or 720h; 0 is forever")
	set.StringVar(&cfg.record, "record", "off",
		"all|off shells to record: all, from their first byte, or off, only those that you choose")
	set.StringVar(&cfg.Record.Dir, "recordings", "",
		"DIR directory for recordings, with a directory for each node; default recordings, below -data")
	set.StringVar(&cfg.recordingsMax, "recordings-max", "1GiB",
		"SIZE size of a node's recordings, such as 500MiB; the oldest are removed first")
	set.StringVar(&cfg.LogFormat, "log", "auto",
		"json|text|auto log format on standard output; auto is text on a terminal and json elsewhere")
	set.StringVar(&cfg.level, "log-level", "info", "debug|info|warn|error lowest level that is logged")
}
