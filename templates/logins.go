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

// Grant is a login or a token.
type Grant struct {
	ID, Name, User, Role, Addr, Agent string
	Made, Seen, Expires               time.Time
	Current                           bool // the reader's own
}
