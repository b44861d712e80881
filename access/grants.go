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
	"time"

	"go.etcd.io/bbolt"
)

const (
	// maxGrants bounds what is kept; beyond it the logins that were used longest ago are not listed any more.
	maxGrants = 4000
	// maxGrantText bounds each text of a grant, in bytes.
	maxGrantText = 200
	// maxHomeText bounds the name of a node in it.
	maxHomeText = 300
	// spareBytes is what the file has to spare for ends.
	spareBytes = 256 << 10
	// TokenPrefix begins each API token.
	TokenPrefix = "convoy_"
)

// ErrNoGrant says that there is no such login or token.
var ErrNoGrant = errors.New("there is no such login or token")

// Kind says what a grant is.
type Kind string

// The kinds of grants.
const (
	Login      Kind = "login" // of a browser
	Token      Kind = "token" // of a script
	Revocation Kind = "cut"   // ends all logins of its user that began before it
)

// Grant is by what somebody may ask. What is in it never changes, but for Seen, which grows, and Ended, which is set
// once: so what two nodes know can be merged in any order.
type Grant struct {
	ID         string    `json:"id"`
	Kind       Kind      `json:"kind"`
	Name       string    `json:"name,omitempty"` // of a token
	User       string    `json:"user"`
	Role       Role      `json:"role"`
	Home       string    `json:"home,omitempty"` // as Who.Home, and Generation likewise
	Generation string    `json:"gen,omitempty"`
	Hash       []byte    `json:"sum,omitempty"`   // SHA-256 of a token
	Addr       string    `json:"addr,omitempty"`  // where it began
	Agent      string    `json:"agent,omitempty"` // the browser, as it calls itself
	Created    time.Time `json:"made"`
	LastUsed   time.Time `json:"seen"` // used last, give or take an hour
	Expires    time.Time `json:"expires"`
	Revoked    time.Time `json:"ended"` // zero: it holds
}

// Who is somebody who shows a token.
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

// Holds reports that a grant is neither ended nor over.
func (g Grant) Active(now time.Time) bool { return g.Revoked.IsZero() && now.Before(g.Expires) }

// check says what is wrong with a grant that another node tells of.
func (g Grant) check() error {
	for _, text := range []string{g.ID, g.Name, g.User, g.Home, g.Generation, g.Addr, g.Agent} {
		if len(text) > maxGrantText && text != g.Home || len(text) > maxHomeText || !printable(text) {
			return fmt.Errorf("a grant has the text %.20q", text)
		}
	}
	if g.ID == "" || !slices.Contains([]Kind{Login, Token, Revocation}, g.Kind) ||
		g.Kind == Token && len(g.Hash) != sha256.Size ||
		len(g.Hash) > sha256.Size {
		return errors.New("this is no grant")
	}
	return nil
}

func printable(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f })
}

// Grants are the logins and tokens of a cluster, as far as this node knows. Nodes tell one another what they know
// (Merge). Methods may be called by several goroutines. What has been written when a method returns is there after a
// crash (bbolt).
type Grants struct {
	db *bbolt.DB // nil: nothing outlives the process

	mu    sync.Mutex
	known map[string]Grant
}

var bucket = []byte("grants")

// OpenGrants opens the file of a node, which it makes if it is not there; "" keeps nothing. One process may have it
// open: another waits for a second, then fails. Logins in it count only if the cluster's cookie, which signs them, is
// the same as when it was written.
func OpenGrants(path string, sameCookie bool) (*Grants, error) {
	g := &Grants{known: map[string]Grant{}}
	if path == "" {
		return g, nil
	}
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{Timeout: time.Second})
	if err != nil {
		return nil, err
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		b, err := tx.CreateBucketIfNotExists(bucket)
		if err != nil {
			return err
		}
		useless := [][]byte{}
		err = b.ForEach(func(key, value []byte) error {
			var one Grant
			if json.Unmarshal(value, &one) == nil && one.check() == nil && (sameCookie || one.Kind == Token) {
				g.known[one.ID] = one
			} else {
				useless = append(useless, slices.Clone(key))
			}
			return nil
		})
		for _, key := range useless {
			err = errors.Join(err, b.Delete(key))
		}
		return err
	})
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	g.db = db
	return g, g.reserveSpace()
}

// makeRoom has the file be larger than it need be: so an end can be written when the disk is full.
func (g *Grants) reserveSpace() error {
	room := []byte("room")
	if err := g.db.Update(func(tx *bbolt.Tx) error {
		b, err := tx.CreateBucketIfNotExists(room)
		if err != nil {
			return err
		}
		return b.Put(room, make([]byte, spareBytes))
	}); err != nil {
		return errors.Join(err, g.db.Close())
	}
	return g.db.Update(func(tx *bbolt.Tx) error { return tx.DeleteBucket(room) })
}

// Close lets the file go.
func (g *Grants) Close() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.db == nil {
		return nil
	}
	return g.db.Close()
}

// NewToken makes a token, and the grant that knows it by its hash alone. The text is not kept: whoever asked for it has
// the only copy.
func NewToken(name string, who Identity, now, expires time.Time) (text string, grant Grant) {
	text = TokenPrefix + rand.Text() // 130 bits, so that a hash without salt is enough
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

// FindToken is the grant of a token that holds.
func (g *Grants) FindToken(text string, now time.Time) (Grant, bool) {
	found, ok := g.lookupToken(text)
	return found, ok && found.Active(now)
}

// KnowsToken reports whether a text is a token that was made here, even if it has ended: whoever has it does not guess.
func (g *Grants) KnowsToken(text string) bool {
	_, ok := g.lookupToken(text)
	return ok
}

// token is the grant of a token, whether it holds or not.
func (g *Grants) lookupToken(text string) (Grant, bool) {
	sum := sha256.Sum256([]byte(text))
	g.mu.Lock()
	defer g.mu.Unlock()
	found, ok := g.known[tokenID(sum[:])]
	return found, ok && found.Kind == Token && subtle.ConstantTimeCompare(found.Hash, sum[:]) == 1
}

// HasEnded reports that a login, or with a zero made a token, was ended: by itself, or a login with all others of its
// user. One that this node has not heard of holds: its signature says so.
func (g *Grants) IsRevoked(w Identity) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return !g.known[w.Grant].Revoked.IsZero() || !w.Created.IsZero() && g.loggedOut(w.User, w.Generation, w.Created)
}

// cut reports whether a cut covers a login: one of that generation of the user, or of all of that name. g is locked.
func (g *Grants) loggedOut(user, generation string, made time.Time) bool {
	for _, id := range []string{revocationID(user, ""), revocationID(user, generation)} {
		if cut, ok := g.known[id]; ok && !made.After(cut.Created) {
			return true
		}
	}
	return false
}

// cutID is the id of a cut; a later one takes the place of an earlier. No generation is all of that name.
func revocationID(user, generation string) string {
	if generation == "" {
		return "cut-" + user
	}
	return "cut-" + user + " " + generation
}

// Get finds a grant; ErrNoGrant.
func (g *Grants) Get(id string) (Grant, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if one, ok := g.known[id]; ok {
		return one, nil
	}
	return Grant{}, ErrNoGrant
}

// List are the logins, or the tokens, that hold: those used last first.
func (g *Grants) List(kind Kind, now time.Time) (list []Grant) {
	for _, one := range g.All() {
		if one.Kind == kind && one.Active(now) &&
			!(kind == Login && g.IsRevoked(Identity{Grant: one.ID, User: one.User, Generation: one.Generation,
				Created: one.Created})) {
			list = append(list, one)
		}
	}
	slices.SortStableFunc(list, func(a, b Grant) int {
		return cmp.Or(b.LastUsed.Compare(a.LastUsed), b.Created.Compare(a.Created), strings.Compare(a.ID, b.ID))
	})
	return list
}

// All are all grants, also those that have ended and are not over yet, in the order of their ids.
func (g *Grants) All() (list []Grant) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, one := range g.known {
		list = append(list, one)
	}
	slices.SortFunc(list, func(a, b Grant) int { return strings.Compare(a.ID, b.ID) })
	return list
}

// Digest is the same for nodes that know the same.
func (g *Grants) Digest() string {
	text, _ := json.Marshal(g.All()) //nolint:errcheck // strings and times always marshal
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// NewCut ends all logins of a user that began until now: those that no node has heard of as well. Without a generation
// it ends those of everybody who has, or had, that name on any node. life is how long a
// login lasts.
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

// Merge takes over what is news of what another node, or this one, knows, and returns that. A grant that is over is no
// news. If it cannot be written, what has ended has ended all the same, as long as this process lives; the rest is not
// taken over.
func (g *Grants) Merge(told []Grant, now time.Time) (news []Grant, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	next := map[string]Grant{}
	for _, one := range told {
		if err := one.check(); err != nil {
			return nil, err
		}
		old, ok := g.known[one.ID]
		if merged := merge(old, one); !now.After(one.Expires) && (!ok || !equal(old, merged)) {
			next[one.ID] = merged
			news = append(news, merged)
		}
	}
	if len(next) == 0 {
		return nil, nil
	}
	gone := g.evictable(next, now)
	failed := g.write(next, gone)
	if failed != nil {
		maps.DeleteFunc(next, func(_ string, one Grant) bool { return one.Kind != Revocation && one.Revoked.IsZero() })
		news = slices.DeleteFunc(news, func(one Grant) bool { return next[one.ID].ID == "" })
		gone = nil
	}
	for id, one := range next {
		g.known[id] = one
	}
	for _, id := range gone {
		delete(g.known, id)
	}
	return news, failed
}

// merge is what two nodes know of one grant; the zero grant is unknown.
func merge(a, b Grant) Grant {
	if a.ID == "" {
		return b
	}
	if a.Kind == Revocation && b.Kind == Revocation { // the later one reaches further
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

// tooMany are the ids of what is over, and of the logins that are listed no more when there are too many. Ended ones
// stay: they must not hold again.
func (g *Grants) evictable(next map[string]Grant, now time.Time) (gone []string) {
	var logins []Grant
	for id, one := range g.known {
		switch {
		case now.After(one.Expires):
			gone = append(gone, id)
		case one.Kind == Login && one.Revoked.IsZero() && next[id].ID == "":
			logins = append(logins, one)
		}
	}
	over := min(len(g.known)+len(next)-len(gone)-maxGrants, len(logins))
	if over <= 0 {
		return gone
	}
	rank := func(a Grant) int { // a cut says all of what it covers
		if g.loggedOut(a.User, a.Generation, a.Created) {
			return 0
		}
		return 1
	}
	slices.SortFunc(logins, func(a, b Grant) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), a.LastUsed.Compare(b.LastUsed))
	})
	for _, one := range logins[:over] {
		gone = append(gone, one.ID)
	}
	return gone
}

func (g *Grants) write(next map[string]Grant, gone []string) error {
	if g.db == nil {
		return nil
	}
	return g.db.Update(func(tx *bbolt.Tx) error {
		b := tx.Bucket(bucket)
		for _, id := range gone {
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
