package session

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"strings"
)

// Keys sign texts: the first signs, all are accepted.
type Keys [][]byte

// Seal encodes a text and its HMAC-SHA-256 (RFC 2104), each base64url. The prefix is signed too, and distinguishes
// kinds of texts: it has a dot, or is empty.
func (k Keys) Seal(prefix, text string) string {
	coded := base64.RawURLEncoding.EncodeToString([]byte(text))
	return coded + "." + signature(k[0], prefix+coded)
}

// Open decodes a sealed text; ok is false if it is forged or broken.
func (k Keys) Open(prefix, sealed string) (text string, ok bool) {
	coded, sum, _ := strings.Cut(sealed, ".")
	for _, key := range k {
		if hmac.Equal([]byte(sum), []byte(signature(key, prefix+coded))) {
			raw, err := base64.RawURLEncoding.Strict().DecodeString(coded)
			return string(raw), err == nil
		}
	}
	return "", false
}

// signature is the HMAC of a text.
func signature(key []byte, text string) string {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil))
}

// sign seals a value as JSON.
func (k Keys) sign(prefix string, v any) string {
	body, _ := json.Marshal(v) //nolint:errcheck // strings and times always marshal
	return k.Seal(prefix, string(body))
}

// verify decodes a signed value; false if it is forged or broken.
func (k Keys) verify(prefix, signed string, into any) bool {
	text, ok := k.Open(prefix, signed)
	return ok && json.Unmarshal([]byte(text), into) == nil
}
