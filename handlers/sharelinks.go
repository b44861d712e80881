package handlers

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
	"convoy/pty"
)

const maxLinks = 32 // of one shell

var (
	errExpired   = &problem{Status: http.StatusGone, Text: "this link has expired", Hint: "ask the sender for a new one"}
	errRevoked   = &problem{Status: http.StatusGone, Text: "this link was revoked", Hint: "ask the sender for a new one"}
	errShellGone = &problem{
		Status: http.StatusGone,
		Text:   "the shell of this link was closed",
		Hint:   "a link ends with its shell",
	}
	errMakerGone = &problem{
		Status: http.StatusGone,
		Text:   "the creator of this link can no longer share the shell",
		Hint:   "ask for a new link",
	}
	errOnlyWatch = &problem{
		Status: http.StatusForbidden,
		Text:   "this link is view-only",
		Hint:   "ask the sender for a link that lets you type",
	}
	errManyLinks = &problem{
		Status: http.StatusTooManyRequests,
		Text:   "this shell has the maximum number of links",
		Hint:   "revoke one first",
	}
	errNoSuchLink = &problem{Status: http.StatusNotFound, Text: "no such link", Hint: "it was revoked, or has expired"}
)

// links are the share links of this node's shells. They are kept in memory: a link ends when its time comes, when it is
// revoked, when its maker may not share the shell any more, when its shell is closed, and with the node.
type links struct {
	ctx       context.Context
	shells    *pty.Table
	authority *access.Authority
	changes   signal // a shell has more links, or fewer

	mu   sync.Mutex
	byID map[string]*link
}

// link is one share link, as its shell's node knows it.
type link struct {
	share
	label string          // what it is for, or who has it
	by    access.Identity // who made it: it gives no more than they have
	made  time.Time
	ctx   context.Context // ends with the link
	end   context.CancelCauseFunc

	used    time.Time // guarded by links.mu, as viewers is; zero: never
	viewers int       // attached now
}

func newLinks(ctx context.Context, shells *pty.Table, authority *access.Authority) *links {
	return &links{ctx: ctx, shells: shells, authority: authority, byID: map[string]*link{}}
}

// add makes a link of what s says, under a name of its own.
func (s *links) add(what share, label string, by access.Identity) (*link, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.prune()
	if s.of(what.shell) >= maxLinks {
		return nil, errManyLinks
	}
	if s.by(by.User) >= linksOfUser {
		return nil, overShare("links to this node's shells")
	}
	what.id = strings.ToLower(rand.Text()[:16]) // 80 bits
	l := &link{share: what, label: label, by: by, made: time.Now()}
	l.ctx, l.end = context.WithCancelCause(s.ctx)
	timer := time.AfterFunc(time.Until(l.expires), func() { l.end(errExpired) })
	context.AfterFunc(l.ctx, func() {
		timer.Stop()
		s.drop(l)
	})
	s.byID[l.id] = l
	s.changes.fire()
	return l, nil
}

// prune ends the links of shells that are gone. Nothing can be reached by them any more. The list is locked.
func (s *links) prune() {
	for _, l := range s.byID {
		if _, err := s.shells.Get(l.shell); err != nil {
			l.end(errShellGone)
		}
	}
}

func (s *links) drop(l *link) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.byID, l.id)
	s.changes.fire()
}

// revoke ends a link, and everything that is open by it.
func (s *links) revoke(shell, id string) (*link, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.byID[id]
	if l == nil || l.shell != shell || l.ctx.Err() != nil {
		return nil, errNoSuchLink
	}
	l.end(errRevoked)
	return l, nil
}

// find finds a link of a shell that is good now. The error says why it is not good.
func (s *links) find(ctx context.Context, shell, id string) (*link, error) {
	of, gone := s.shells.Get(shell)
	l, err := s.known(shell, id)
	switch {
	case gone != nil:
		return nil, errShellGone
	case err != nil:
		return nil, err
	case !mayIn(s.authority.Role(ctx, l.by), access.Share, of):
		l.end(errMakerGone)
		return nil, l.why()
	}
	return l, nil
}

// hold ends a link that is in use when its maker may not share the shell any more.
func (s *links) hold(ctx context.Context, l *link) (stop func()) {
	look := func(now access.Role) {
		if of, err := s.shells.Get(l.shell); err == nil && !mayIn(now, access.Share, of) {
			l.end(errMakerGone)
		}
	}
	role := s.authority.Role(ctx, l.by)
	stop = s.authority.Watch(l.by, role, look)
	look(role) // it may have changed since the link was found
	return stop
}

// known is a link whose time is not over.
func (s *links) known(shell, id string) (*link, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.byID[id]
	switch {
	case l == nil || l.shell != shell:
		return nil, errRevoked
	case l.over(time.Now()): // a machine that slept has late timers
		return nil, errExpired
	case l.ctx.Err() != nil:
		return nil, l.why()
	}
	return l, nil
}

// why is the reason for a link's end.
func (l *link) why() error {
	if p := (*problem)(nil); errors.As(context.Cause(l.ctx), &p) {
		return p
	}
	return pty.ErrClosed
}

// use takes note that somebody uses a link: a viewer comes (1), does something (0), or leaves (-1). That its page is
// fetched counts for nothing: what previews addresses does that, too.
func (s *links) use(l *link, change int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l.viewers += change
	l.used = time.Now()
}

// list shows a shell's links, oldest first.
func (s *links) list(shell string) []linkView {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := []linkView{}
	for _, l := range s.byID {
		if l.shell == shell && l.ctx.Err() == nil {
			list = append(list, l.view())
		}
	}
	slices.SortFunc(list, func(a, b linkView) int { return cmp.Or(a.Made.Compare(b.Made), cmp.Compare(a.ID, b.ID)) })
	return list
}

// count is how many links a shell has.
func (s *links) count(shell string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.of(shell)
}

// of is count with the list locked.
func (s *links) of(shell string) (n int) {
	for _, l := range s.byID {
		if l.shell == shell && l.ctx.Err() == nil {
			n++
		}
	}
	return n
}

// by is how many links somebody has made that are good. The list is locked.
func (s *links) by(user string) (n int) {
	for _, l := range s.byID {
		if l.by.User == user && l.ctx.Err() == nil {
			n++
		}
	}
	return n
}

// enter has a viewer come by a link, if not as many are there by it as may be: on whichever nodes, the shell's counts.
func (s *links) enter(l *link) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if l.viewers >= maxHolders {
		return errHolders
	}
	l.viewers++
	l.used = time.Now()
	return nil
}

// viewer is who a holder of the link is: nobody that another link, or somebody who is logged in, could speak for, and
// marked as coming by a link whatever it calls itself.
func (l *link) viewer(v pty.Viewer) pty.Viewer {
	v.ID = l.viewerID(v.ID)
	v.Name = cmp.Or(v.Name, l.label, "guest") + " (link)"
	v.CanType = v.CanType && l.types
	return v
}

// viewerID is a viewer's id with the link in front. No viewer can call itself that: a slash is in no id.
func (l *link) viewerID(id string) string { return l.id + "/" + id }
