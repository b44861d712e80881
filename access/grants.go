package access

import (
	"cmp"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"go.etcd.io/bbolt"
)

const (
	// maxGrants bounds the number of grants; beyond it the least recently used logins are dropped from the list.
	maxGrants = 4000
	// maxGrantText bounds each text of a grant, in bytes.
	maxGrantText = 200
	// maxHomeText bounds the name of the home node, in bytes.
	maxHomeText = 300
	// spareBytes is the free space kept in the file for revocations.
	spareBytes = 256 << 10
	// TokenPrefix is the prefix of each API token.
	TokenPrefix = "convoy_"
)

// ErrNoGrant means that there is no such login or token.
var ErrNoGrant = errors.New("there is no such login or token")

// Kind is the kind of a grant.
type Kind string

// The kinds of grants.
const (
	Login      Kind = "login" // of a browser
	Token      Kind = "token" // of a script
	Revocation Kind = "cut"   // revokes all earlier logins of its user
)

// Grant is a login, an API token, or a revocation. It is immutable except for LastUsed, which grows, and Revoked, which
// is set once, so nodes can merge grants in any order.
type Grant struct {
	ID         string    `json:"id"`
	Kind       Kind      `json:"kind"`
	Name       string    `json:"name,omitempty"` // of a token
	User       string    `json:"user"`
	Role       Role      `json:"role"`
	Home       string    `json:"home,omitempty"` // as in Identity, like Generation
	Generation string    `json:"gen,omitempty"`
	Hash       []byte    `json:"sum,omitempty"`   // SHA-256 of a token
	Addr       string    `json:"addr,omitempty"`  // of the client that created it
	Agent      string    `json:"agent,omitempty"` // User-Agent of the browser
	Created    time.Time `json:"made"`
	LastUsed   time.Time `json:"seen"` // precise to an hour
	Expires    time.Time `json:"expires"`
	Revoked    time.Time `json:"ended"` // zero: not revoked
}

// Identity returns the identity of requests with this token.
func (g Grant) Identity() Identity {
	return Identity{
		User:       g.User,
		Role:       g.Role,
		MaxRole:    g.Role,
		Home:       g.Home,
		Generation: g.Generation,
		Grant:      g.ID,
		NotAfter:   g.Expires,
	}
}

// Active reports whether a grant is neither revoked nor expired.
func (g Grant) Active(now time.Time) bool { return g.Revoked.IsZero() && now.Before(g.Expires) }

// check validates a grant from another node.
func (g Grant) check() error {
	for _, text := range []string{g.ID, g.Name, g.User, g.Home, g.Generation, g.Addr, g.Agent} {
		if len(text) > maxGrantText && text != g.Home || len(text) > maxHomeText || !printable(text) {
			return fmt.Errorf("a grant has the invalid text %.20q", text)
		}
	}
	badHash := len(g.Hash) > sha256.Size || g.Kind == Token && len(g.Hash) != sha256.Size
	if g.ID == "" || badHash || !slices.Contains([]Kind{Login, Token, Revocation}, g.Kind) {
		return errors.New("invalid grant")
	}
	return nil
}

func printable(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f })
}

// Grants is the cluster's logins and tokens, as far as this node knows. Nodes exchange them (Merge). It is safe for
// concurrent use. What a method writes survives a crash.
type Grants struct {
	db *bbolt.DB // nil: in memory only

	mu    sync.Mutex
	known map[string]Grant
}

var bucket = []byte("grants")

// OpenGrants opens a node's file and creates it if necessary; "" keeps grants in memory only. If another process has
// the file open, it fails after a second. Logins are kept only if the cluster's cookie, which signs them, has not
// changed.
func OpenGrants(path string, sameCookie bool) (*Grants, error) {
	g := &Grants{known: map[string]Grant{}}
	if path == "" {
		return g, nil
	}
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{Timeout: time.Second})
	if err != nil {
		return nil, err
	}
	g.db = db
	stored, stale, err := g.load(sameCookie)
	if err == nil {
		err = g.prepare(stale)
	}
	// On a full disk, only what must be written fails.
	if full := stored && errors.Is(err, syscall.ENOSPC); err != nil && !full {
		return nil, errors.Join(err, db.Close())
	}
	return g, nil
}

// load reads the file. stale are the keys of entries that no longer count; stored reports whether there was a list.
func (g *Grants) load(sameCookie bool) (stored bool, stale [][]byte, err error) {
	err = g.db.View(func(tx *bbolt.Tx) error {
		b := tx.Bucket(bucket)
		if stored = b != nil; !stored {
			return nil
		}
		return b.ForEach(func(key, value []byte) error {
			var one Grant
			if json.Unmarshal(value, &one) == nil && one.check() == nil && (sameCookie || one.Kind == Token) {
				g.known[one.ID] = one
			} else {
				stale = append(stale, slices.Clone(key))
			}
			return nil
		})
	})
	return stored, stale, err
}

// prepare removes stale entries and makes room for new ones.
func (g *Grants) prepare(stale [][]byte) error {
	err := g.db.Update(func(tx *bbolt.Tx) error {
		b, err := tx.CreateBucketIfNotExists(bucket)
		for _, key := range stale {
			err = errors.Join(err, b.Delete(key))
		}
		return err
	})
	return errors.Join(err, g.reserveSpace())
}

// reserveSpace grows the file, so that a revocation can be written when the disk is full.
func (g *Grants) reserveSpace() error {
	name := []byte("room")
	if err := g.db.Update(func(tx *bbolt.Tx) error {
		b, err := tx.CreateBucketIfNotExists(name)
		if err != nil {
			return err
		}
		return b.Put(name, make([]byte, spareBytes))
	}); err != nil {
		return err
	}
	return g.db.Update(func(tx *bbolt.Tx) error { return tx.DeleteBucket(name) })
}

// Close closes the file.
func (g *Grants) Close() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.db == nil {
		return nil
	}
	return g.db.Close()
}

// NewToken returns a new token and its grant, which has only the token's hash.
func NewToken(name string, who Identity, now, expires time.Time) (text string, grant Grant) {
	text = TokenPrefix + rand.Text() // 130 bits, so an unsalted hash is enough
	sum := sha256.Sum256([]byte(text))
	return text, Grant{
		ID:         tokenID(sum[:]),
		Kind:       Token,
		Name:       name,
		User:       who.User,
		Role:       who.Role,
		Home:       who.Home,
		Generation: who.Generation,
		Hash:       sum[:],
		Created:    now,
		LastUsed:   now,
		Expires:    expires,
	}
}

func tokenID(sum []byte) string { return "token-" + hex.EncodeToString(sum[:8]) }

// FindToken returns the grant of an active token.
func (g *Grants) FindToken(text string, now time.Time) (Grant, bool) {
	found, ok := g.lookupToken(text)
	return found, ok && found.Active(now)
}

// KnowsToken reports whether a token was issued in this cluster, even if it has been revoked since. Such a token is no
// guess.
func (g *Grants) KnowsToken(text string) bool {
	_, ok := g.lookupToken(text)
	return ok
}

// lookupToken returns the grant of a token, active or not.
func (g *Grants) lookupToken(text string) (Grant, bool) {
	sum := sha256.Sum256([]byte(text))
	g.mu.Lock()
	defer g.mu.Unlock()
	found, ok := g.known[tokenID(sum[:])]
	return found, ok && found.Kind == Token && subtle.ConstantTimeCompare(found.Hash, sum[:]) == 1
}

// IsRevoked reports whether a login was revoked, by itself or with all of its user's logins. For a token, Created is
// zero. A login that this node does not know is valid, because it is signed.
func (g *Grants) IsRevoked(id Identity) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return !g.known[id.Grant].Revoked.IsZero() || !id.Created.IsZero() && g.loggedOut(id.User, id.Generation, id.Created)
}

// loggedOut reports whether a revocation covers a login of that generation of the user. g.mu must be held.
func (g *Grants) loggedOut(user, generation string, made time.Time) bool {
	for _, id := range []string{revocationID(user, ""), revocationID(user, generation)} {
		if revocation, ok := g.known[id]; ok && !made.After(revocation.Created) {
			return true
		}
	}
	return false
}

// revocationID returns the id of a revocation; a later one replaces it. Without a generation it covers every user of
// that name.
func revocationID(user, generation string) string {
	if generation == "" {
		return "cut-" + user
	}
	return "cut-" + user + " " + generation
}

// Get returns a grant, or ErrNoGrant.
func (g *Grants) Get(id string) (Grant, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if one, ok := g.known[id]; ok {
		return one, nil
	}
	return Grant{}, ErrNoGrant
}

// List returns the active logins or tokens, the most recently used first.
func (g *Grants) List(kind Kind, now time.Time) (list []Grant) {
	for _, one := range g.All() {
		id := one.Identity()
		if kind == Login {
			id.Created = one.Created
		}
		if one.Kind == kind && one.Active(now) && !g.IsRevoked(id) {
			list = append(list, one)
		}
	}
	slices.SortStableFunc(list, func(a, b Grant) int {
		return cmp.Or(b.LastUsed.Compare(a.LastUsed), b.Created.Compare(a.Created), strings.Compare(a.ID, b.ID))
	})
	return list
}

// All returns all known grants, sorted by ID, including revoked ones. Expired ones are removed by Merge.
func (g *Grants) All() (list []Grant) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.SortedFunc(maps.Values(g.known), func(a, b Grant) int { return strings.Compare(a.ID, b.ID) })
}

// Digest returns a hash that is equal on nodes with equal grants.
func (g *Grants) Digest() string {
	text, _ := json.Marshal(g.All()) //nolint:errcheck // strings and times always marshal
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// NewRevocation revokes all logins of a user that began before now, including those that no node knows. Without a
// generation it covers every user of that name, on any node. life is how long a login lasts.
func NewRevocation(user, generation string, now time.Time, life time.Duration) Grant {
	return Grant{
		ID:         revocationID(user, generation),
		Kind:       Revocation,
		User:       user,
		Generation: generation,
		Created:    now,
		LastUsed:   now,
		Expires:    now.Add(life),
	}
}

// Merge merges grants from another node, or from this one, and returns those that changed. Expired grants are ignored.
// If the file cannot be written, revocations still count while this process runs, and the other grants are dropped.
func (g *Grants) Merge(received []Grant, now time.Time) (changed []Grant, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	next := map[string]Grant{}
	for _, one := range received {
		if err := one.check(); err != nil {
			return nil, err
		}
		old, ok := g.known[one.ID]
		if merged := merge(old, one); !now.After(one.Expires) && (!ok || !equal(old, merged)) {
			next[one.ID] = merged
			changed = append(changed, merged)
		}
	}
	if len(next) == 0 {
		return nil, nil
	}
	evicted := g.evictable(next, now)
	writeErr := g.write(next, evicted)
	if writeErr != nil {
		maps.DeleteFunc(next, func(_ string, one Grant) bool { return one.Kind != Revocation && one.Revoked.IsZero() })
		changed = slices.DeleteFunc(changed, func(one Grant) bool { return next[one.ID].ID == "" })
		evicted = nil
	}
	maps.Copy(g.known, next)
	for _, id := range evicted {
		delete(g.known, id)
	}
	return changed, writeErr
}

// merge combines two versions of a grant. The zero Grant is unknown.
func merge(a, b Grant) Grant {
	if a.ID == "" {
		return b
	}
	if a.Kind == Revocation && b.Kind == Revocation { // the later one covers more
		if b.Created.After(a.Created) {
			return b
		}
		return a
	}
	if b.LastUsed.After(a.LastUsed) {
		a.LastUsed = b.LastUsed
	}
	if a.Revoked.IsZero() || !b.Revoked.IsZero() && b.Revoked.Before(a.Revoked) {
		a.Revoked = b.Revoked
	}
	return a
}

func equal(a, b Grant) bool {
	return a.LastUsed.Equal(b.LastUsed) && a.Revoked.Equal(b.Revoked) && a.Created.Equal(b.Created)
}

// evictable returns the ids of expired grants, and of the least recently used logins if there are too many. Revoked
// logins stay, so that they do not become valid again.
func (g *Grants) evictable(next map[string]Grant, now time.Time) (evicted []string) {
	var logins []Grant
	for id, one := range g.known {
		switch {
		case now.After(one.Expires):
			evicted = append(evicted, id)
		case one.Kind == Login && one.Revoked.IsZero() && next[id].ID == "":
			logins = append(logins, one)
		}
	}
	over := min(len(g.known)+len(next)-len(evicted)-maxGrants, len(logins))
	if over <= 0 {
		return evicted
	}
	rank := func(a Grant) int { // a revocation covers these anyway
		if g.loggedOut(a.User, a.Generation, a.Created) {
			return 0
		}
		return 1
	}
	slices.SortFunc(logins, func(a, b Grant) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), a.LastUsed.Compare(b.LastUsed))
	})
	for _, one := range logins[:over] {
		evicted = append(evicted, one.ID)
	}
	return evicted
}

func (g *Grants) write(next map[string]Grant, evicted []string) error {
	if g.db == nil {
		return nil
	}
	return g.db.Update(func(tx *bbolt.Tx) error {
		b := tx.Bucket(bucket)
		for _, id := range evicted {
			if err := b.Delete([]byte(id)); err != nil {
				return err
			}
		}
		for id, one := range next {
			value, err := json.Marshal(one)
			if err != nil {
				return err
			}
			if err := b.Put([]byte(id), value); err != nil {
				return err
			}
		}
		return nil
	})
}
