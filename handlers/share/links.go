package share

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"convoy/access"
	"convoy/handlers/live"
	"convoy/handlers/session"
	"convoy/handlers/web"
	"convoy/pty"
	"convoy/templates"
)

const (
	// MaxLinks bounds the links to one shell, linksOfUser those of one user to this node's shells.
	MaxLinks    = 32
	linksOfUser = 64
)

var (
	errExpired     = web.NewError(http.StatusGone, "this link has expired", "ask the sender for a new one")
	errRevoked     = web.NewError(http.StatusGone, "this link was revoked", "ask the sender for a new one")
	errShellGone   = web.NewError(http.StatusGone, "the shell of this link was closed", "a link ends with its shell")
	errCreatorGone = web.NewError(http.StatusGone,
		"the creator of this link can no longer share the shell", "ask for a new link")
	errViewOnly = web.NewError(http.StatusForbidden,
		"this link is view-only", "ask the sender for a link that lets you type")
	errManyLinks = web.NewError(http.StatusTooManyRequests,
		"this shell has the maximum number of links", "revoke one first")
	errNoSuchLink = web.NewError(http.StatusNotFound, "no such link", "it was revoked, or has expired")
)

// Links are the share links to this node's shells, in memory. A link ends when it expires, when it is revoked, when its
// creator may no longer share the shell, when the shell is closed, and with the node, unless its next process restores
// it. Its methods may be called concurrently.
type Links struct {
	ctx       context.Context
	shells    *pty.Table
	authority *access.Authority
	changes   live.Signal // a shell has more links, or fewer

	mu   sync.Mutex
	byID map[string]*Link
	keep func([]byte) // see Keep; may be nil
}

// Link is one share link, as the shell's node knows it.
type Link struct {
	Share
	label string          // what it is for
	by    access.Identity // its creator: it gives no more rights than they have
	made  time.Time
	ctx   context.Context // ends with the link
	end   context.CancelCauseFunc

	used    time.Time // guarded by Links.mu, like viewers; zero: never
	viewers int       // attached now
}

// NewLinks makes an empty list. The links end with ctx.
func NewLinks(ctx context.Context, shells *pty.Table, authority *access.Authority) *Links {
	return &Links{ctx: ctx, shells: shells, authority: authority, byID: map[string]*Link{}}
}

// Add makes a link, with a new ID.
func (s *Links) Add(what Share, label string, by access.Identity) (*Link, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.prune()
	if s.of(what.Shell) >= MaxLinks {
		return nil, errManyLinks
	}
	if s.by(by.User) >= linksOfUser {
		return nil, session.OverLimit("links to this node's shells")
	}
	what.ID = strings.ToLower(rand.Text()[:16]) // 80 bits
	l := &Link{Share: what, label: label, by: by, made: time.Now()}
	s.insert(l)
	s.changed()
	return l, nil
}

// insert lists a link until it ends. It requires s.mu.
func (s *Links) insert(l *Link) {
	l.ctx, l.end = context.WithCancelCause(s.ctx)
	timer := time.AfterFunc(time.Until(l.Expires), func() { l.end(errExpired) })
	context.AfterFunc(l.ctx, func() {
		timer.Stop()
		s.drop(l)
	})
	s.byID[l.ID] = l
}

// prune ends the links to shells that no longer exist. The caller holds the lock.
func (s *Links) prune() {
	for _, l := range s.byID {
		if _, err := s.shells.Get(l.Shell); err != nil {
			l.end(errShellGone)
		}
	}
}

func (s *Links) drop(l *Link) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.byID, l.ID)
	s.changed()
}

// revoke ends a link, and everything that is open through it.
func (s *Links) revoke(shell, id string) (*Link, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.byID[id]
	if l == nil || l.Shell != shell || l.Ended() {
		return nil, errNoSuchLink
	}
	l.end(errRevoked)
	return l, nil
}

// Find finds a valid link to a shell. The error is why it is not valid.
func (s *Links) Find(ctx context.Context, shell, id string) (*Link, error) {
	of, gone := s.shells.Get(shell)
	l, err := s.known(shell, id)
	switch {
	case gone != nil:
		return nil, errShellGone
	case err != nil:
		return nil, err
	case !session.MayIn(s.authority.Role(ctx, l.by), access.Share, of):
		l.end(errCreatorGone)
		return nil, l.why()
	}
	return l, nil
}

// Watch ends a link in use when its creator may no longer share the shell, until stop is called.
func (s *Links) Watch(ctx context.Context, l *Link) (stop func()) {
	check := func(now access.Role) {
		if of, err := s.shells.Get(l.Shell); err == nil && !session.MayIn(now, access.Share, of) {
			l.end(errCreatorGone)
		}
	}
	role := s.authority.Role(ctx, l.by)
	stop = s.authority.Watch(l.by, role, check)
	check(role) // it may have changed since the link was found
	return stop
}

// known finds a link that has not ended.
func (s *Links) known(shell, id string) (*Link, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.byID[id]
	switch {
	case l == nil || l.Shell != shell:
		return nil, errRevoked
	case l.expired(time.Now()): // timers are late on a machine that slept
		return nil, errExpired
	case l.Ended():
		return nil, l.why()
	}
	return l, nil
}

// Changed is closed when a shell has more links, or fewer.
func (s *Links) Changed() <-chan struct{} { return s.changes.Changed() }

// Ended reports whether a link has ended.
func (l *Link) Ended() bool { return l.ctx.Err() != nil }

// why is why a link has ended.
func (l *Link) why() error {
	if e, ok := errors.AsType[*web.Error](context.Cause(l.ctx)); ok {
		return e
	}
	return pty.ErrClosed
}

// use stores that a link is used: a viewer does something (0) or leaves (-1). Fetching its page does not count, because
// previews of addresses do that too.
func (s *Links) use(l *Link, change int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l.viewers += change
	l.used = time.Now()
}

// list describes the links to a shell, oldest first.
func (s *Links) list(shell string) []templates.ShareLink {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := []templates.ShareLink{}
	for _, l := range s.byID {
		if l.Shell == shell && !l.Ended() {
			list = append(list, l.view())
		}
	}
	slices.SortFunc(list, func(a, b templates.ShareLink) int {
		return cmp.Or(a.Made.Compare(b.Made), cmp.Compare(a.ID, b.ID))
	})
	return list
}

// Count is the number of links to a shell.
func (s *Links) Count(shell string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.of(shell)
}

// of is Count for a caller that holds the lock.
func (s *Links) of(shell string) (n int) {
	for _, l := range s.byID {
		if l.Shell == shell && !l.Ended() {
			n++
		}
	}
	return n
}

// by is the number of a user's valid links. The caller holds the lock.
func (s *Links) by(user string) (n int) {
	for _, l := range s.byID {
		if l.by.User == user && !l.Ended() {
			n++
		}
	}
	return n
}

// enter counts a viewer of a link, and refuses one too many. The shell's node counts the viewers on all nodes.
func (s *Links) enter(l *Link) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if l.viewers >= MaxGuests {
		return errManyGuests
	}
	l.viewers++
	l.used = time.Now()
	return nil
}

// viewer is a guest as a viewer of the shell: no other link and no login can speak for it, and its name is always
// marked as a link's.
func (l *Link) viewer(v pty.Viewer) pty.Viewer {
	v.ID = l.viewerID(v.ID)
	v.Name = cmp.Or(v.Name, l.label, "guest") + " (link)"
	v.CanType = v.CanType && l.Types
	return v
}

// viewerID prefixes a viewer's id with the link. No other viewer can have it: an id has no slash.
func (l *Link) viewerID(id string) string { return l.ID + "/" + id }
