package handlers

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"net/http"
	"slices"
	"strings"

	"convoy/templates"
)

// Browsers send a cookie to every port of its host, so whatever listens on another port can collect the session's
// cookie. A login is therefore bound to a page key as well: a secret in the storage of the page's origin (scheme, host
// and port). Scripts send it as a header; documents and streams, which carry no headers, show a pass that only the key
// can ask for. Neither of them is ever a cookie (docs/security.md).

const (
	// keyHeader carries the page key. It never leaves this node: requests to other nodes have headers of their own.
	keyHeader = "Convoy-Key"
	// keyBytes is the size of a page key before it is written as base64url.
	keyBytes = 32
	// maxPageKeys bounds the origins that one login is bound to; the oldest are forgotten.
	maxPageKeys = 4
)

var (
	errNoKey = &problem{
		Status: http.StatusUnauthorized,
		Text:   "this login also needs the key of the page where it began",
		Hint: "open the console in that browser at the address where you logged in, or log in again at /login; scripts " +
			"send Authorization: Bearer with a token",
	}
	errClaimElsewhere = &problem{
		Status: http.StatusConflict,
		Text:   "this login began at another node's console",
		Hint:   "complete it there; configure load balancers to keep a browser on one node during login",
	}
	errClaimed = &problem{
		Status: http.StatusConflict,
		Text:   "this login was already completed, or took longer than a minute",
		Hint:   "log in again at /login",
	}
)

// whyLogIn are the reasons for a new login that the login page can be asked to give.
var whyLogIn = map[string]string{
	"key": "This address does not have the key of your login. A login belongs to the address where you logged in, " +
		"including the port. Log in again for another node's console on this host, or after you clear the browser's storage.",
	"claim": "The login was not completed within a minute. Log in again.",
}

type unprovenKey struct{}

// unproven is the login of whoever shows a good cookie and neither the key nor a pass.
func unproven(r *http.Request) session {
	s, _ := r.Context().Value(unprovenKey{}).(session)
	return s
}

func asUnproven(r *http.Request, s session) *http.Request {
	return r.WithContext(context.WithValue(r.Context(), unprovenKey{}, s))
}

// proves reports whether a request shows more than the cookie. A pass is used up by that.
func (h *Handlers) proves(r *http.Request, s session, pass string) bool {
	if s.bearer || s.Plain {
		return true
	}
	if key := r.Header.Get(keyHeader); key != "" {
		return s.holds(key)
	}
	return len(s.Keys) > 0 && pass != "" && r.Method == http.MethodGet && h.tickets.use(passTicket, s.Grant, pass)
}

// holds compares a page key with those that a login is bound to, in constant time.
func (s session) holds(key string) bool {
	sum, found := keySum(key), 0
	for _, known := range s.Keys {
		found |= subtle.ConstantTimeCompare([]byte(known), []byte(sum))
	}
	return found == 1
}

// keySum is what a cookie holds of a page key. The key has 256 random bits, so a hash without salt is enough.
func keySum(key string) string {
	sum := sha256.Sum256([]byte(key))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// takePass takes the pass out of a request's query, so that nothing behind sees it and no other node gets it.
func takePass(r *http.Request) (*http.Request, string) {
	pass, rest := "", []string{}
	for part := range strings.SplitSeq(r.URL.RawQuery, "&") {
		if value, ok := strings.CutPrefix(part, "pass="); ok {
			pass = value
		} else {
			rest = append(rest, part)
		}
	}
	if pass == "" {
		return r, ""
	}
	clean := *r.URL
	clean.RawQuery = strings.Join(rest, "&")
	r = r.WithContext(r.Context())
	r.URL, r.RequestURI = &clean, clean.RequestURI()
	return r, pass
}

// passFor is a pass for the stream of the page that answers r; "" if its login needs none.
func (h *Handlers) passFor(r *http.Request) string {
	if s := sessionOf(r); len(s.Keys) > 0 {
		return h.tickets.issue(passTicket, s.Grant, passLife)
	}
	return ""
}

// claimURL is where a browser completes a login. Only the page at this address learns what it takes to do so: the
// cookie alone, which other ports see as well, cannot claim the login.
func (h *Handlers) claimURL(s session) string {
	return "/?claim=" + h.tickets.issue(claimTicket, s.Grant, claimLife)
}

// keysOf are the page keys that a new login of the same user takes over from the one that it replaces, so that pages
// at another port of this host go on working.
func keysOf(r *http.Request, s session) []string {
	old := sessionOf(r)
	if old.Grant == "" {
		old = unproven(r)
	}
	if old.User != s.User || old.Home != s.Home || old.Generation != s.Generation {
		return nil
	}
	return old.Keys
}

// requireCookie lets through whoever has a login, proven or not.
func (h *Handlers) requireCookie(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s := unproven(r); sessionOf(r).Grant == "" && s.Grant != "" {
			h.serveAs(next, w, r, s)
			return
		}
		h.requireLogin(next).ServeHTTP(w, r)
	})
}

// POST /session/key
//
// It binds a new login to the page key in the header, and answers with the first pass.
func (h *Handlers) claimByKey(w http.ResponseWriter, r *http.Request) error {
	key := r.Header.Get(keyHeader)
	if raw, err := base64.RawURLEncoding.DecodeString(key); err != nil || len(raw) != keyBytes {
		return badRequest("%s must be %d random bytes as base64url", keyHeader, keyBytes)
	}
	s, err := h.claim(w, r)
	if err != nil {
		return err
	}
	s.Keys = append(slices.Clone(s.Keys), keySum(key))
	s.Keys = s.Keys[max(0, len(s.Keys)-maxPageKeys):]
	h.resign(w, r, s)
	return writeJSON(w, http.StatusOK, map[string]string{"pass": h.tickets.issue(passTicket, s.Grant, passLife)})
}

// POST /session/plain
//
// It makes a new login one that needs no key, for browsers without scripts or storage.
func (h *Handlers) claimPlain(w http.ResponseWriter, r *http.Request) error {
	s, err := h.claim(w, r)
	if err != nil {
		return err
	}
	s.Plain, s.Keys = true, nil
	h.resign(w, r, s)
	h.Log.Info("login without a page key", "addr", h.addrOf(r), "user", s.User)
	http.Redirect(w, r, "/", http.StatusSeeOther)
	return nil
}

// claim uses up the claim in a form, which completes a login.
func (h *Handlers) claim(w http.ResponseWriter, r *http.Request) (session, error) {
	r.Body = http.MaxBytesReader(w, r.Body, 4096)
	if err := r.ParseForm(); err != nil {
		return session{}, badRequest("the form cannot be read")
	}
	s := sessionOf(r)
	if !s.bearer && s.Home != h.Self { // each node accepts a claim once: it is good at one of them alone
		return session{}, errClaimElsewhere
	}
	if s.bearer || !h.tickets.use(claimTicket, s.Grant, r.PostForm.Get("claim")) {
		return session{}, errClaimed
	}
	return s, nil
}

// POST /session/pass
func (h *Handlers) givePass(w http.ResponseWriter, r *http.Request) error {
	return writeJSON(w, http.StatusOK, map[string]string{"pass": h.passFor(r)})
}

// refuseUnproven answers whoever shows a cookie alone: the page that shows the rest for a document, else 401. It
// returns false if they have no cookie, or a page cannot help.
func (h *Handlers) refuseUnproven(w http.ResponseWriter, r *http.Request, document bool) bool {
	s := unproven(r)
	if s.Grant == "" {
		return false
	}
	if !document {
		h.fail(w, r, errNoKey)
		return true
	}
	claim := r.URL.Query().Get("claim")
	if !h.tickets.valid(claimTicket, s.Grant, claim) {
		claim = ""
	}
	if r.Method != http.MethodGet || claim == "" && len(s.Keys) == 0 {
		return false
	}
	view := templates.Opening{Page: h.page(r, "Opening"), Claim: claim}
	view.Key = h.login.name
	if err := h.set.Render(w, http.StatusOK, "opening", view); err != nil {
		h.Log.Debug("answer not sent", "err", err)
	}
	return true
}
