package session

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"
)

// keys sign values: the first signs, all are accepted.
type keys [][]byte

// sign encodes v as JSON, with an HMAC-SHA-256 (RFC 2104), each base64url. The prefix is signed too, and distinguishes
// kinds of values: it has a dot, or is empty.
func (k keys) sign(prefix string, v any) string {
	body, _ := json.Marshal(v) //nolint:errcheck // strings and times always marshal
	text := base64.RawURLEncoding.EncodeToString(body)
	return text + "." + base64.RawURLEncoding.EncodeToString(MAC(k[0], prefix+text))
}

// verify decodes a signed value; false if it is forged or broken.
func (k keys) verify(prefix, signed string, into any) bool {
	text, sum, found := strings.Cut(signed, ".")
	given, err := base64.RawURLEncoding.DecodeString(sum)
	if !found || err != nil {
		return false
	}
	if !slices.ContainsFunc(k, func(key []byte) bool { return hmac.Equal(given, MAC(key, prefix+text)) }) {
		return false
	}
	body, err := base64.RawURLEncoding.DecodeString(text)
	return err == nil && json.Unmarshal(body, into) == nil
}

// MAC is the HMAC-SHA-256 of a text.
func MAC(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}
