package peer

import (
	"errors"
	"fmt"
	"net"
	"testing"

	"convoy/fleet"
	"convoy/internal/dnstest"
	"convoy/internal/testkit"
)

// TryJoin tells what DNS answers and what each address does, with real nodes behind the addresses.
func TestTryJoin(t *testing.T) {
	t.Parallel()
	dns := dnstest.New(t)
	a := startNode(t, "a.convoy.internal", nil, polling(dns))
	closed, err := net.Listen("tcp", "[::1]:0")
	testkit.Must(t, err)
	closed.Close()
	refusing := closed.Addr().(*net.TCPAddr).AddrPort()
	dns.Addr("refusing.convoy.internal", refusing.Addr())
	dns.SRV(testQuery, "refusing.convoy.internal", refusing.Port())
	silent := listenSilently(t)
	dns.Addr("silent.convoy.internal", silent.Addr())
	dns.SRV(testQuery, "silent.convoy.internal", silent.Port())
	stranger := startNode(t, "stranger.convoy.internal", nil, withCookie(cookieB))
	friend := startNode(t, "friend.convoy.internal", nil)
	announce(dns, a, stranger)
	dns.Addr("other.convoy.internal", a.addr().Addr())
	dns.SRV(testQuery, "other.convoy.internal", a.addr().Port())
	for _, c := range []struct {
		host, tried string
		err         error
	}{
		{"missing", "DNS has no address for missing.convoy.internal", ErrUnknownNode},
		{"refusing", fmt.Sprintf("DNS answers %v (it refuses connections)", refusing), ErrUnreachable},
		{"silent", fmt.Sprintf("DNS answers %v (it does not answer)", silent), ErrUnreachable},
		{"stranger", fmt.Sprintf("DNS answers %v (it has a different cookie)", stranger.addr()), ErrWrongCookie},
		{"other", fmt.Sprintf("DNS answers %v (another node)", a.addr()), ErrUnreachable},
	} {
		tried, err := a.TryJoin(t.Context(), "convoy@"+c.host+".convoy.internal")
		if tried != c.tried || !errors.Is(err, c.err) {
			t.Errorf("%s: %q, %v; want %q, %v", c.host, tried, err, c.tried, c.err)
		}
	}
	announce(dns, friend)
	if tried, err := a.TryJoin(t.Context(), friend.self.Name); tried != "" || err != nil {
		t.Errorf("a node that only has to be asked: %q, %v", tried, err)
	}
	a.sees(t, fleet.MemberAlive, friend)
	dns.Silence(true)
	tried, err := a.TryJoin(t.Context(), "convoy@missing.convoy.internal")
	if tried != "DNS does not answer" || !errors.Is(err, ErrUnreachable) {
		t.Errorf("silent DNS: %q, %v", tried, err)
	}
}
