package session

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
	"convoy/handlers/web"
)

const (
	// checksAtOnce is how many passwords the node compares at once. Each takes about 0.2 s of a core. One is reserved for
	// names that have logged in from their address before.
	checksAtOnce = 2
	// checksWaiting is how many more of one address wait for their turn, for at most checkWait.
	checksWaiting = 2
	checkWait     = 5 * time.Second
)

// Tries limits failed logins.
type Tries struct {
	Throttle *access.Throttle
	// Checks bounds the passwords that are compared at once. In it, an address is a user, and a known one is an admin.
	Checks *access.Quota
	Now    func() time.Time
}

func newTries() Tries {
	return Tries{
		Throttle: &access.Throttle{},
		Checks:   &access.Quota{Total: checksAtOnce, Reserve: 1, PerUser: 1, MaxWaiting: checksWaiting},
		Now:      time.Now,
	}
}

// tooManyTries refuses a login for that time, after too many failed ones.
func tooManyTries(left time.Duration) error {
	seconds := int(left/time.Second) + 1
	return &web.Error{
		Status:     http.StatusTooManyRequests,
		Text:       fmt.Sprintf("too many failed logins; try again in %d s", seconds),
		Hint:       "valid tokens and existing logins are not affected",
		RetryAfter: seconds,
	}
}

// errChecksBusy is a password that could not be compared in time.
var errChecksBusy = &web.Error{
	Status:     http.StatusTooManyRequests,
	Text:       "too many passwords are being checked; try again in a few seconds",
	RetryAfter: int(checkWait / time.Second),
}

// admit checks the login form. It checks the console token first: it cannot be guessed, so its owner never has to wait.
// A password counts as wrong before it is compared.
func (m *Manager) admit(r *http.Request) (Session, error) {
	token, name := strings.TrimSpace(r.PostForm.Get("token")), r.PostForm.Get("name")
	if name == "" && m.checkToken(token) {
		return Session{Identity: m.Authority.NewIdentity(access.ConsoleToken, access.Admin)}, nil
	}
	settle, err := m.reserveTry(r, name)
	if err != nil {
		return Session{}, err
	}
	if name == "" {
		return Session{}, errToken
	}
	s, verdict, err := m.byPassword(r, name, r.PostForm.Get("password"))
	settle(verdict)
	return s, err
}

// reserveTry counts a failed login; settle corrects that.
func (m *Manager) reserveTry(r *http.Request, name string) (settle func(access.Outcome), err error) {
	settle, left := m.Tries.Throttle.Reserve(m.Tries.Now(), web.Addr(r), name)
	if left > 0 {
		return nil, tooManyTries(left)
	}
	return settle, nil
}

// byPassword waits for a turn and compares a password.
func (m *Manager) byPassword(r *http.Request, name, password string) (Session, access.Outcome, error) {
	if m.Authority.Users == nil {
		return Session{}, access.Failure, access.ErrDenied
	}
	release, err := m.checkTurn(r, name)
	if err != nil {
		return Session{}, access.Unchecked, errChecksBusy
	}
	defer release()
	user, err := m.Authority.Users.Authenticate(name, password)
	switch {
	case errors.Is(err, access.ErrDenied), errors.Is(err, access.ErrLongPassword):
		return Session{}, access.Failure, err
	case err != nil: // strangers must not see it
		m.Log.Error("the users cannot be read", "err", err)
		return Session{}, access.Unchecked, errUsers
	}
	return Session{Identity: m.Authority.NewIdentity(user.Name, user.Role)}, access.Success, nil
}

// checkTurn waits for a turn to compare a password.
func (m *Manager) checkTurn(r *http.Request, name string) (release func(), err error) {
	ctx, cancel := context.WithTimeout(r.Context(), checkWait)
	defer cancel()
	c := access.Claim{Identity: access.Identity{User: access.AddrKey(web.Addr(r))}}
	if m.Tries.Throttle.Trusts(web.Addr(r), name) {
		c.Role = access.Admin
	}
	return m.Tries.Checks.Acquire(ctx, c)
}

// wrongToken counts an unknown token of a link or a header, and returns an error if there were too many. A token that
// has ended does not count: it was not guessed.
func (m *Manager) wrongToken(r *http.Request, token, how string) error {
	if m.Authority.Grants.KnowsToken(token) {
		return nil
	}
	_, err := m.reserveTry(r, "")
	m.countFailure(r, Session{}, how, cmp.Or(err, errToken))
	return err
}

// refusedStatus is the status of a refused login: 429 if it came too early, or the node is busy with others.
func refusedStatus(w http.ResponseWriter, err error) int {
	if e, ok := errors.AsType[*web.Error](err); ok {
		w.Header().Set("Retry-After", strconv.Itoa(e.RetryAfter)) // RFC 9110, 10.2.3
		return e.Status
	}
	return http.StatusUnauthorized
}
