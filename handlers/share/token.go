package share

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"convoy/handlers/session"
)

// Share is what a link says: its holder may view one shell, or type in it, until it expires. It is valid only as long
// as the shell's node has it in its list (Links).
type Share struct {
	ID      string // of the link on its node
	Node    string // full name
	Shell   string
	Types   bool
	Expires time.Time // in whole seconds
}

const (
	tokenVersion = "1"
	maxToken     = 512 // bytes; the longest name of a node makes 502
)

// right is what a guest may do, in one word.
func (s Share) right() string {
	if s.Types {
		return "type"
	}
	return "watch"
}

func (s Share) expired(now time.Time) bool { return !now.Before(s.Expires) }

// key is the shell's name on a stream.
func (s Share) key() string { return s.Node + "/" + s.Shell }

// path is where the shell's node serves the link to other nodes, below /nodes/{node}.
func (s Share) path() string {
	return "/shells/" + url.PathEscape(s.Shell) + "/shared/" + url.PathEscape(s.ID)
}

// Keys sign tokens: the first signs, all are accepted.
type Keys [][]byte

// Token is the secret part of a link's address: the share, sealed.
func (k Keys) Token(s Share) string {
	words := fmt.Sprintf("%s %s %d %s %s %s", tokenVersion, s.right(), s.Expires.Unix(), s.ID, s.Node, s.Shell)
	return session.Keys(k).Seal("", words)
}

// Verify decodes a token; ok is false if it was not made with one of the keys. The share may have expired.
func (k Keys) Verify(token string) (s Share, ok bool) {
	if len(token) > maxToken {
		return Share{}, false
	}
	words, ok := session.Keys(k).Open("", token)
	if !ok {
		return Share{}, false
	}
	return decode(words)
}

// decode decodes the text of a token.
func decode(words string) (s Share, ok bool) {
	part := strings.Split(words, " ")
	if len(part) != 6 || part[0] != tokenVersion || part[1] != "watch" && part[1] != "type" {
		return Share{}, false
	}
	seconds, err := strconv.ParseInt(part[2], 10, 64)
	if err != nil || seconds < 0 || part[3] == "" || part[4] == "" || part[5] == "" {
		return Share{}, false
	}
	return Share{
		ID:      part[3],
		Node:    part[4],
		Shell:   part[5],
		Types:   part[1] == "type",
		Expires: time.Unix(seconds, 0).UTC(),
	}, true
}
