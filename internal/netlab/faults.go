//go:build linux

package netlab

import (
	"fmt"
	"maps"
	"net/netip"
	"os/exec"
	"slices"
	"strings"
	"time"

	"convoy/internal/testkit"
)

// way is one direction between two hosts.
type way struct{ from, to netip.Addr }

// faults are the faults of the network.
type faults struct {
	cut       map[way]bool
	unplugged map[netip.Addr]bool
	loss      float64 // percent of all packets between hosts
	noUDP     bool
}

func newFaults() faults {
	return faults{cut: map[way]bool{}, unplugged: map[netip.Addr]bool{}}
}

// rules are the faults for nft, which replaces all of them at once. What the hub
// drops it drops silently.
func (f faults) rules() string {
	var b strings.Builder
	b.WriteString("table ip6 faults\ndelete table ip6 faults\ntable ip6 faults {\n")
	b.WriteString("chain prerouting { type filter hook prerouting priority 0;\n")
	for _, a := range slices.SortedFunc(maps.Keys(f.unplugged), netip.Addr.Compare) {
		fmt.Fprintf(&b, "ip6 saddr %v drop\nip6 daddr %v drop\n", a, a)
	}
	b.WriteString("}\nchain output { type filter hook output priority 0;\n") // the hub's own: the answers of DNS
	for _, a := range slices.SortedFunc(maps.Keys(f.unplugged), netip.Addr.Compare) {
		fmt.Fprintf(&b, "ip6 nexthdr { tcp, udp } ip6 daddr %v drop\n", a)
	}
	b.WriteString("}\nchain forward { type filter hook forward priority 0;\n")
	for w := range f.cut {
		fmt.Fprintf(&b, "ip6 saddr %v ip6 daddr %v drop\n", w.from, w.to)
	}
	if f.noUDP {
		b.WriteString("meta l4proto udp drop\n")
	}
	switch {
	case f.loss >= 100:
		b.WriteString("drop\n")
	case f.loss > 0:
		fmt.Fprintf(&b, "numgen random mod 10000 < %d drop\n", int(f.loss*100))
	}
	b.WriteString("}\n}\n")
	return b.String()
}

// install makes the faults be so.
func (l *Lab) install() error {
	rules := l.faults.rules()
	return l.hub.inside(func() error { return runIn(exec.Command("nft", "-f", "-"), rules) })
}

// change alters the faults.
func (l *Lab) change(alter func(*faults)) {
	l.t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	alter(&l.faults)
	testkit.Must(l.t, l.install())
}

// Partition lets hosts of different groups reach each other no longer. They still
// reach DNS. Hosts in no group reach DNS and all hosts.
func (l *Lab) Partition(groups ...[]*Host) {
	l.t.Helper()
	l.change(func(f *faults) {
		for i, one := range groups {
			for _, other := range groups[i+1:] {
				f.sever(one, other)
			}
		}
	})
}

func (f *faults) sever(one, other []*Host) {
	for _, a := range one {
		for _, b := range other {
			f.cut[way{a.addr, b.addr}], f.cut[way{b.addr, a.addr}] = true, true
		}
	}
}

// Cut lets two hosts reach each other no longer; both still reach the rest.
func (l *Lab) Cut(a, b *Host) {
	l.t.Helper()
	l.Partition([]*Host{a}, []*Host{b})
}

// CutOneWay drops what one host sends to another, but not what comes back.
func (l *Lab) CutOneWay(from, to *Host) {
	l.t.Helper()
	l.change(func(f *faults) { f.cut[way{from.addr, to.addr}] = true })
}

// Unplug pulls a host's cable: it reaches neither other hosts nor DNS.
func (l *Lab) Unplug(h *Host) {
	l.t.Helper()
	l.change(func(f *faults) { f.unplugged[h.addr] = true })
}

// Plug puts the cable back.
func (l *Lab) Plug(h *Host) {
	l.t.Helper()
	l.change(func(f *faults) { delete(f.unplugged, h.addr) })
}

// Loss loses this part of the packets between hosts, in percent, each for itself:
// of a question and its answer both arrive with the square of what is left.
func (l *Lab) Loss(percent float64) {
	l.t.Helper()
	l.change(func(f *faults) { f.loss = percent })
}

// BlockUDP drops all UDP between hosts. DNS is not between hosts, and answers.
func (l *Lab) BlockUDP() {
	l.t.Helper()
	l.change(func(f *faults) { f.noUDP = true })
}

// Delay makes packets to and from a host come so much later: a round trip takes
// twice as long. While that is changed some are lost. 0 ends it.
func (l *Lab) Delay(h *Host, late time.Duration) {
	l.t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	testkit.Must(l.t, h.delay(late))
}

// Heal undoes all faults of the network. DNS has its own.
func (l *Lab) Heal() {
	l.t.Helper()
	l.change(func(f *faults) { *f = newFaults() })
	for _, h := range l.hosts {
		if h.link != nil {
			l.Delay(h, 0)
		}
	}
}
