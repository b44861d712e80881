// Package push sends messages to browsers that show no page: Web Push (RFC 8030, 8291, 8292). It keeps the key by which
// push services know this node, and the subscriptions of browsers, one for each login.
package push

import (
	"crypto/ecdh"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/SherClockHolmes/webpush-go"

	"convoy/access"
)

const (
	maxSubscriptions = 1024 // of all logins
	maxOfUser        = 16
	maxEndpoint      = 1024 // bytes
	authBytes        = 16
)

var (
	// ErrMany means that there are too many subscriptions of the user, or of all.
	ErrMany = errors.New("too many browsers get notifications")
	// ErrSubscription means that a subscription is not what a browser makes.
	ErrSubscription = errors.New("not a push subscription")
)

// Subscription is where the browser of a login gets messages, and how they are encrypted for it.
type Subscription struct {
	By       access.Identity `json:"by"` // with the grant of the login
	Endpoint string          `json:"endpoint"`
	P256DH   string          `json:"p256dh"` // the browser's public key, as base64url; so is Auth
	Auth     string          `json:"auth"`
	// Contact is an https URL of this console for the operator of the push service; "": none.
	Contact string    `json:"contact,omitempty"`
	Made    time.Time `json:"made"`
}

// check refuses what no browser makes. The address is checked when it is connected to.
func (s Subscription) check() error {
	u, err := url.Parse(s.Endpoint)
	if err != nil || len(s.Endpoint) > maxEndpoint || u.Scheme != "https" || u.Hostname() == "" || u.User != nil {
		return fmt.Errorf("the endpoint is not an https URL: %w", ErrSubscription)
	}
	key, err := base64.RawURLEncoding.DecodeString(s.P256DH)
	if err == nil {
		_, err = ecdh.P256().NewPublicKey(key)
	}
	if err != nil {
		return fmt.Errorf("p256dh is not a public key: %w", ErrSubscription)
	}
	if auth, err := base64.RawURLEncoding.DecodeString(s.Auth); err != nil || len(auth) != authBytes {
		return fmt.Errorf("auth is not %d bytes: %w", authBytes, ErrSubscription)
	}
	return nil
}

// stored is the content of the file.
type stored struct {
	Private       string         `json:"private"` // VAPID keys, as base64url
	Public        string         `json:"public"`
	Subscriptions []Subscription `json:"subscriptions,omitempty"`
}

// Sender keeps subscriptions and sends messages to them. Its methods may be called concurrently.
type Sender struct {
	// Client sends the requests. New returns one that connects to public addresses only.
	Client *http.Client

	file   string
	log    *slog.Logger
	queues [workers]chan job // each browser has one of them, which keeps the order
	pause  time.Duration     // before the second try

	mu      sync.Mutex
	keys    stored                  // without the subscriptions
	byGrant map[string]Subscription // by the id of the login
}

// Open reads the file of a node, or makes one with a new key; "" keeps both in memory. anywhere permits push services
// at private addresses. Messages are sent while Run runs.
func Open(file string, anywhere bool, log *slog.Logger) (*Sender, error) {
	s := &Sender{
		Client: newClient(anywhere), file: file, log: log,
		pause: pause, byGrant: map[string]Subscription{},
	}
	for i := range s.queues {
		s.queues[i] = make(chan job, queued)
	}
	text, err := os.ReadFile(file)
	switch {
	case file == "" || errors.Is(err, fs.ErrNotExist):
		if s.keys.Private, s.keys.Public, err = webpush.GenerateVAPIDKeys(); err != nil {
			return nil, fmt.Errorf("make the key of notifications: %w", err)
		}
		return s, s.store()
	case err != nil:
		return nil, err
	}
	if err := json.Unmarshal(text, &s.keys); err != nil || s.keys.Private == "" || s.keys.Public == "" {
		return nil, fmt.Errorf("%s has no key of notifications", filepath.Base(file))
	}
	for _, one := range s.keys.Subscriptions {
		s.byGrant[one.By.Grant] = one
	}
	s.keys.Subscriptions = nil
	return s, nil
}

// PublicKey is the key that browsers subscribe with, as base64url.
func (s *Sender) PublicKey() string { return s.keys.Public }

// Put adds the subscription of a login, or replaces it.
func (s *Sender) Put(one Subscription) error {
	if err := one.check(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	before, replaces := s.byGrant[one.By.Grant]
	own := 0
	for _, other := range s.byGrant {
		if other.By.User == one.By.User {
			own++
		}
	}
	if !replaces && (own >= maxOfUser || len(s.byGrant) >= maxSubscriptions) {
		return ErrMany
	}
	s.byGrant[one.By.Grant] = one
	if err := s.store(); err != nil {
		delete(s.byGrant, one.By.Grant)
		if replaces {
			s.byGrant[one.By.Grant] = before
		}
		return err
	}
	return nil
}

// Remove removes the subscriptions of logins. One that cannot be removed from the file is removed in memory.
func (s *Sender) Remove(grants ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := len(s.byGrant)
	for _, grant := range grants {
		delete(s.byGrant, grant)
	}
	if len(s.byGrant) == before {
		return
	}
	if err := s.store(); err != nil {
		s.log.Warn("a removed subscription stays in the file", "err", err)
	}
}

// Has reports whether a login has a subscription.
func (s *Sender) Has(grant string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ok := s.byGrant[grant]
	return ok
}

// All returns all subscriptions, in the order in which they were made.
func (s *Sender) All() []Subscription {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.all()
}

func (s *Sender) all() []Subscription {
	return slices.SortedFunc(maps.Values(s.byGrant), func(a, b Subscription) int {
		if order := a.Made.Compare(b.Made); order != 0 {
			return order
		}
		return strings.Compare(a.By.Grant, b.By.Grant)
	})
}

// store replaces the file. The caller holds the lock.
func (s *Sender) store() error {
	if s.file == "" {
		return nil
	}
	all := s.keys
	all.Subscriptions = s.all()
	text, err := json.Marshal(all)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(s.file), 0o700); err != nil {
		return err
	}
	next := s.file + ".new"
	if err := os.WriteFile(next, text, 0o600); err != nil {
		return err
	}
	return os.Rename(next, s.file)
}
