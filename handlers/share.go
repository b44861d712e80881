package handlers

import (
	"crypto/hmac"
	"encoding/base64"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// share is what a link says: whoever holds it may watch one shell, or type in it, until a moment. It is good only as
// long as the shell's node has it on its list (links).
type share struct {
	id      string // names the link on its node
	node    string // full name
	shell   string
	types   bool
	expires time.Time // in whole seconds
}

const (
	shareVersion = "1"
	maxToken     = 512 // bytes; the longest name of a node makes 502
)

// right is what may be done, in one word.
func (s share) right() string {
	if s.types {
		return "type"
	}
	return "watch"
}

// over reports that the link's time has come.
func (s share) over(now time.Time) bool { return !now.Before(s.expires) }

// key is the shell's name on a stream.
func (s share) key() string { return s.node + "/" + s.shell }

// path is where the shell's node serves the link, for other nodes.
func (s share) path() string {
	return "/nodes/" + url.PathEscape(s.node) + "/shells/" + url.PathEscape(s.shell) + "/shared/" + url.PathEscape(s.id)
}

// shareKeys sign tokens: the first signs, all are accepted.
type shareKeys [][]byte

// token is the secret part of a link's address: what it says, and an HMAC-SHA-256 (RFC 2104) of that text, each
// base64url.
func (k shareKeys) token(s share) string {
	words := fmt.Sprintf("%s %s %d %s %s %s", shareVersion, s.right(), s.expires.Unix(), s.id, s.node, s.shell)
	text := base64.RawURLEncoding.EncodeToString([]byte(words))
	return text + "." + signature(k[0], text)
}

func signature(key []byte, text string) string {
	return base64.RawURLEncoding.EncodeToString(mac(key, text))
}

// verify reads a token; ok is false if it was not made with one of the keys. Whether its time is over is not looked at.
func (k shareKeys) verify(token string) (s share, ok bool) {
	text, sum, found := strings.Cut(token, ".")
	if !found || len(token) > maxToken {
		return share{}, false
	}
	for _, key := range k {
		if hmac.Equal([]byte(sum), []byte(signature(key, text))) {
			return readShare(text)
		}
	}
	return share{}, false
}

// readShare decodes what a token says.
func readShare(text string) (s share, ok bool) {
	words, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil {
		return share{}, false
	}
	part := strings.Split(string(words), " ")
	if len(part) != 6 || part[0] != shareVersion || part[1] != "watch" && part[1] != "type" {
		return share{}, false
	}
	seconds, err := strconv.ParseInt(part[2], 10, 64)
	if err != nil || seconds < 0 || part[3] == "" || part[4] == "" || part[5] == "" {
		return share{}, false
	}
	return share{
		id:      part[3],
		node:    part[4],
		shell:   part[5],
		types:   part[1] == "type",
		expires: time.Unix(seconds, 0).UTC(),
	}, true
}
