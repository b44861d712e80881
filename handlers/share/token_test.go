package share

import (
	"bytes"
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"convoy/handlers/session"
)

func keyOf(b byte) []byte { return bytes.Repeat([]byte{b}, 32) }

func TestShareTokens(t *testing.T) {
	t.Parallel()
	s := Share{
		ID:      "0123456789abcdef",
		Node:    "convoy@convoy-k3fz.convoy.internal",
		Shell:   "9k2m4x7qpa",
		Types:   true,
		Expires: time.Unix(1795000000, 0).UTC(),
	}
	keys := Keys{keyOf('a'), keyOf('b')}
	token := keys.Token(s)
	// As docs/protocol.md has it.
	const want = "MSB0eXBlIDE3OTUwMDAwMDAgMDEyMzQ1Njc4OWFiY2RlZiBjb252b3lAY29udm95LWszZnouY29udm95LmludGVybmFsIDlrMm00eDdxcGE.jJVWsdxY04-HyC1wjtcZhXQnIAZ7fV1tLg_3_NEa4B4"
	if token != want {
		t.Errorf("token %q, want %q", token, want)
	}
	text, sum, _ := strings.Cut(token, ".")
	longest := s
	longest.Node = strings.Repeat("n", 32) + "@" + strings.Repeat("h", 253)
	for _, test := range []struct {
		name, token string
		want        *Share
	}{
		{"own", token, &s},
		{"the longest name", keys.Token(longest), &longest},
		{"by the key before", Keys{keyOf('b')}.Token(s), &s},
		{"by another cluster", Keys{keyOf('c')}.Token(s), nil},
		{"cut", token[:len(token)-1], nil},
		{"cut to the text", text, nil},
		{"another text", "A" + token, nil},
		{"another sum", text + "." + strings.ToUpper(sum), nil},
		{"a newline in the sum", text + "." + sum[:5] + "\n" + sum[5:], nil},
		{"more behind", token + ".", nil},
		{"padded", token + "=", nil},
		{"empty", "", nil},
		{"a dot", ".", nil},
		{"huge", token + strings.Repeat("a", 1<<20), nil},
	} {
		got, ok := keys.Verify(test.token)
		if ok != (test.want != nil) || ok && got != *test.want {
			t.Errorf("%s: %+v, %v, want %+v", test.name, got, ok, test.want)
		}
	}
}

// What an older or a newer version might say, signed by the right key.
func TestShareTokensOfOtherVersions(t *testing.T) {
	t.Parallel()
	keys := Keys{keyOf('a')}
	for _, words := range []string{"", "2 watch 1 id n s", "1 own 1 id n s", "1 watch x id n s", "1 watch -1 id n s",
		"1 watch 1 id n", "1 watch 1 id n s more", "1 watch 1  n s", "1 watch 1 id n "} {
		if s, ok := keys.Verify(session.Keys(keys).Seal("", words)); ok {
			t.Errorf("%q is %+v", words, s)
		}
	}
}

func FuzzShareToken(f *testing.F) {
	keys := Keys{keyOf('a')}
	f.Add(keys.Token(Share{ID: "i", Node: "n@h", Shell: "s", Expires: time.Unix(1, 0)}))
	f.Add("MQ.AAAA")
	f.Fuzz(func(t *testing.T, token string) {
		if s, ok := keys.Verify(token); ok && keys.Token(s) != token {
			t.Errorf("%q is a token of %+v, which has another", token, s)
		}
		text, _, _ := strings.Cut(token, ".")
		words, err := base64.RawURLEncoding.Strict().DecodeString(text)
		if s, ok := decode(string(words)); err == nil && ok { // as if the sum were right
			if again, ok := keys.Verify(keys.Token(s)); len(token) < maxToken-64 && (!ok || again != s) {
				t.Errorf("%+v comes back as %+v, %v", s, again, ok)
			}
		}
	})
}
