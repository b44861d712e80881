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

// A single node polls often at first, then at its interval. A complete cluster polls rarely, because Railway shows its
// users each lookup.
func TestPollPace(t *testing.T) {
	t.Parallel()
	const spread = completeInterval / 5
	tests := []struct {
		what     string
		age      time.Duration
		others   int
		verdict  pollStatus
		min, max time.Duration
	}{
		{"just started", 0, 0, statusNoName, burstInterval, burstInterval},
		{"just started, dns is silent", time.Second, 0, statusTimeout, burstInterval, burstInterval},
		{"started", burstFor, 0, statusNoName, startInterval, startInterval},
		{"long alone in vain", startFor, 0, statusMissing, DefaultPoll, DefaultPoll},
		{"alone for a minute", time.Minute, 0, statusAlone, DefaultPoll, DefaultPoll},
		{"alone for long", aloneFor + 1, 0, statusAlone, completeInterval - spread, completeInterval + spread},
		{"joined at once, one is missing", time.Second, 1, statusMissing, DefaultPoll, DefaultPoll},
		{"joined, dns has failed", time.Hour, 1, statusTimeout, DefaultPoll, DefaultPoll},
		{"whole", time.Second, 1, statusComplete, completeInterval - spread, completeInterval + spread},
	}
	for _, test := range tests {
		p := &poller{interval: DefaultPoll, roster: newRoster(), started: time.Now().Add(-test.age)}
		for range test.others {
			addMember(p.roster, "n", "i", 0)
		}
		for range 100 {
			if got := p.pause(pollResult{status: test.verdict}); got < test.min || got > test.max {
				t.Errorf("%s: next poll after %v, want %v to %v", test.what, got, test.min, test.max)
				break
			}
		}
	}
}

// The result of a poll is logged only when it changes.
func TestPollLogsChanges(t *testing.T) {
	t.Parallel()
	dns := dnstest.New(t)
	a := startNode(t, "a.convoy.internal", nil, polling(dns))
	const srv = 33
	testkit.Eventually(t, "5 polls in vain", func() bool { return dns.Asked(testQuery, srv) >= 5 })
	last := ""
	for line := range strings.Lines(a.log.String()) {
		if _, text, ok := strings.Cut(line, `msg="poll: `); ok {
			if text == last {
				t.Errorf("a result is logged again:\n%s", a.log)
			}
			last = text
		}
	}
	if !strings.HasPrefix(last, "no such name") {
		t.Errorf("the last line of 5 polls is %q:\n%s", last, a.log)
	}
	nobody := netip.MustParseAddrPort("[::1]:1")
	dns.Addr("gone.convoy.internal", nobody.Addr())
	dns.SRV(testQuery, "gone.convoy.internal", nobody.Port())
	testkit.Eventually(t, "a line for the missing node", func() bool {
		return strings.Contains(a.log.String(), "a node in dns is not a member") &&
			strings.Contains(a.log.String(), "addr=[::1]:1 ")
	})
}

// Nodes separated for so long that gossip has given up find each other again by name, even if the polled name is gone
// from DNS.
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
