package local

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"
)

// Keeper keeps what nodes need to outlive this process. A provider calls Keep and Drop with a lock held, so they must
// not call it.
type Keeper interface {
	// Keep stores an entry, or replaces the one with its ID. What it has taken survives this process even if that is
	// killed right after. It duplicates the descriptors: the caller keeps its own.
	Keep(k Kept) error
	// Drop forgets an entry. An unknown id is ignored.
	Drop(id string)
	// Wait returns how a process ended that an earlier process started, once it has ended. The error is ctx's, or says
	// why nobody knows.
	Wait(ctx context.Context, pid int) (syscall.WaitStatus, error)
}

// Kept is an entry as a Keeper stores it: a node, or the DNS server's sockets. A node stops when neither this process
// nor the Keeper holds its files.
type Kept struct {
	ID    string     // the node's full name, or dnsID
	Pid   int        // of the node's process; 0: none
	Data  []byte     // opaque, less than 4 KiB
	Files []*os.File // opaque, at most four; their file status flags must stay, such as O_NONBLOCK
}

// dnsID is the ID of the DNS server's sockets, first UDP, then TCP.
const dnsID = "dns"

// state is the Data of a node.
type state struct {
	Pid    int    `json:"pid"`
	Began  string `json:"began"`  // when the process did, as startOf returns it
	Gossip uint16 `json:"gossip"` // port; 0: the node did not report yet
	Ended  string `json:"ended"`  // why the process ended; "": it runs
}

// interrupted is why a node ended that was being started when its parent ended.
const interrupted = "the control plane restarted while this node started; its process was ended"

// keep stores a node for the next process. p.mu must be held.
func (p *Provider) keep(c *process) {
	if p.cfg.Keeper == nil {
		return
	}
	k := Kept{ID: c.name}
	s := state{Pid: c.pid, Began: c.began, Gossip: c.gossip}
	if c.ended {
		s.Ended = c.message
	} else {
		k.Pid, k.Files = c.pid, []*os.File{c.stdin, c.stdout, c.stderr, c.errors.file}
	}
	var err error
	if k.Data, err = json.Marshal(s); err == nil {
		err = p.cfg.Keeper.Keep(k)
	}
	if err != nil {
		p.cfg.Log.Warn("a node cannot be kept for a restart of this one", "node", c.name, "err", err)
	}
}

// keepSockets stores the DNS server's sockets for the next process. p.mu must be held.
func (p *Provider) keepSockets() {
	if p.cfg.Keeper == nil {
		return
	}
	k := Kept{ID: dnsID}
	defer func() { closeAll(k.Files) }()
	for _, socket := range []any{p.packets, p.listener} {
		f, err := socket.(interface{ File() (*os.File, error) }).File()
		if err != nil {
			p.cfg.Log.Warn("the DNS server's port cannot be kept for a restart", "err", err)
			return
		}
		k.Files = append(k.Files, f)
	}
	if err := p.cfg.Keeper.Keep(k); err != nil {
		p.cfg.Log.Warn("the DNS server's port cannot be kept for a restart", "err", err)
	}
}

// inherit opens the sockets that keepSockets stored, and closes the files.
func inherit(files []*os.File) (packets net.PacketConn, listener net.Listener, err error) {
	if len(files) != 2 {
		return nil, nil, fmt.Errorf("%d files", len(files))
	}
	defer closeAll(files)
	if packets, err = net.FilePacketConn(files[0]); err != nil {
		return nil, nil, err
	}
	if listener, err = net.FileListener(files[1]); err != nil {
		return nil, nil, errors.Join(err, packets.Close())
	}
	return packets, listener, nil
}

// drop forgets an entry.
func (p *Provider) drop(id string) {
	if p.cfg.Keeper != nil {
		p.cfg.Keeper.Drop(id)
	}
}

// Adopt continues with what an earlier process left with the Keeper: its nodes, those that have ended as well, and the
// port of its DNS server. Call it before Start. A node that was being started is ended, and so is one whose entry is
// damaged. The provider owns the files.
func (p *Provider) Adopt(kept []Kept) {
	p.mu.Lock()
	defer p.mu.Unlock()
	defer p.notify()
	for _, k := range kept {
		var err error
		if k.ID == dnsID {
			p.packets, p.listener, err = inherit(k.Files)
		} else {
			err = p.adopt(k)
		}
		if err != nil {
			closeAll(k.Files) // a node ends with its standard input
			p.drop(k.ID)
			p.cfg.Log.Error("what an earlier process left is damaged, and is ended", "node", k.ID, "err", err)
		}
	}
}

// adopt continues a node. p.mu must be held.
func (p *Provider) adopt(k Kept) error {
	var s state
	if err := json.Unmarshal(k.Data, &s); err != nil {
		return err
	}
	c := &process{name: k.ID, pid: s.Pid, began: s.Began, gossip: s.Gossip, done: make(chan struct{})}
	if s.Ended != "" {
		c.ended, c.message = true, s.Ended
		close(c.done)
		p.children[k.ID] = c
		return nil
	}
	if p.children[k.ID] != nil || k.Pid <= 0 || k.Pid != s.Pid || len(k.Files) != 4 {
		return fmt.Errorf("process %d has %d files", k.Pid, len(k.Files))
	}
	c.process = find(s.Pid, s.Began)
	c.await = func() (string, error) {
		status, err := p.cfg.Keeper.Wait(p.life, c.pid)
		return describe(status), err
	}
	c.stdin, c.stdout, c.stderr = k.Files[0], k.Files[1], k.Files[2]
	if err := c.errors.restore(k.Files[3]); err != nil {
		return err
	}
	c.collect(p.cfg.Log)
	p.children[k.ID] = c
	if s.Gossip != 0 {
		p.zone.set(hostOf(c.name), s.Gossip)
	} else {
		c.cause = interrupted
		p.group.Go(func() { c.end(p.life, p.killDelay) })
	}
	p.group.Go(func() { p.wait(c) })
	p.cfg.Log.Info("process adopted", "node", c.name, "pid", c.pid)
	return nil
}

// Leave is the opposite of Close: it leaves the nodes to the next process, which adopts them. It stops reading their
// output and answering DNS. Nothing can be spawned afterwards, and this process has to end soon: until then it is the
// parent of the nodes that it started.
func (p *Provider) Leave(ctx context.Context) error {
	server, children := p.shut()
	p.die()
	for _, c := range children {
		c.stopReading()
		c.reading.Wait()
	}
	return server.close(ctx)
}

// find returns a process that has had its pid since then. Signals to another one, or none, fail.
func find(pid int, began string) *os.Process {
	found, _ := os.FindProcess(pid) //nolint:errcheck // it does not fail on Unix
	if startOf(pid) != began {
		found.Release() //nolint:errcheck // it does not fail on Unix
	}
	return found
}

// startOf returns when a process started, as the kernel counts (proc(5), stat); "" if that is not known.
func startOf(pid int) string {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))                 //nolint:errcheck // it is empty then
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:])) // after the name, which may have spaces
	if len(fields) < 20 {
		return ""
	}
	return fields[19]
}

// describe describes a status like os.ProcessState.
func describe(status syscall.WaitStatus) string {
	switch {
	case !status.Signaled():
		return fmt.Sprintf("exit status %d", status.ExitStatus())
	case status.CoreDump():
		return "signal: " + status.Signal().String() + " (core dumped)"
	}
	return "signal: " + status.Signal().String()
}
