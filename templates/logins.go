package templates

import "time"

// Logins is the page with logins and API tokens.
type Logins struct {
	Page
	LoginList
}

// LoginList is the content of that page.
type LoginList struct {
	AllUsers bool    // all users' logins, not only the reader's
	Logins   []Grant // most recently used first
	MayToken bool    // the reader may create tokens
	Tokens   []Grant
	Made     string // the text of a new token, which is shown once
}

// Grant is a login or a token as docs/protocol.md describes it.
type Grant struct {
	ID      string    `json:"id"`
	Name    string    `json:"name,omitempty"`
	User    string    `json:"user"`
	Role    string    `json:"role"`
	Addr    string    `json:"addr,omitempty"`
	Agent   string    `json:"agent,omitempty"`
	Made    time.Time `json:"made"`
	Seen    time.Time `json:"seen"`
	Expires time.Time `json:"expires"`
	Current bool      `json:"current,omitempty"` // the reader's own
}
