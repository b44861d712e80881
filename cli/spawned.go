package cli

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strings"

	"convoy/local"
)

var errParentGone = errors.New("the node that made this one is gone")

// child is what a node that provider local spawns is told, by a pipe: secrets in arguments or environment could be
// read by others.
func (n *node) child(name string) local.Child {
	return local.Child{Name: name, Cookie: n.cfg.cookie, Token: n.cfg.token, Query: n.local.Query(), DNS: n.local.DNS(), Poll: n.cfg.poll,
		Shell: n.cfg.shell, System: n.cfg.system, Confine: n.cfg.confine, SystemUser: n.cfg.systemUser, DirGiven: n.cfg.dirGiven, Data: n.cfg.data, Users: n.cfg.users, Dir: n.cfg.dir, Idle: n.cfg.idle, MaxUpload: n.cfg.maxUpload, Runbooks: n.cfg.runbooks, Bind: n.cfg.bind, Log: n.cfg.logLevel.String(),
		AuditMax: n.cfg.auditMax, AuditAge: n.cfg.auditAge, RecordAll: n.cfg.record.all, Recordings: n.cfg.record.dir, RecordingsMax: n.cfg.record.maxBytes}
}

// spawnedConfig is the configuration of a node that provider local made: it stands on standard input.
func spawnedConfig(getenv func(string) string) (config, error) {
	c, err := local.ReadChild(os.Stdin)
	if err != nil {
		return config{}, hint("-spawned is how Convoy starts its own nodes; leave it out", "no configuration on standard input: %w", err)
	}
	cfg := config{addr: addrOf(c), provider: "none", name: c.Name, bind: c.Bind, query: c.Query, dns: c.DNS, poll: c.Poll, shell: c.Shell, system: c.System, confine: c.Confine, systemUser: c.SystemUser, dirGiven: c.DirGiven, data: c.Data, users: c.Users, dir: c.Dir, idle: c.Idle, maxUpload: c.MaxUpload, runbooks: c.Runbooks,
		env: shellEnv(getenv), logFormat: "json", cookie: c.Cookie, token: c.Token, spawned: true,
		auditMax: c.AuditMax, auditAge: c.AuditAge, record: recordConfig{all: c.RecordAll, dir: c.Recordings, maxBytes: c.RecordingsMax}}
	if err := cfg.logLevel.UnmarshalText([]byte(c.Log)); err != nil {
		return config{}, err
	}
	return cfg, nil
}

// addrOf is where a spawned node's console listens: any free port of the loopback.
func addrOf(c local.Child) string {
	if c.Bind.Is6() {
		return "[" + c.Bind.String() + "]:0"
	}
	return c.Bind.String() + ":0"
}

// announceToParent says which ports this node has, and from then on watches the pipe: its end is the parent's end,
// however it came, and this node's as well.
func (n *node) announceToParent(ctx context.Context, fail context.CancelCauseFunc) error {
	ready := local.Ready{Gossip: n.cluster.GossipPort(), Call: n.cluster.CallPort(), Console: portOf(n.listener)}
	if err := local.WriteReady(ready); err != nil {
		return err
	}
	go func() { // ends with the process: a read of standard input cannot be interrupted
		io.Copy(io.Discard, os.Stdin) //nolint:errcheck // the end is what counts
		if ctx.Err() == nil {
			n.log.Info("parent is gone")
		}
		fail(errParentGone)
	}()
	return nil
}

// hostOf is the part of a node's name behind the @.
func hostOf(name string) string {
	_, host, _ := strings.Cut(name, "@")
	return host
}

func portOf(l net.Listener) uint16 { return uint16(l.Addr().(*net.TCPAddr).Port) }
