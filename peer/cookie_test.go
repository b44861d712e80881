package peer

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"convoy/fleet"
	"convoy/internal/dnstest"
	"convoy/internal/testkit"
)

func TestCheckCookie(t *testing.T) {
	t.Parallel()
	tests := []struct{ cookie, reason string }{
		{"", "empty"},
		{cookieA + ",", "cookie 2 of the list is empty"},
		{"super-secret-cookie", "published"},
		{"my-super-secret-cookie-is-longer-now", "published"},
		{"kd83hF92kdLw0", "13 characters"},
		{strings.Repeat("ab", 40), "different characters"},
		{strings.Repeat("1234567890", 4), "repeats"},
		{"abcdefghijklmnopqrstuvwxyz0123456789", "neighbouring"},
		{"R7fGq2LxVb9TzKd4 WmYc8HsNp3JtXe6Q", "space"},
		{"R7fGq2LxVb9TzKd4WmYc8HsNp3JtXe6é", "printable"},
		{strings.Repeat("x", maxCookieChars+1), "longer"},
		{cookieA, ""},
		{cookieA + ", " + cookieB, ""},
		{cookieA + "\n", ""}, // as read from a file
		{"9f86d081884c7d659a2feaa0c55ad015", ""},
		{NewCookie(), ""},
	}
	for _, test := range tests {
		err := CheckCookie(test.cookie)
		switch {
		case test.reason == "" && err != nil:
			t.Errorf("CheckCookie(%q) = %v", test.cookie, err)
		case test.reason != "" && (!errors.Is(err, ErrWeakCookie) || !strings.Contains(err.Error(), test.reason)):
			t.Errorf("CheckCookie(%q) = %v, want %q", test.cookie, err, test.reason)
		case err != nil && len(test.cookie) > 4 && strings.Contains(err.Error(), test.cookie):
			t.Errorf("the error contains the cookie: %v", err)
		}
	}
	for range 1000 {
		if err := CheckCookie(NewCookie()); err != nil {
			t.Fatalf("NewCookie made one that CheckCookie refuses: %v", err)
		}
	}
}

// Keys are part of the protocol: all versions must derive the same.
func TestKey(t *testing.T) {
	t.Parallel()
	if got, want := hex.EncodeToString(
		Key(cookieA, "gossip"),
	), "5ec951fb76c4f0f051f90dae59e26a80ed0d6e0e6b5df0c0bf24f4cb7237e4de"; got != want {
		t.Errorf("gossip key is %s, want %s", got, want)
	}
	if bytes.Equal(Key(cookieA, "gossip"), Key(cookieA, "session")) ||
		bytes.Equal(Key(cookieA, "ca"), Key(cookieB, "ca")) {
		t.Error("keys of different purposes or cookies are the same")
	}
	if !bytes.Equal(Key(cookieA+","+cookieB, "session"), Key(cookieA, "session")) {
		t.Error("of a list the first cookie counts")
	}
}

func TestCookie(t *testing.T) {
	t.Parallel()
	if _, err := New(Config{Name: "convoy@a", Cookie: "super-secret-cookie"}); !errors.Is(err, ErrWeakCookie) {
		t.Errorf("New with a weak cookie: %v", err)
	}
	dns := dnstest.New(t)
	var requests atomic.Int32
	a := startNode(t, "a.convoy.internal", http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		requests.Add(1)
	}), polling(dns))
	stranger := startNode(t, "stranger.convoy.internal", nil, withCookie(cookieB), polling(dns))
	announce(dns, a, stranger)
	const refused = "refused: the other side does not have this cluster's cookie"
	testkit.Eventually(t, "both refuse", func() bool {
		return strings.Contains(a.log.String(), refused) && strings.Contains(stranger.log.String(), refused)
	})
	if err := stranger.Connect(t.Context(), a.addr().String()); !errors.Is(err, ErrWrongCookie) {
		t.Errorf("Connect with another cookie: %v, want ErrWrongCookie", err)
	}
	for range 5 {
		dialAs(t, stranger, a)
	}
	if n := requests.Load(); n > 0 {
		t.Errorf("%d requests of a stranger reached the handler", n)
	}
	if len(a.Members()) != 1 || len(stranger.Members()) != 1 {
		t.Errorf("members: %v and %v", states(a.Members()), states(stranger.Members()))
	}
	if n := strings.Count(a.log.String(), refused); n != 1 {
		t.Errorf("%d lines for one address:\n%s", n, a.log)
	}
	if !strings.Contains(a.log.String(), "addr=[::1]:") {
		t.Errorf("the line lacks the address:\n%s", a.log)
	}
	testkit.Eventually(
		t, "poll says why", func() bool { return strings.Contains(stranger.log.String(), ErrWrongCookie.Error()) },
	)
	if strings.Contains(a.log.String()+stranger.log.String(), cookieA) {
		t.Error("a cookie is in the log")
	}
}

// dialAs sends a request to a node's call port with another node's identity.
func dialAs(t *testing.T, from, to *testNode) {
	t.Helper()
	config := from.identity.client(to.Instance())
	config.InsecureSkipVerify = true // a stranger would accept anything
	config.VerifyConnection = nil
	transport := &http.Transport{TLSClientConfig: config, Protocols: onlyHTTP2()}
	defer transport.CloseIdleConnections()
	ctx, cancel := context.WithTimeout(t.Context(), testkit.Patience)
	defer cancel()
	r, _ := http.NewRequestWithContext(ctx, http.MethodPost, "https://"+to.callAddr()+"/x", strings.NewReader("hello"))
	if answer, err := transport.RoundTrip(r); err == nil {
		answer.Body.Close()
		t.Errorf("a stranger got an answer: %v", answer.Status)
	}
}

func (n *testNode) callAddr() string { return n.Members()[0].CallAddr.String() }

// Without the cookie, no byte reaches the handler, in any protocol.
func TestNoStrangersByteReachesTheHandler(t *testing.T) {
	t.Parallel()
	var requests atomic.Int32
	a := startNode(t, "a.example", http.HandlerFunc(func(http.ResponseWriter, *http.Request) { requests.Add(1) }))
	other := newNode(t, "other.example", withCookie(cookieB))
	same := newNode(t, "same.example")
	const request = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"
	clients := map[string]func(net.Conn) net.Conn{
		"plain": func(c net.Conn) net.Conn { return c },
		"tls without certificate": func(c net.Conn) net.Conn {
			return tls.Client(c, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}})
		},
		"tls 1.2": func(c net.Conn) net.Conn {
			return tls.Client(c, &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS12, NextProtos: []string{"h2"}})
		},
		"another cookie": func(c net.Conn) net.Conn {
			config := other.identity.client(a.Instance())
			config.InsecureSkipVerify, config.VerifyConnection = true, nil
			return tls.Client(c, config)
		},
		"a member without h2": func(c net.Conn) net.Conn {
			config := same.identity.client(a.Instance())
			config.NextProtos, config.VerifyConnection = nil, nil
			return tls.Client(c, config)
		},
		"a member with http/1.1": func(c net.Conn) net.Conn {
			config := same.identity.client(a.Instance())
			config.NextProtos, config.VerifyConnection = []string{"http/1.1"}, nil
			return tls.Client(c, config)
		},
	}
	for name, wrap := range clients {
		raw, err := net.Dial("tcp", a.callAddr())
		if err != nil {
			t.Fatal(err)
		}
		raw.SetDeadline(time.Now().Add(testkit.Patience))
		conn := wrap(raw)
		io.WriteString(conn, request)
		answer, _ := bufio.NewReader(conn).ReadString('\n')
		if answer != "" && !strings.HasPrefix(answer, "HTTP/1.0 400") && !strings.HasPrefix(answer, "\x15\x03") {
			t.Errorf("%s: answered %q", name, answer)
		}
		raw.Close()
	}
	if n := requests.Load(); n > 0 {
		t.Errorf("%d requests reached the handler", n)
	}
}

// An address may belong to another node tomorrow: the caller verifies whom it has reached.
func TestCallerChecksTheInstance(t *testing.T) {
	t.Parallel()
	a, b := pair(t, sayName("b"))
	imposter := startNode(t, "c.example", sayName("c"))
	member, _ := a.roster.get(b.Instance())
	member.CallAddr = imposter.Members()[0].CallAddr
	a.roster.setAlive(member)
	got, err := get(t, a, b.self.Name, "/")
	if !errors.Is(err, ErrUnreachable) || !strings.Contains(err.Error(), "certificate is valid for "+imposter.Instance()) {
		t.Errorf("at another node's address: %q, %v", got, err)
	}
}

// A cookie is replaced by rolling restarts; at each step all nodes accept each other.
func TestCookieRotation(t *testing.T) {
	t.Parallel()
	const old, new = cookieA, cookieB
	rounds := [][2]string{
		{old, old + "," + new},
		{old + "," + new, new + "," + old},
		{new + "," + old, new},
	}
	for _, round := range rounds {
		a := startNode(t, "a.example", sayName("a"), withCookie(round[0]))
		b := startNode(t, "b.example", sayName("b"), withCookie(round[1]))
		mustConnect(t, a, b)
		a.sees(t, fleet.MemberAlive, b)
		b.sees(t, fleet.MemberAlive, a)
		for _, way := range [][2]*testNode{{a, b}, {b, a}} {
			if _, err := get(t, way[0], way[1].self.Name, "/"); err != nil {
				t.Errorf("%s → %s: %v", way[0].self.Name, way[1].self.Name, err)
			}
		}
	}
}
