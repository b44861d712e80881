package peer

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"convoy/fleet"
	"convoy/internal/dnstest"
	"convoy/internal/testkit"
)

// A node alone asks often at first, then at its interval, and a whole cluster
// seldom; Railway shows its users each look-up.
func TestPollPace(t *testing.T) {
	t.Parallel()
	const spread = wholeInterval / 5
	tests := []struct {
		what     string
		age      time.Duration
		others   int
		verdict  verdict
		min, max time.Duration
	}{
		{"just started", 0, 0, verdictNoName, rushInterval, rushInterval},
		{"just started, dns is silent", time.Second, 0, verdictSilent, rushInterval, rushInterval},
		{"started", rushFor, 0, verdictNoName, startInterval, startInterval},
		{"long alone in vain", startFor, 0, verdictMissing, DefaultPoll, DefaultPoll},
		{"alone for a minute", time.Minute, 0, verdictAlone, DefaultPoll, DefaultPoll},
		{"alone for long", aloneFor + 1, 0, verdictAlone, wholeInterval - spread, wholeInterval + spread},
		{"joined at once, one is missing", time.Second, 1, verdictMissing, DefaultPoll, DefaultPoll},
		{"joined, dns has failed", time.Hour, 1, verdictSilent, DefaultPoll, DefaultPoll},
		{"whole", time.Second, 1, verdictWhole, wholeInterval - spread, wholeInterval + spread},
	}
	for _, test := range tests {
		p := &poller{interval: DefaultPoll, roster: newRoster(), started: time.Now().Add(-test.age)}
		for range test.others {
			entered(p.roster, "n", "i", 0)
		}
		for range 100 {
			if got := p.pause(outcome{verdict: test.verdict}); got < test.min || got > test.max {
				t.Errorf("%s: next poll after %v, want %v to %v", test.what, got, test.min, test.max)
				break
			}
		}
	}
}

// What a poll has come to is logged when it changes, and not each time.
func TestPollLogsChanges(t *testing.T) {
	t.Parallel()
	dns := dnstest.New(t)
	a := startNode(t, "a.convoy.internal", nil, polling(dns))
	const srv = 33
	testkit.Eventually(t, "5 polls in vain", func() bool { return dns.Asked(testQuery, srv) >= 5 })
	if n := strings.Count(a.log.String(), "no such name or no address in dns"); n != 1 {
		t.Errorf("%d lines for 5 polls:\n%s", n, a.log)
	}
	nobody := netip.MustParseAddrPort("[::1]:1")
	dns.Addr("gone.convoy.internal", nobody.Addr())
	dns.SRV(testQuery, "gone.convoy.internal", nobody.Port())
	testkit.Eventually(t, "a line for the missing node", func() bool {
		return strings.Contains(a.log.String(), "dns names a node that is no member") &&
			strings.Contains(a.log.String(), "addr=[::1]:1 ")
	})
}

// Nodes that were parted for so long that gossip has given up find each other
// again by name, though the name that is polled is gone from DNS.
func TestLostNamesAreAskedFor(t *testing.T) {
	t.Parallel()
	dns := dnstest.New(t)
	a := startNode(t, "a.convoy.internal", nil, polling(dns))
	b := startNode(t, "b.convoy.internal", nil, polling(dns))
	announce(dns, a, b)
	a.sees(t, fleet.MemberAlive, b)
	port := b.GossipPort()
	b.Close()
	a.sees(t, fleet.MemberUnreachable, b)
	dns.Clear()
	dns.Addr("b.convoy.internal", b.cfg.Bind)
	again := startNode(t, "b.convoy.internal", nil, func(c *Config) { c.Port = port })
	a.sees(t, fleet.MemberAlive, again)
	if lost := a.roster.lost(); len(lost) > 0 {
		t.Errorf("still lost: %v", states(lost))
	}
}
