package handlers

import (
	"bytes"
	"time"

	"convoy/access"
)

// What session promises (docs/security.md, docs/protocol.md).
const (
	sessionLife  = 30 * 24 * time.Hour
	seenStep     = time.Hour
	claimLife    = time.Minute
	passLife     = 10 * time.Second
	loginsOfUser = 64
	tokensOfUser = 50
)

// grant is a login or token in answers.
type grant struct {
	ID, Name, User, Addr, Agent, Token string
	Role                               access.Role
	Made, Seen, Expires                time.Time
	Current                            bool
}

func keyOf(c byte) []byte { return bytes.Repeat([]byte{c}, 32) }
