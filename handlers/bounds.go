package handlers

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"convoy/access"
)

// What one user, or all together, may have of this node at once (docs/security.md, Bounds).
const (
	maxStreams     = 4096 // of logins
	maxLinkStreams = 1024 // of holders of links
	maxFollows     = 256  // shells on one stream
	maxAllFollows  = 16 << 10
	maxTransfers   = 64
	maxAsks        = 2048 // requests of Convoy shells that run elsewhere

	streamsOfLogin, streamsOfUser = 64, 128
	followsOfUser                 = 1024
	transfersOfUser               = 8
	asksOfUser                    = 64
	shellsOfUser                  = 32
	loginsOfUser                  = 64
	tokensOfUser                  = 50
	linksOfUser                   = 64

	// shellsReserve is how many of the node's shells only an admin opens.
	shellsReserve = 32
)

// bounds are what is counted while it is in use.
type bounds struct {
	streams, linkStreams, follows, transfers, asks *access.Quota
}

func newBounds() bounds {
	return bounds{
		streams: &access.Quota{
			Total:    maxStreams,
			Reserve:  maxStreams / 16,
			PerUser:  streamsOfUser,
			PerLogin: streamsOfLogin,
		},
		linkStreams: &access.Quota{Total: maxLinkStreams, PerUser: maxHolders},
		follows:     &access.Quota{Total: maxAllFollows, Reserve: maxAllFollows / 16, PerUser: followsOfUser},
		transfers:   &access.Quota{Total: maxTransfers, Reserve: transfersOfUser, PerUser: transfersOfUser},
		asks:        &access.Quota{Total: maxAsks, Reserve: asksOfUser, PerUser: asksOfUser},
	}
}

// claim is for whom a login takes something.
func (s session) claim() access.Claim { return access.Claim{Identity: s.who(), Login: s.Grant} }

// take takes one of something: 429.
func (s session) take(b *access.Quota, what string) (release func(), err error) {
	release, err = b.TryAcquire(s.claim())
	return release, boundProblem(err, what)
}

// boundProblem is a refusal in words: of what there is no more.
func boundProblem(err error, what string) error {
	switch {
	case errors.Is(err, access.ErrUserLimit):
		return overShare(what)
	case errors.Is(err, access.ErrBusy):
		return &problem{Status: http.StatusTooManyRequests, Text: fmt.Sprintf("this node has the maximum number of %s", what),
			Hint: "try again later", RetryAfter: 5}
	}
	return err
}

// overShare tells somebody to do with what they have.
func overShare(what string) error {
	return &problem{
		Status: http.StatusTooManyRequests,
		Text:   fmt.Sprintf("you have the maximum number of %s for one user", what),
		Hint:   "end some of them first",
	}
}

// bounded serves a request if whoever asks may have one more of something while it lasts.
func bounded(b *access.Quota, what string, fn handler) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		release, err := sessionOf(r).take(b, what)
		if err != nil {
			return err
		}
		defer release()
		return fn(w, r)
	}
}

// takeStream takes a stream for a login, or for a holder of a link, whose streams are no login's.
func (h *Handlers) takeStream(t *tab) (release func(), err error) {
	if t.share == nil {
		return t.login.take(h.bounds.streams, "streams")
	}
	release, err = h.bounds.linkStreams.TryAcquire(access.Claim{Identity: access.Identity{User: t.share.id}})
	if errors.Is(err, access.ErrUserLimit) {
		return nil, errHolders
	}
	return release, boundProblem(err, "streams of share links")
}

// checkShells refuses somebody one more shell. The caller holds h.opening, so that two at once are counted.
func (h *Handlers) checkShells(s session) error {
	own, all, most := h.Shells.Running(func(right string) bool {
		who, err := access.ParseIdentity(right)
		return err == nil && who.User == s.User
	})
	most = max(shellsReserve, most-shellsReserve) // a small table has no reserve
	switch {
	case own >= shellsOfUser && (s.Role != access.Admin || own >= most):
		return overShare("shells on this node")
	case s.Role != access.Admin && all >= most:
		return boundProblem(access.ErrBusy, "shells")
	}
	return nil
}

// trimLogins ends the logins of a user that were made longest ago, if there are too many: one more cannot push others'
// off the list.
func (h *Handlers) trimLogins(of access.Identity) error {
	var own []time.Time
	for _, g := range h.Authority.Grants.List(access.Login, time.Now()) {
		if of.Owns(g) {
			own = append(own, g.Created)
		}
	}
	if len(own) <= loginsOfUser {
		return nil
	}
	slices.SortFunc(own, func(a, b time.Time) int { return b.Compare(a) })
	return h.learn(access.NewRevocation(of.User, of.Generation, own[loginsOfUser], sessionLife))
}
