package handlers

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"convoy/access"
)

const (
	// checksAtOnce is how many passwords the node compares at once, each of which takes about 0.2 s of a core; one of
	// them is kept for names that have been right at their address before.
	checksAtOnce = 2
	// checksWaiting is how many more of one address wait for their turn, and checkWait for how long.
	checksWaiting = 2
	checkWait     = 5 * time.Second
)

// newChecks bounds the passwords that are compared at once. An address stands for a user, and one that is known for an
// admin.
func newChecks() *access.Quota {
	return &access.Quota{Total: checksAtOnce, Reserve: 1, PerUser: 1, MaxWaiting: checksWaiting}
}

// tooManyTries says that somebody has been wrong too often.
type tooManyTries struct{ left time.Duration }

func (e *tooManyTries) Error() string {
	return fmt.Sprintf("too many failed logins; try again in %d s", e.seconds())
}

func (e *tooManyTries) seconds() int { return int(e.left/time.Second) + 1 }

// answer says when to come again (RFC 9110, 10.2.3), and returns the status.
func (e *tooManyTries) answer(w http.ResponseWriter) int {
	w.Header().Set("Retry-After", strconv.Itoa(e.seconds()))
	return http.StatusTooManyRequests
}

// problem is the error for scripts.
func (e *tooManyTries) problem() *problem {
	return &problem{Status: http.StatusTooManyRequests, Text: e.Error(), RetryAfter: e.seconds(),
		Hint: "valid tokens and existing logins are not affected"}
}

// errChecksBusy says that there was no turn to compare a password in time.
var errChecksBusy = errors.New("too many passwords are being checked; try again in a few seconds")

// admit finds out who logs in by the form. The token is looked at first: nobody guesses it, so whoever has it waits for
// nobody. A password counts as wrong before it is compared.
func (h *Handlers) admit(r *http.Request) (session, error) {
	token, name := strings.TrimSpace(r.PostForm.Get("token")), r.PostForm.Get("name")
	if name == "" && h.login.checkToken(token) {
		return session{Identity: h.Authority.NewIdentity(access.ConsoleToken, access.Admin)}, nil
	}
	settle, err := h.reserveTry(r, name)
	if err != nil {
		return session{}, err
	}
	if name == "" {
		return session{}, errToken
	}
	s, verdict, err := h.byPassword(r, name, r.PostForm.Get("password"))
	settle(verdict)
	return s, err
}

// reserveTry reserves a wrong try.
func (h *Handlers) reserveTry(r *http.Request, name string) (settle func(access.Outcome), err error) {
	settle, left := h.login.throttle.Reserve(h.login.now(), h.addrOf(r), name)
	if left > 0 {
		return nil, &tooManyTries{left}
	}
	return settle, nil
}

// byPassword compares a password, when its turn comes.
func (h *Handlers) byPassword(r *http.Request, name, password string) (session, access.Outcome, error) {
	if h.Authority.Users == nil {
		return session{}, access.Failure, access.ErrDenied
	}
	release, err := h.checkTurn(r, name)
	if err != nil {
		return session{}, access.Unchecked, errChecksBusy
	}
	defer release()
	user, err := h.Authority.Users.Authenticate(name, password)
	switch {
	case errors.Is(err, access.ErrDenied):
		return session{}, access.Failure, err
	case err != nil: // not for a stranger to read
		h.Log.Error("the users cannot be read", "err", err)
		return session{}, access.Unchecked, errUsers
	}
	return session{Identity: h.Authority.NewIdentity(user.Name, user.Role)}, access.Success, nil
}

// checkTurn waits for a turn to compare a password.
func (h *Handlers) checkTurn(r *http.Request, name string) (release func(), err error) {
	ctx, cancel := context.WithTimeout(r.Context(), checkWait)
	defer cancel()
	c := access.Claim{Identity: access.Identity{User: access.AddrKey(h.addrOf(r))}}
	if h.login.throttle.Trusts(h.addrOf(r), name) {
		c.Role = access.Admin
	}
	return h.login.checks.Acquire(ctx, c)
}

// wrongToken counts a token that is none, of a link or of a header: an error if there were too many. One that has ended
// is nobody's guess.
func (h *Handlers) wrongToken(r *http.Request, token, how string) error {
	if h.Authority.Grants.KnowsToken(token) {
		return nil
	}
	_, err := h.reserveTry(r, "")
	h.loginRefused(r, session{}, how, cmp.Or(err, errToken))
	if wait, ok := errors.AsType[*tooManyTries](err); ok {
		return wait
	}
	return nil
}

// refusedStatus is the status of a login that is refused: 429 if it came too early, or the node is busy with others.
func refusedStatus(w http.ResponseWriter, err error) int {
	if wait, ok := errors.AsType[*tooManyTries](err); ok {
		return wait.answer(w)
	}
	if errors.Is(err, errChecksBusy) {
		return (&tooManyTries{checkWait - 1}).answer(w)
	}
	return http.StatusUnauthorized
}
