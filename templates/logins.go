package templates

import "time"

// Logins is the page of who is logged in, and of the API tokens.
type Logins struct {
	Page
	Everybody bool    // not only the reader's own
	Logins    []Grant // used last first
	Tokens    []Grant // only for who may make them
}

// Grant is a login or a token.
type Grant struct {
	ID, Name, User, Role, Addr, Agent string
	Made, Seen, Expires               time.Time
	Current                           bool // it is the reader's
}
