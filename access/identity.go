package access

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"strings"
	"time"
)

// Users that are in no users file. A colon is not allowed in the names of a file.
const (
	// ConsoleToken is the user who logs in with the console's token.
	ConsoleToken = "token:console"
	// nodePrefix is the prefix of nodes that act for no user.
	nodePrefix = "node:"
)

// NodeIdentity is the identity of a node that acts for itself, as a viewer.
func NodeIdentity(node string) Identity {
	return Identity{User: nodePrefix + node, Role: Viewer, Home: node}
}

// Identity is a user, and how the user logged in. Sessions, tokens, shells, share links and requests between nodes
// carry one. It proves nothing by itself: what carries it is signed, or kept by a node. Only [Authority.Role] decides
// what the user may do now.
type Identity struct {
	User string `json:"user"`
	Role Role   `json:"role"` // at the login
	// MaxRole limits the role of an API token; Nobody: no limit.
	MaxRole Role `json:"most,omitempty"`
	// Home is the node where the user logged in, which decides the user's current role.
	Home string `json:"home,omitempty"`
	// Generation is the user's at the login: it changes with the password, and differs for another user of the same name.
	Generation string `json:"gen,omitempty"`
	// Grant is the id of the login or token. Created is when the login began; zero for a token.
	Grant   string    `json:"grant,omitempty"`
	Created time.Time `json:"made,omitzero"`
	// NotAfter is when the login or token expires.
	NotAfter time.Time `json:"until,omitzero"`
}

// inFile reports whether the user can be in a users file.
func (id Identity) inFile() bool { return !strings.Contains(id.User, ":") }

// Owns reports whether a login or token belongs to the same user: the same name and generation.
func (id Identity) Owns(g Grant) bool { return g.User == id.User && g.Generation == id.Generation }

// String returns the form that ParseIdentity reads.
func (id Identity) String() string {
	text, _ := json.Marshal(id) //nolint:errcheck // strings and a time always marshal
	return string(text)
}

// ParseIdentity parses what String returns.
func ParseIdentity(text string) (id Identity, err error) {
	if json.Unmarshal([]byte(text), &id) != nil || id.User == "" || id.Role == Nobody {
		return Identity{}, errors.New("the user is missing")
	}
	return id, nil
}

// Generation returns a short fingerprint of a secret, such as a password's hash, which reveals nothing about it. It is
// empty for an empty secret.
func Generation(secret ...string) string {
	text := strings.Join(secret, "\x00")
	if text == "" {
		return ""
	}
	sum := sha256.Sum256([]byte("convoy generation\x00" + text))
	return hex.EncodeToString(sum[:8])
}
