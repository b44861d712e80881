package templates

import "time"

// Logins is the page with logins and API tokens.
type Logins struct {
	Page
	AllUsers bool    // all users' logins, not only the reader's
	Logins   []Grant // most recently used first
	Tokens   []Grant // only for those who can create them
}

// Grant is a login or a token.
type Grant struct {
	ID, Name, User, Role, Addr, Agent string
	Made, Seen, Expires               time.Time
	Current                           bool // the reader's own
}
