package alerts

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"convoy/access"
	"convoy/handlers/session"
	"convoy/handlers/web"
	"convoy/notify"
	"convoy/push"
	"convoy/templates"
)

// A browser gets this much of a title and a text, in bytes.
const maxTitle, maxText = 200, 800

// The user's home node may be starting again, as this one may.
const (
	tries = 4
	pause = 2 * time.Second // before the second try; it doubles
)

// Call is what a user's browsers are told. The shell's node sends it to the node where the user logged in.
type Call struct {
	Event string `json:"event"` // as in notify.Message
	Title string `json:"title"`
	Text  string `json:"text"`
	Node  string `json:"node"`
	Shell string `json:"shell"`
	// Since is when the question in Text was asked, if the user may answer it; else zero.
	Since time.Time `json:"since,omitzero"`
	// Pass authorizes the browser's answer, once. It is never sent between nodes.
	Pass string `json:"pass,omitempty"`
}

// call passes a message to the user's browsers, and does not wait for another node: there a later message replaces one
// that it has not taken yet. The alert goes on if it cannot. Only goroutines of the group call it.
func (s *Set) call(a *alert, by access.Identity, c Call) {
	if s.Push == nil {
		return
	}
	if by.Home == s.Self {
		s.deliver(a.life, by, c)
		return
	}
	failed := func(err error) {
		s.Log.Warn("notification not passed on", "node", by.Home, "user", by.User, "err", err)
	}
	select {
	case s.passing <- struct{}{}:
	default:
		failed(errPassing)
		return
	}
	ctx, cancel := context.WithCancel(a.life)
	s.mu.Lock()
	a.stopPassing()
	a.stopPassing = cancel
	s.mu.Unlock()
	s.group.Go(func() {
		defer func() { cancel(); <-s.passing }()
		err := notify.Retry(ctx, tries, pause, func() (again bool, err error) { return s.Home(ctx, by, c) })
		if err != nil {
			failed(err)
		}
	})
}

var errPassing = errors.New("too many are on their way")

// Deliver answers POST /push/message, from another node: the browsers of the request's user get a message.
func (s *Set) Deliver(w http.ResponseWriter, r *http.Request) error {
	var c Call
	if err := web.ReadJSON(w, r, &c); err != nil {
		return err
	}
	if c.Pass != "" || len(c.Node)+len(c.Shell) > maxTitle {
		return web.BadRequest("this is not a message")
	}
	if s.Push != nil {
		s.deliver(r.Context(), session.Of(r).Actor(), c)
	}
	return web.NoContent(w, nil)
}

// deliver sends a message to the browsers of a user whose home this node is: those of logins that may view shells now.
// Those of logins that have ended are forgotten.
func (s *Set) deliver(ctx context.Context, by access.Identity, c Call) {
	c.Title, c.Text = clipped(c.Title, maxTitle), clipped(c.Text, maxText)
	topic := sha256.Sum224([]byte(c.Node + "/" + c.Shell))
	m := push.Message{Urgent: c.Event == "waits", Topic: base64.RawURLEncoding.EncodeToString(topic[:24])}
	for _, one := range s.Push.All() {
		if one.By.User != by.User || one.By.Generation != by.Generation {
			continue
		}
		role := s.roleOf(ctx, one)
		if role == access.Nobody {
			s.Push.Remove(one.By.Grant)
		}
		if !role.Allows(access.View) {
			continue
		}
		mine := c
		if c.Since.IsZero() || !role.Allows(access.Type) {
			mine.Since = time.Time{}
		} else {
			path := "/nodes/" + c.Node + "/shells/" + c.Shell + "/answer"
			mine.Pass = s.Sessions.AnswerPass(one.By.Grant, path, push.Life)
		}
		m.Text, _ = json.Marshal(mine) //nolint:errcheck // strings and a time always marshal
		s.Push.Send(one, m)
	}
}

// roleOf is the present role of the login of a subscription.
func (s *Set) roleOf(ctx context.Context, one push.Subscription) access.Role {
	if s.Sessions.Idle(one.By.Grant) {
		return access.Nobody
	}
	return s.Authority.Role(ctx, one.By)
}

// clipped is at most that many bytes of a text, without half characters.
func clipped(text string, bytes int) string {
	if len(text) <= bytes {
		return text
	}
	return strings.ToValidUTF8(text[:bytes-len("…")], "") + "…"
}

var errNoPush = web.NewError(http.StatusConflict, "this node sends nothing to browsers",
	"its operator starts it without -push off")

// ShowBrowser answers GET /push: the key to subscribe with, and whether the login of the request has subscribed.
func (s *Set) ShowBrowser(w http.ResponseWriter, r *http.Request) error {
	var view templates.Push
	if s.Push != nil {
		view = templates.Push{Key: s.Push.PublicKey(), On: s.Push.Has(session.Of(r).Grant)}
	}
	return web.WriteJSON(w, http.StatusOK, view)
}

// AddBrowser answers POST /push: the login of the request subscribes, or replaces its subscription.
func (s *Set) AddBrowser(w http.ResponseWriter, r *http.Request) error {
	var ask struct{ Endpoint, P256DH, Auth string }
	if err := web.ReadOptions(w, r, &ask); err != nil {
		return err
	}
	if s.Push == nil {
		return errNoPush
	}
	one := push.Subscription{
		By: session.Of(r).Actor(), Endpoint: ask.Endpoint, P256DH: ask.P256DH, Auth: ask.Auth, Made: time.Now().UTC(),
	}
	if site, err := url.Parse(r.Header.Get("Origin")); err == nil && site.Scheme == "https" {
		one.Contact = "https://" + site.Host
	}
	s.forgetEnded(r.Context())
	switch err := s.Push.Put(one); {
	case errors.Is(err, push.ErrSubscription):
		return web.BadRequest("%v", err)
	case errors.Is(err, push.ErrMany):
		return errManyBrowsers
	case err != nil:
		return err
	}
	return s.ShowBrowser(w, r)
}

var errManyBrowsers = session.OverLimit("browsers that get notifications")

// RemoveBrowser answers DELETE /push: the login of the request unsubscribes.
func (s *Set) RemoveBrowser(w http.ResponseWriter, r *http.Request) error {
	if s.Push != nil {
		s.Push.Remove(session.Of(r).Grant)
	}
	return s.ShowBrowser(w, r)
}

// forgetEnded removes the subscriptions of all logins that have ended.
func (s *Set) forgetEnded(ctx context.Context) {
	var ended []string
	for _, one := range s.Push.All() {
		if s.roleOf(ctx, one) == access.Nobody {
			ended = append(ended, one.By.Grant)
		}
	}
	s.Push.Remove(ended...)
}
