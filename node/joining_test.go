package node

import (
	"net/netip"
	"strings"
	"testing"

	"convoy/internal/dnstest"
	"convoy/internal/testkit"
	"convoy/peer"
)

// A card's message has what was tried, and what to do.
func TestJoinNode_Message(t *testing.T) {
	t.Parallel()
	dns := dnstest.New(t)
	a := joined(t, dns, "a", peer.NewCookie())
	stranger := joined(t, dns, "stranger", peer.NewCookie())
	dns.Addr("stranger.convoy.internal", netip.IPv6Loopback())
	dns.SRV("_convoy._tcp.convoy.internal", "stranger.convoy.internal", stranger.GossipPort())
	n := &node{cluster: a}
	for host, parts := range map[string][]string{
		"stranger": {"DNS answers [::1]:", "a different cookie", "CONVOY_COOKIE"},
		"missing":  {"DNS has no address for missing.convoy.internal", "-host"},
	} {
		err := n.joinNode(t.Context(), "convoy@"+host+".convoy.internal")
		for _, part := range parts {
			if err == nil || !strings.Contains(err.Error(), part) {
				t.Errorf("%s: %v; want %q in it", host, err, part)
			}
		}
	}
}

func joined(t *testing.T, dns *dnstest.Server, host, cookie string) *peer.Cluster {
	t.Helper()
	c, err := peer.New(peer.Config{
		Name: "convoy@" + host + ".convoy.internal", Cookie: cookie, Bind: netip.IPv6Loopback(), Version: "test",
		Query: "_convoy._tcp.convoy.internal", Resolver: dns.Resolver(),
	})
	testkit.Must(t, err)
	t.Cleanup(func() { testkit.Must(t, c.Close()) })
	testkit.Must(t, c.Join(t.Context(), nil))
	return c
}
