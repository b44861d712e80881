package access

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"strings"
	"time"
)

// Names of those whom no file of users knows. They hold a colon, which no user's name may.
const (
	// ConsoleToken is whoever shows the token that the console was started with.
	ConsoleToken = "token:console"
	// nodePrefix begins the names of nodes that ask on nobody's behalf.
	nodePrefix = "node:"
)

// NodeItself is a node that asks for itself: it may look.
func NodeIdentity(node string) Identity {
	return Identity{User: nodePrefix + node, Role: Viewer, Home: node}
}

// Who is somebody who asks, and by what right. It is carried by sessions, tokens, shells, links and requests between
// nodes, and is proof of nothing by itself: what carries it is signed or kept by a node. What somebody may do now says
// [Authority.Role] alone.
type Identity struct {
	User string `json:"user"`
	Role Role   `json:"role"` // when this was made
	// Most is the most that an API token gives; Nobody: there is no such limit.
	MaxRole Role `json:"most,omitempty"`
	// Home is the node that let the user in, and answers for what the user may do now.
	Home string `json:"home,omitempty"`
	// Generation is the user's at that time: another password, or another user of the same name, has another.
	Generation string `json:"gen,omitempty"`
	// Grant is the id of the login or the token, and Made when a login began; zero for a token.
	Grant   string    `json:"grant,omitempty"`
	Created time.Time `json:"made,omitzero"`
	// Until is when the login or the token ends, if nobody ends it before.
	NotAfter time.Time `json:"until,omitzero"`
}

// inFile reports whether a file of users knows the user.
func (w Identity) inFile() bool { return !strings.Contains(w.User, ":") }

// Owns reports whether a login or token is the same person's: of that name and that generation.
func (w Identity) Owns(g Grant) bool { return g.User == w.User && g.Generation == w.Generation }

// String is the form that ParseWho reads.
func (w Identity) String() string {
	text, _ := json.Marshal(w) //nolint:errcheck // strings and a time always marshal
	return string(text)
}

// ParseWho reads what String gives.
func ParseIdentity(text string) (w Identity, err error) {
	if json.Unmarshal([]byte(text), &w) != nil || w.User == "" || w.Role == Nobody {
		return Identity{}, errors.New("the user is missing")
	}
	return w, nil
}

// Generation is a short name of a secret, such as a password's hash: another secret has another name, and nothing can
// be learnt of it. It is empty for an empty secret.
func Generation(secret ...string) string {
	text := strings.Join(secret, "\x00")
	if text == "" {
		return ""
	}
	sum := sha256.Sum256([]byte("convoy generation\x00" + text))
	return hex.EncodeToString(sum[:8])
}
