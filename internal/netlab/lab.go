//go:build linux

package netlab

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"convoy/internal/testkit"
)

const (
	network = "fd12:1ab::/64"
	// DNSAddr is where the lab's name server answers.
	DNSAddr   = "fd12:1ab::53"
	gateway   = "fe80::1" // each host's, on its own cable
	firstHost = 0x100     // the last word of the first host's address
	mtuBytes  = 1420      // WireGuard's
)

var labs atomic.Int64 // made by this process, for their names

// Lab is a number of hosts, the network between them, and its faults. Its methods
// may be called from any goroutine, but for those that fail the test.
type Lab struct {
	DNS *DNS

	t     testing.TB
	hub   space
	hosts []*Host

	mu     sync.Mutex
	faults faults
}

// Host is one machine of a lab.
type Host struct {
	lab   *Lab
	space space
	addr  netip.Addr
	cable string // the hub's end
	link  *link
}

// New makes a lab of n hosts that ends with the test. The test is skipped where
// there are no means for it.
func New(t testing.TB, n int) *Lab {
	t.Helper()
	if reason := missing(); reason != "" {
		t.Skip("netlab: " + reason)
	}
	name := fmt.Sprintf("%s%d", prefix, labs.Add(1))
	lab := &Lab{t: t, faults: newFaults()}
	t.Cleanup(func() { // the test's processes have ended: their clean-up was registered later
		for _, h := range lab.hosts {
			if h.link != nil {
				h.link.close()
			}
		}
		for _, s := range lab.spaces() {
			if err := s.remove(); err != nil {
				t.Errorf("netlab: %v", err)
			}
		}
	})
	testkit.Must(t, lab.build(name, n))
	lab.DNS = newDNS(t, lab)
	return lab
}

// missing names what a lab needs and the machine lacks.
func missing() string {
	if testing.Short() {
		return "makes networks, and -short goes without"
	}
	if os.Geteuid() != 0 {
		return "needs root, to make network namespaces"
	}
	for _, program := range []string{"ip", "nft"} {
		if _, err := exec.LookPath(program); err != nil {
			return "needs the program " + program + " (apt-get install iproute2 nftables)"
		}
	}
	if !inside {
		return "this root may not make namespaces"
	}
	return ""
}

func (l *Lab) spaces() (all []space) {
	for _, h := range l.hosts {
		all = append(all, h.space)
	}
	if l.hub.file != nil {
		all = append(all, l.hub)
	}
	return all
}

// build makes the namespaces and the cables between them.
func (l *Lab) build(name string, n int) (err error) {
	if l.hub, err = makeSpace(name + "-hub"); err != nil {
		return err
	}
	lines := []string{"link set lo up", "addr add " + DNSAddr + "/128 dev lo nodad", "route add blackhole " + network}
	if err := l.hub.ip(lines...); err != nil {
		return err
	}
	if err := l.hub.inside(func() error { return sysctl("net/ipv6/conf/all/forwarding", "1") }); err != nil {
		return err
	}
	for i := range n {
		if err := l.addHost(fmt.Sprintf("%s-%d", name, i), i); err != nil {
			return err
		}
	}
	return l.install()
}

func makeSpace(name string) (space, error) {
	if err := run("", "ip", "netns", "add", name); err != nil {
		return space{}, err
	}
	return openSpace(name)
}

// sysctl sets a value of the namespace that the thread is in.
func sysctl(name, value string) error {
	return os.WriteFile("/proc/sys/"+name, []byte(value), 0o644)
}

func (l *Lab) addHost(name string, i int) error {
	s, err := makeSpace(name)
	if err != nil {
		return err
	}
	words := netip.MustParsePrefix(network).Addr().As16()
	words[14], words[15] = byte((firstHost+i)>>8), byte(firstHost+i)
	h := &Host{lab: l, space: s, addr: netip.AddrFrom16(words), cable: fmt.Sprintf("h%d", i)}
	l.hosts = append(l.hosts, h)
	plug := fmt.Sprintf("link add %s mtu %d type veth peer name eth0 mtu %d netns %s", h.cable, mtuBytes, mtuBytes, s.name)
	if err := l.hub.ip(append([]string{plug}, h.reached(h.cable)...)...); err != nil {
		return err
	}
	if err := s.ip("link set lo up", "link set eth0 up", fmt.Sprintf("addr add %s/128 dev eth0 nodad", h.addr),
		"route add default via "+gateway+" dev eth0"); err != nil {
		return err
	}
	return h.furnish()
}

// reached is how the hub reaches the host through a device, where it is the host's gateway.
func (h *Host) reached(device string) []string {
	return []string{
		"link set " + device + " up",
		"addr replace " + gateway + "/64 dev " + device + " nodad",
		fmt.Sprintf("route replace %s dev %s", h.addr, device),
	}
}

// furnish writes the files of /etc that concern the network.
func (h *Host) furnish() error {
	dir := etcDir + "/" + h.space.name
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return errors.Join(
		h.Resolve("nameserver "+DNSAddr, "options timeout:1 attempts:2"),
		os.WriteFile(dir+"/hosts", []byte("127.0.0.1 localhost\n::1 localhost\n"), 0o644),
	)
}

// Resolve writes the lines of the host's resolv.conf, for programs that start later.
func (h *Host) Resolve(lines ...string) error {
	return os.WriteFile(etcDir+"/"+h.space.name+"/resolv.conf", []byte(strings.Join(lines, "\n")+"\n"), 0o644)
}

// Host is the host number i, from 0.
func (l *Lab) Host(i int) *Host { return l.hosts[i] }

// Hosts are all of them.
func (l *Lab) Hosts() []*Host { return append([]*Host(nil), l.hosts...) }

// Addr is the host's one address.
func (h *Host) Addr() netip.Addr { return h.addr }

// Command is a program that will run on the host. It is killed when ctx ends.
func (h *Host) Command(ctx context.Context, program string, args ...string) *exec.Cmd {
	return exec.CommandContext(ctx, "ip", append([]string{"netns", "exec", h.space.name, program}, args...)...)
}

// IP gives lines to ip on the host, such as "addr del …".
func (h *Host) IP(lines ...string) error { return h.space.ip(lines...) }
