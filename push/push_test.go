package push

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"convoy/access"
	"convoy/internal/pushtest"
	"convoy/internal/testkit"
)

// open opens a Sender whose file is at path, and which trusts the service.
func open(t *testing.T, path string, service *pushtest.Service) *Sender {
	t.Helper()
	s, err := Open(path, false, slog.New(slog.DiscardHandler))
	testkit.Must(t, err)
	if service != nil {
		s.Client = service.Client()
		s.Client.CheckRedirect = newClient(false).CheckRedirect
	}
	s.pause = time.Millisecond
	return s
}

// run runs a Sender until the end of the test.
func run(t *testing.T, s *Sender) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		s.Run(ctx)
	}()
	t.Cleanup(func() { cancel(); <-ended })
}

func of(b *pushtest.Browser, grant string) Subscription {
	return Subscription{
		By: access.Identity{User: "ann", Role: access.Viewer, Grant: grant}, Endpoint: b.Endpoint, P256DH: b.P256DH(),
		Auth: b.Auth(), Contact: "https://console.example.org", Made: time.Unix(1e9, 0).UTC(),
	}
}

// A browser decrypts what is sent, from a sender whose key it knows, also after a restart.
func TestSender_BrowserDecrypts(t *testing.T) {
	t.Parallel()
	service, file := pushtest.New(t), filepath.Join(t.TempDir(), "access", "node.push")
	first := open(t, file, service)
	browser := service.Subscribe(first.PublicKey())
	testkit.Must(t, first.Put(of(browser, "one")))
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file is %v: %v", info.Mode(), err)
	}
	s := open(t, file, service)
	if s.PublicKey() != first.PublicKey() || len(s.All()) != 1 || !s.Has("one") {
		t.Fatalf("after a restart: another key, or the subscriptions %v", s.All())
	}
	run(t, s)
	for _, text := range []string{"Über 14 files? [y/N]", strings.Repeat("x", MaxText)} {
		s.Send(s.All()[0], Message{Text: []byte(text), Topic: "topic", Urgent: text[0] != 'x'})
		got := <-service.Got
		contact := of(browser, "one").Contact
		if string(got.Text) != text || got.TTL != "3600" || got.Topic != "topic" || got.Subject != contact {
			t.Errorf("got %q, %+v", got.Text, got)
		}
		if want := map[bool]string{true: "high", false: "normal"}[text[0] != 'x']; got.Urgency != want {
			t.Errorf("urgency %s, want %s", got.Urgency, want)
		}
	}
}

// A subscription that the service no longer knows is removed; a service that fails is asked again; a redirect is not
// followed.
func TestSender_Answers(t *testing.T) {
	t.Parallel()
	service := pushtest.New(t)
	s := open(t, "", service)
	run(t, s)
	browser := service.Subscribe(s.PublicKey())
	service.Answer(503, 429)
	testkit.Must(t, s.Put(of(browser, "one")))
	s.Send(s.All()[0], Message{Text: []byte("third")})
	if got := <-service.Got; string(got.Text) != "third" {
		t.Errorf("got %q", got.Text)
	}
	for _, gone := range []int{404, 410} {
		one := of(browser, fmt.Sprint(gone))
		testkit.Must(t, s.Put(one))
		service.Answer(gone)
		s.Send(one, Message{Text: []byte("never")})
		testkit.Eventually(t, one.By.Grant+" removes a subscription", func() bool { return !s.Has(one.By.Grant) })
	}
	service.Answer(307)
	s.Send(s.All()[0], Message{Text: []byte("redirected")})
	s.Send(s.All()[0], Message{Text: []byte("next")})
	if got := <-service.Got; string(got.Text) != "next" || !s.Has("one") {
		t.Errorf("after a redirect: %q", got.Text)
	}
}

// Users choose the address: only port 443 of a public one is connected to, and what is no subscription is refused.
func TestSender_Addresses(t *testing.T) {
	t.Parallel()
	service := pushtest.New(t)
	s := open(t, "", nil)
	run(t, s)
	one := of(service.Subscribe(s.PublicKey()), "one")
	testkit.Must(t, s.Put(one))
	if again, err := s.try(t.Context(), job{to: one}); again || !errors.Is(err, errPrivate) {
		t.Errorf("a loopback address: %v, %v", again, err)
	}
	for addr, want := range map[string]bool{
		"127.0.0.1": false, "::1": false, "10.1.2.3": false, "192.168.1.1": false, "169.254.169.254": false, "0.0.0.0": false,
		"100.64.0.1": false, "fd12::1": false, "fe80::1%eth0": false, "::ffff:127.0.0.1": false, "64:ff9b::7f00:1": false,
		"64:ff9b::a01:203": false, "2002:7f00:1::": false, "224.0.0.1": false, "255.255.255.255": false, "::": false,
		"142.250.1.1": true, "2a00:1450::1": true, "64:ff9b::8efa:101": true,
	} {
		if public(netip.MustParseAddr(addr)) != want {
			t.Errorf("%s is public: %v, want %v", addr, !want, want)
		}
	}
	for name, change := range map[string]func(*Subscription){
		"http":       func(s *Subscription) { s.Endpoint = "http://example.org/push" },
		"file":       func(s *Subscription) { s.Endpoint = "file:///etc/passwd" },
		"a password": func(s *Subscription) { s.Endpoint = "https://me:secret@example.org/push" },
		"no host":    func(s *Subscription) { s.Endpoint = "https:///push" },
		"long":       func(s *Subscription) { s.Endpoint += strings.Repeat("x", maxEndpoint) },
		"no point":   func(s *Subscription) { s.P256DH = strings.Repeat("A", 87) },
		"short auth": func(s *Subscription) { s.Auth = "AAAA" },
	} {
		bad := one
		change(&bad)
		if err := s.Put(bad); !errors.Is(err, ErrSubscription) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSender_Bounds(t *testing.T) {
	t.Parallel()
	service := pushtest.New(t)
	s := open(t, "", service)
	browser := service.Subscribe(s.PublicKey())
	for i := range maxOfUser {
		testkit.Must(t, s.Put(of(browser, fmt.Sprint(i))))
	}
	testkit.Must(t, s.Put(of(browser, "0"))) // again
	if err := s.Put(of(browser, "one more")); !errors.Is(err, ErrMany) {
		t.Errorf("one more: %v", err)
	}
	other := of(browser, "another user's")
	other.By.User = "bea"
	testkit.Must(t, s.Put(other))
	for range 2 * queued { // it does not run
		s.Send(other, Message{})
	}
	s.Remove("0", "nosuch")
	if s.Has("0") || len(s.All()) != maxOfUser {
		t.Errorf("after a removal: %d", len(s.All()))
	}
}

// A file that is broken is not replaced: it would end all subscriptions.
func TestOpen_BrokenFile(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "node.push")
	testkit.Must(t, os.WriteFile(file, []byte(`{"private":`), 0o600))
	if _, err := Open(file, false, slog.New(slog.DiscardHandler)); err == nil {
		t.Error("it is taken")
	}
	if text, err := os.ReadFile(file); err != nil || string(text) != `{"private":` {
		t.Errorf("it is %q now: %v", text, err)
	}
}
