package node

import (
	"cmp"
	"context"
	"encoding/json"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"convoy/fleet"
	"convoy/local"
	"convoy/pty"
	"convoy/supervisor"
)

// What this process keeps with its supervisor for the next one, by the names of the entries.
const (
	keptConsole = "console" // the address, and the listeners
	keptPorts   = "ports"   // ports
	keptSecrets = "secrets" // secrets
	keptLinks   = "links"   // see handlers.KeepLinks
	keptRuns    = "runs"    // the instances of the latest processes, oldest first
	keptMembers = "members" // gossip addresses of other members
	keptShell   = "shell/"  // and the id: a shell; see pty.Keeper
	keptNode    = "node/"   // and the ID: see local.Keeper
	keptAlert   = "alert/"  // and the name: see alerts.Keeper

	maxRuns    = 16 // more have been forgotten by the others
	maxMembers = 16 // one that answers knows the rest
	rejoinWait = 10 * time.Second
)

// ports are those of gossip and calls, which other nodes know.
type ports struct{ Gossip, Call uint16 }

// secrets are those that were generated at the first start.
type secrets struct{ Token, Cookie string }

// keeper keeps entries with a prefix. It implements pty.Keeper and local.Keeper in part.
type keeper struct {
	client *supervisor.Client
	prefix string
}

// Drop forgets an entry.
func (k keeper) Drop(name string) { k.client.Drop(k.prefix + name) } //nolint:errcheck // all ends with the supervisor

// Wait waits for a process that an earlier process of this node started.
func (k keeper) Wait(ctx context.Context, pid int) (syscall.WaitStatus, error) {
	status, err := k.client.Wait(ctx, pid)
	return syscall.WaitStatus(status), err
}

// put keeps an entry.
func (k keeper) put(name string, pid int, data []byte, files []*os.File) error {
	return k.client.Put(supervisor.Entry{Name: k.prefix + name, Pid: pid, Data: data, Files: files})
}

// shellKeeper implements pty.Keeper.
type shellKeeper struct{ keeper }

// Keep implements pty.Keeper.
func (k shellKeeper) Keep(s pty.Kept) error { return k.put(s.ID, s.Pid, s.Data, s.Files) }

// nodeKeeper implements local.Keeper.
type nodeKeeper struct{ keeper }

// Keep implements local.Keeper.
func (k nodeKeeper) Keep(c local.Kept) error { return k.put(c.ID, c.Pid, c.Data, c.Files) }

// alertKeeper implements alerts.Keeper.
type alertKeeper struct{ keeper }

// Keep implements alerts.Keeper.
func (k alertKeeper) Keep(name string, data []byte) error { return k.put(name, 0, data, nil) }

// shellKeeper returns the keeper of shells; nil: they end with this process.
func (n *node) shellKeeper() pty.Keeper {
	if n.cfg.Supervisor == nil {
		return nil
	}
	return shellKeeper{keeper{n.cfg.Supervisor, keptShell}}
}

// nodeKeeper returns the keeper of the nodes of provider local; nil: they end with this process.
func (n *node) nodeKeeper() local.Keeper {
	if n.cfg.Supervisor == nil {
		return nil
	}
	return nodeKeeper{keeper{n.cfg.Supervisor, keptNode}}
}

// keep keeps an entry of the node itself, if it has a supervisor.
func (n *node) keep(name string, value any, files ...*os.File) {
	data, err := json.Marshal(value)
	if err == nil {
		err = n.cfg.Supervisor.Put(supervisor.Entry{Name: name, Data: data, Files: files})
	}
	if err != nil {
		n.log.Error("cannot keep what must outlive this process", "entry", name, "err", err)
	}
}

// earlier reads an entry of an earlier process of this node.
func (n *node) earlier(name string, value any) (files []*os.File, ok bool) {
	e, ok := n.kept[name]
	return e.Files, ok && json.Unmarshal(e.Data, value) == nil
}

// takeKept takes what earlier processes of this node have kept, and the settings among it.
func (n *node) takeKept() {
	n.kept, n.keptAlerts = map[string]supervisor.Entry{}, map[string][]byte{}
	for _, e := range n.cfg.Supervisor.Entries() {
		n.kept[e.Name] = e
		if id, ok := strings.CutPrefix(e.Name, keptShell); ok {
			n.keptShells = append(n.keptShells, pty.Kept{ID: id, Pid: e.Pid, Data: e.Data, Files: e.Files})
		}
		if name, ok := strings.CutPrefix(e.Name, keptNode); ok {
			n.keptNodes = append(n.keptNodes, local.Kept{ID: name, Pid: e.Pid, Data: e.Data, Files: e.Files})
		}
		if name, ok := strings.CutPrefix(e.Name, keptAlert); ok {
			n.keptAlerts[name] = e.Data
		}
	}
	var was secrets
	n.earlier(keptSecrets, &was)
	n.keep(keptSecrets, n.cfg.generated(was))
	var at ports
	if _, ok := n.earlier(keptPorts, &at); ok {
		n.cfg.Port = n.samePort("udp", n.cfg.Port, at.Gossip)
		n.cfg.CallPort = n.samePort("tcp", n.cfg.CallPort, at.Call)
	}
}

// earlierInstances returns the instances of earlier processes of this node, which have ended.
func (n *node) earlierInstances() (list []string) {
	n.earlier(keptRuns, &list)
	return list
}

// keepInstance adds this process's instance to those.
func (n *node) keepInstance() {
	list := append(n.earlierInstances(), n.cluster.Instance())
	n.keep(keptRuns, list[max(0, len(list)-maxRuns):])
}

// keepMembers keeps the addresses of the members that live. If there are none, those from before may come back.
func (n *node) keepMembers(members []fleet.Member) {
	var list []netip.AddrPort
	for _, m := range members {
		if m.Name != n.cfg.Name && m.State == fleet.MemberAlive && len(list) < maxMembers {
			list = append(list, m.Addr)
		}
	}
	if len(list) > 0 && !slices.Equal(list, n.members) {
		n.members = list
		n.keep(keptMembers, list)
	}
}

// rejoin contacts the members that the earlier process knew until one answers: without DNS, the others would find this
// one only once they have noticed the end of that.
func (n *node) rejoin(ctx context.Context) {
	var list []netip.AddrPort
	n.earlier(keptMembers, &list)
	for _, addr := range list {
		if n.cluster.Connect(ctx, addr.String()) == nil {
			return
		}
	}
}

// generated replaces the secrets that this start has generated by those of the first start, and returns both. Secrets
// that were given are not kept: the next start may be given others, or none.
func (cfg *Config) generated(was secrets) (now secrets) {
	if cfg.GeneratedToken {
		cfg.Token = cmp.Or(was.Token, cfg.Token)
		now.Token = cfg.Token
	}
	if cfg.GeneratedCookie {
		cfg.Cookie = cmp.Or(was.Cookie, cfg.Cookie)
		now.Cookie = cfg.Cookie
	}
	return now
}

// samePort returns the port of the earlier process if any may be used and that one is free.
func (n *node) samePort(network string, port int, earlier uint16) int {
	addr := netip.AddrPortFrom(n.cfg.Bind, earlier)
	if port != 0 {
		return port
	}
	if network == "udp" {
		if conn, err := net.ListenUDP(network, net.UDPAddrFromAddrPort(addr)); err == nil {
			conn.Close() //nolint:errcheck // nothing was sent
			return int(earlier)
		}
	} else if l, err := net.ListenTCP(network, net.TCPAddrFromAddrPort(addr)); err == nil {
		l.Close() //nolint:errcheck // nothing was accepted
		return int(earlier)
	}
	return 0
}

// keepLinks keeps the share links.
func (n *node) keepLinks() error {
	if n.cfg.Supervisor == nil {
		return nil
	}
	var earlier json.RawMessage
	n.earlier(keptLinks, &earlier)
	return n.handlers.KeepLinks(earlier, func(data []byte) { n.keep(keptLinks, json.RawMessage(data)) })
}

// keepAlerts keeps the alerts.
func (n *node) keepAlerts() {
	if n.cfg.Supervisor != nil {
		n.handlers.KeepAlerts(n.keptAlerts, alertKeeper{keeper{n.cfg.Supervisor, keptAlert}})
	}
}

// resumeAlerts resumes the alerts of the earlier process once this one has rejoined the cluster, or has tried for long
// enough.
func (n *node) resumeAlerts(ctx context.Context, rejoined <-chan struct{}) {
	select {
	case <-rejoined:
	case <-time.After(rejoinWait):
	case <-ctx.Done():
		return
	}
	n.handlers.ResumeAlerts()
}

// openConsole opens the console's port, or takes over that of an earlier process, whose queue may have connections.
func (n *node) openConsole() (listeners []net.Listener, err error) {
	var addr string
	files, ok := n.earlier(keptConsole, &addr)
	if ok && addr == n.cfg.Addr {
		for _, f := range files {
			l, err := net.FileListener(f) // a duplicate
			if err != nil {
				closeAll(listeners)
				return nil, err
			}
			listeners = append(listeners, l)
		}
		closeFiles(files)
		return listeners, nil
	}
	closeFiles(files)
	if listeners, err = listen(n.cfg.Addr); err != nil || n.cfg.Supervisor == nil {
		return listeners, err
	}
	files = nil
	for _, l := range listeners {
		if f, err := l.(*net.TCPListener).File(); err == nil {
			files = append(files, f)
		}
	}
	n.keep(keptConsole, n.cfg.Addr, files...)
	closeFiles(files)
	return listeners, nil
}

func closeFiles(files []*os.File) {
	for _, f := range files {
		f.Close() //nolint:errcheck // nothing was written
	}
}
