package handlers

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/go-chi/chi/v5"

	"convoy/access"
	"convoy/fleet"
	"convoy/templates"
)

const (
	// grantsEvery is the time between two comparisons with another node of who is logged in, grantsWait bounds one.
	grantsEvery = time.Minute
	grantsWait  = 5 * time.Second
	// maxGrantBytes bounds what another node tells of it.
	maxGrantBytes = 8 << 20
	// maxTokens bounds the API tokens of a cluster.
	maxTokens = 200
	// maxTokenDays and usualTokenDays are how long an API token may last, and lasts.
	maxTokenDays, usualTokenDays = 366, 90
)

// grant is a login or a token as docs/protocol.md shows it.
type grant struct {
	ID      string      `json:"id"`
	Name    string      `json:"name,omitempty"`
	User    string      `json:"user"`
	Role    access.Role `json:"role"`
	Addr    string      `json:"addr,omitempty"`
	Agent   string      `json:"agent,omitempty"`
	Made    time.Time   `json:"made"`
	Seen    time.Time   `json:"seen"`
	Expires time.Time   `json:"expires"`
	Current bool        `json:"current,omitempty"` // it is the one that asks
	Token   string      `json:"token,omitempty"`   // told once, to who made it
}

func grantJSON(g access.Grant, s session) grant {
	return grant{
		ID:      g.ID,
		Name:    g.Name,
		User:    g.User,
		Role:    g.Role,
		Addr:    g.Addr,
		Agent:   g.Agent,
		Made:    g.Created,
		Seen:    g.LastUsed,
		Expires: g.Expires,
		Current: g.ID == s.Grant,
	}
}

// byToken is who asks with a bearer token.
func (h *Handlers) byToken(token string) (session, bool) {
	if h.login.checkToken(token) {
		w := h.Authority.NewIdentity(access.ConsoleToken, access.Admin)
		w.Grant = "token"
		return session{Identity: w}, true
	}
	if !strings.HasPrefix(token, access.TokenPrefix) {
		return session{}, false
	}
	g, ok := h.Authority.Grants.FindToken(token, time.Now())
	return session{Identity: g.Identity(), Seen: g.LastUsed}, ok
}

// listLogin lists a login with those that hold.
func (h *Handlers) listLogin(r *http.Request, s session) error {
	return h.learn(access.Grant{
		ID:         s.Grant,
		Kind:       access.Login,
		User:       s.User,
		Role:       s.Role,
		Home:       s.Home,
		Generation: s.Generation,
		Addr:       h.addrOf(r),
		Agent:      agentOf(r.UserAgent()),
		Created:    s.Created,
		LastUsed:   s.Seen,
		Expires:    s.Expires,
	})
}

// used notes that a login or a token was used.
func (h *Handlers) used(s session) {
	g, err := h.Authority.Grants.Get(s.Grant)
	if err != nil { // not heard of yet
		return
	}
	g.LastUsed = time.Now().UTC()
	if err := h.learn(g); err != nil {
		h.Log.Error("not in the list of logins", "err", err)
	}
}

// take takes grants over, ends what is open by those that have ended, and returns what was news.
func (h *Handlers) take(told []access.Grant) (news []access.Grant, err error) {
	news, err = h.Authority.Grants.Merge(told, time.Now().UTC())
	if len(news) > 0 {
		h.Authority.Recheck()
	}
	return news, err
}

// learn takes a grant over, and tells the other nodes if it was news.
func (h *Handlers) learn(g access.Grant) error {
	news, err := h.take([]access.Grant{g})
	for _, node := range h.others() {
		if len(news) == 0 {
			break
		}
		h.telling.Go(func() {
			ctx, cancel := context.WithTimeout(h.ctx, grantsWait)
			defer cancel()
			if _, err := h.exchange(ctx, node.Name, exchange{Grants: news}); err != nil {
				h.Log.Debug("a node does not hear of logins now", "node", node.Name, "err", err)
			}
		})
	}
	return err
}

// others are the nodes that are there, besides this one.
func (h *Handlers) others() (list []fleet.Node) {
	for _, node := range h.Fleet.List() {
		if node.Status == fleet.Alive && !node.Self {
			list = append(list, node)
		}
	}
	return list
}

// exchange is what two nodes tell one another of logins and tokens: all, or what is news, or only whether they know
// the same.
type exchange struct {
	Digest string         `json:"digest"`
	Grants []access.Grant `json:"grants"`
}

// POST /grants, from another node. A digest is answered by all grants, unless it is the same here.
func (h *Handlers) exchangeGrants(w http.ResponseWriter, r *http.Request) error {
	var told exchange
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxGrantBytes)).Decode(&told); err != nil {
		return badBody(err)
	}
	if _, err := h.take(told.Grants); err != nil {
		return badRequest("%v", err)
	}
	answer := exchange{Digest: h.Authority.Grants.Digest()}
	if told.Digest != "" && told.Digest != answer.Digest {
		answer.Grants = h.Authority.Grants.All()
	}
	return writeJSON(w, http.StatusOK, answer)
}

// exchange asks another node.
func (h *Handlers) exchange(ctx context.Context, node string, tell exchange) (told exchange, err error) {
	body, err := json.Marshal(tell)
	if err != nil {
		return told, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "/grants", bytes.NewReader(body))
	if err != nil {
		return told, err
	}
	r.Header.Set("Content-Type", "application/json")
	answer, err := h.Cluster.Do(node, r)
	if err != nil {
		return told, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return told, fmt.Errorf("%s answered %s", node, answer.Status)
	}
	return told, json.NewDecoder(io.LimitReader(answer.Body, maxGrantBytes)).Decode(&told)
}

// agree has this node and another know the same.
func (h *Handlers) agree(ctx context.Context, node string) error {
	ctx, cancel := context.WithTimeout(ctx, grantsWait)
	defer cancel()
	told, err := h.exchange(ctx, node, exchange{Digest: h.Authority.Grants.Digest()})
	if err != nil {
		return err
	}
	if _, err := h.take(told.Grants); err != nil {
		return err
	}
	if told.Digest == h.Authority.Grants.Digest() {
		return nil
	}
	_, err = h.exchange(ctx, node, exchange{Grants: h.Authority.Grants.All()})
	return err
}

// ShareGrants keeps this node and the others of one mind on who is logged in, until ctx ends: with each node once it is
// there, and with one of them every minute.
func (h *Handlers) ShareGrants(ctx context.Context) {
	tick := time.NewTicker(grantsEvery)
	defer tick.Stop()
	met := map[string]string{} // instances, by name
	for {
		changed := h.Fleet.Changed()
		for _, node := range h.others() {
			if met[node.Name] == node.Instance {
				continue
			}
			if err := h.agree(ctx, node.Name); err != nil {
				h.Log.Debug("a node does not say who is logged in", "node", node.Name, "err", err)
				continue
			}
			met[node.Name] = node.Instance
		}
		select {
		case <-changed:
		case <-tick.C:
			if others := h.others(); len(others) > 0 {
				delete(met, others[rand.IntN(len(others))].Name)
			}
		case <-ctx.Done():
			return
		}
	}
}

// agentOf is what a browser calls itself, in few words.
func agentOf(header string) string {
	program, system := "", ""
	for _, one := range []string{"Edg", "OPR", "Firefox", "Chrome", "Safari", "curl", "convoy", "Go-http-client"} {
		if strings.Contains(header, one+"/") {
			program = strings.NewReplacer("Edg", "Edge", "OPR", "Opera", "Go-http-client", "Go").Replace(one)
			break
		}
	}
	for _, one := range []string{"Android", "iPhone", "iPad", "Windows", "Mac OS X", "Linux"} {
		if strings.Contains(header, one) {
			system = " on " + strings.Replace(one, "Mac OS X", "macOS", 1)
			break
		}
	}
	if program == "" {
		return "another program" + system
	}
	return program + system
}

// holding are the logins or tokens that hold, without those of people who were removed here, or have another password.
func (h *Handlers) holding(kind access.Kind) []access.Grant {
	return slices.DeleteFunc(h.Authority.Grants.List(kind, time.Now()), func(g access.Grant) bool {
		return g.Home == h.Self && h.Authority.LocalRole(g.Identity()) == access.Nobody
	})
}

// GET /logins: one's own; an admin sees everybody's.
func (h *Handlers) listLogins(w http.ResponseWriter, r *http.Request) error {
	s := sessionOf(r)
	list := []grant{}
	for _, g := range h.holding(access.Login) {
		if s.Owns(g) || s.Role.Allows(access.Sessions) {
			list = append(list, grantJSON(g, s))
		}
	}
	if !wantsHTML(r) {
		return writeJSON(w, http.StatusOK, list)
	}
	view := templates.Logins{Page: h.page(r, "Logins and tokens"), AllUsers: s.Role.Allows(access.Sessions)}
	for _, g := range list {
		view.Logins = append(view.Logins, grantView(g))
	}
	if s.Role.Allows(access.Tokens) {
		for _, g := range h.holding(access.Token) {
			view.Tokens = append(view.Tokens, grantView(grantJSON(g, s)))
		}
	}
	return h.set.Render(w, http.StatusOK, "logins", view)
}

func grantView(g grant) templates.Grant {
	return templates.Grant{
		ID:      g.ID,
		Name:    g.Name,
		User:    g.User,
		Role:    g.Role.String(),
		Addr:    g.Addr,
		Agent:   g.Agent,
		Made:    g.Made,
		Seen:    g.Seen,
		Expires: g.Expires,
		Current: g.Current,
	}
}

// DELETE /logins/{login}
func (h *Handlers) endLogin(w http.ResponseWriter, r *http.Request) error {
	s := sessionOf(r)
	g, err := h.Authority.Grants.Get(chi.URLParam(r, "login"))
	if err != nil || g.Kind != access.Login || !s.Owns(g) && !s.Role.Allows(access.Sessions) {
		return errNoGrant
	}
	tell(r.Context(), g.User, g.Agent)
	s.release() // it may be the one that asks, which is to be answered
	return done(w, h.end(g))
}

var errNoGrant = &problem{
	Status: http.StatusNotFound,
	Text:   "there is no such login or token",
	Hint:   "it may have ended already",
}

// end ends a grant, on all nodes.
func (h *Handlers) end(g access.Grant) error {
	if g.Revoked.IsZero() {
		g.Revoked = time.Now().UTC()
	}
	return h.learn(g)
}

// done answers 204, unless something failed.
func done(w http.ResponseWriter, err error) error {
	if err == nil {
		w.WriteHeader(http.StatusNoContent)
	}
	return err
}

// DELETE /logins: all of one's own, or with user, which is an admin's to say, all of that user's.
func (h *Handlers) endLogins(w http.ResponseWriter, r *http.Request) error {
	s := sessionOf(r)
	user, generation := r.URL.Query().Get("user"), ""
	if user == "" || user == s.User && !s.Role.Allows(access.Sessions) {
		user, generation = s.User, s.Generation
	}
	if user != s.User && !s.Role.Allows(access.Sessions) {
		return refused(s.Role, access.Sessions)
	}
	if len(user) > 100 || strings.ContainsFunc(user, unicode.IsControl) {
		return badRequest("this is not a valid user name")
	}
	tell(r.Context(), user, "everywhere")
	s.release() // as in endLogin
	return done(w, h.learn(access.NewRevocation(user, generation, time.Now().UTC(), sessionLife)))
}

// GET /tokens
func (h *Handlers) listTokens(w http.ResponseWriter, r *http.Request) error {
	list := []grant{}
	for _, g := range h.holding(access.Token) {
		list = append(list, grantJSON(g, sessionOf(r)))
	}
	return writeJSON(w, http.StatusOK, list)
}

// tokenAsked is what POST /tokens takes.
type tokenAsked struct {
	Name string `json:"name"`
	Role string `json:"role"`
	Days int    `json:"days"`
}

// POST /tokens
func (h *Handlers) makeToken(w http.ResponseWriter, r *http.Request) error {
	asked := tokenAsked{Role: access.Viewer.String(), Days: usualTokenDays}
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 4096)).Decode(&asked); err != nil {
		return badBody(err)
	}
	asked.Name = strings.TrimSpace(asked.Name)
	role, err := access.ParseRole(asked.Role)
	switch {
	case err != nil:
		return badRequest("%v", err)
	case access.CheckName(asked.Name) != nil:
		return badRequest("a token's name must have 1 to 64 characters of a-z, 0-9, dot, dash, underscore and @")
	case asked.Days < 1 || asked.Days > maxTokenDays:
		return badRequest("days must be 1 to %d", maxTokenDays)
	}
	s, now, own := sessionOf(r), time.Now().UTC(), 0
	others := h.holding(access.Token)
	if len(others) >= maxTokens {
		return &problem{
			Status: http.StatusConflict,
			Text:   fmt.Sprintf("there are %d tokens already", maxTokens),
			Hint:   "end those that you do not need",
		}
	}
	for _, other := range others {
		if !s.Owns(other) {
			continue
		}
		own++
		if other.Name == asked.Name { // another's, or one of an earlier password, is not in the list that one could end it in
			return &problem{
				Status: http.StatusConflict,
				Text:   "a token with this name exists",
				Hint:   "end it first, or choose another name",
			}
		}
	}
	if own >= tokensOfUser {
		return overShare("tokens")
	}
	tell(r.Context(), asked.Name, fmt.Sprintf("%s, for %d days", role, asked.Days))
	who := s.who()
	who.Role = min(role, s.Role)
	text, g := access.NewToken(asked.Name, who, now, now.AddDate(0, 0, asked.Days))
	if err := h.learn(g); err != nil {
		return err
	}
	made := grantJSON(g, s)
	made.Token = text
	return writeJSON(w, http.StatusCreated, made)
}

// DELETE /tokens/{token}
func (h *Handlers) endToken(w http.ResponseWriter, r *http.Request) error {
	g, err := h.Authority.Grants.Get(chi.URLParam(r, "token"))
	if errors.Is(err, access.ErrNoGrant) || g.Kind != access.Token {
		return errNoGrant
	}
	tell(r.Context(), g.Name, "")
	sessionOf(r).release() // as in endLogin
	return done(w, h.end(g))
}
