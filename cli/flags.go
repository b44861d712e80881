package cli

import (
	"errors"
	"flag"
	"io"
	"strings"
	"time"
)

// flags are the flags as they stand, before they mean anything.
type flags struct {
	addr, hosts, proxies, tlsCert, tlsKey, users      string // of the console
	provider, base, host, bind, query                 string // of the node among others
	shell, system, confine, systemUser, dir, runbooks string // of shells
	data, auditMax, auditAge, record, recordings      string // of what is kept
	recordingsMax, maxUpload, log, level              string
	maxNodes, port, callPort                          int
	poll, idle                                        time.Duration
	spawned, shareToken, tlsSelf                      bool
	openID                                            openIDFlags

	given map[string]bool // by flag or by environment
}

// readFlags reads flags, and the environment for those that are not given.
func readFlags(args []string, getenv func(string) string) (flags, error) {
	f := flags{given: map[string]bool{}}
	set := flag.NewFlagSet("convoy", flag.ContinueOnError)
	set.SetOutput(io.Discard)
	set.Usage = func() {}
	f.declareConsole(set)
	f.declareCluster(set)
	f.declareShells(set)
	f.declareKept(set)
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

// declareConsole declares the flags of the console, and who may log in there.
func (f *flags) declareConsole(set *flag.FlagSet) {
	set.StringVar(&f.addr, "addr", "localhost:4000", "")
	set.StringVar(&f.hosts, "hosts", "", "")
	set.StringVar(&f.proxies, "trusted-proxies", "", "")
	set.StringVar(&f.tlsCert, "tls-cert", "", "")
	set.StringVar(&f.tlsKey, "tls-key", "", "")
	set.BoolVar(&f.tlsSelf, "tls-self", false, "")
	set.StringVar(&f.users, "users", "", "")
	set.StringVar(&f.openID.issuer, "openid-issuer", "", "")
	set.StringVar(&f.openID.client, "openid-client", "", "")
	set.StringVar(&f.openID.redirect, "openid-redirect", "", "")
	set.StringVar(&f.openID.userClaim, "openid-user-claim", "", "")
	set.StringVar(&f.openID.roleClaim, "openid-role-claim", "groups", "")
	set.StringVar(&f.openID.roles, "openid-roles", "", "")
	set.StringVar(&f.openID.name, "openid-name", "", "")
}

// declareCluster declares the flags of the node among others.
func (f *flags) declareCluster(set *flag.FlagSet) {
	set.StringVar(&f.provider, "provider", "", "")
	set.IntVar(&f.maxNodes, "max-nodes", 5, "")
	set.StringVar(&f.base, "name", "convoy", "")
	set.StringVar(&f.host, "host", "", "")
	set.StringVar(&f.bind, "bind", "", "")
	set.IntVar(&f.port, "port", 4444, "")
	set.IntVar(&f.callPort, "call-port", 4445, "")
	set.StringVar(&f.query, "query", "", "")
	set.DurationVar(&f.poll, "poll", 5*time.Second, "")
	set.BoolVar(&f.shareToken, "share-token", false, "")
	set.BoolVar(&f.spawned, "spawned", false, "")
}

// declareShells declares the flags of shells, and what is done in them.
func (f *flags) declareShells(set *flag.FlagSet) {
	set.StringVar(&f.shell, "shell", "", "")
	set.StringVar(&f.system, "system-shell", "on", "")
	set.StringVar(&f.confine, "confine", "on", "")
	set.StringVar(&f.systemUser, "system-user", defaultSystemUser, "")
	set.StringVar(&f.dir, "dir", "", "")
	set.DurationVar(&f.idle, "shell-idle", 0, "")
	set.StringVar(&f.maxUpload, "max-upload", "64MiB", "")
	set.StringVar(&f.runbooks, "runbooks", "", "")
}

// declareKept declares the flags of what a node keeps, and what it says.
func (f *flags) declareKept(set *flag.FlagSet) {
	set.StringVar(&f.data, "data", "", "")
	set.StringVar(&f.auditMax, "audit-max", "100MiB", "")
	set.StringVar(&f.auditAge, "audit-age", "400d", "")
	set.StringVar(&f.record, "record", "off", "")
	set.StringVar(&f.recordings, "recordings", "", "")
	set.StringVar(&f.recordingsMax, "recordings-max", "1GiB", "")
	set.StringVar(&f.log, "log", "auto", "")
	set.StringVar(&f.level, "log-level", "info", "")
}

// console is where the console listens.
func (f flags) console(getenv func(string) string) string {
	if port := getenv("PORT"); port != "" && !f.given["addr"] {
		return ":" + port
	}
	return f.addr
}
