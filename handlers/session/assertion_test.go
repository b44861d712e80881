package session

import (
	"bytes"
	"testing"
	"time"

	"convoy/access"
)

// Only what was signed is an assertion.
func FuzzAssertion(f *testing.F) {
	now := time.Date(2026, 11, 25, 10, 0, 0, 0, time.UTC)
	good := Assertion{
		Who:   access.Identity{User: "ann", Role: access.Operator, Grant: "x"},
		Addr:  "[::1]:5",
		Until: now.Add(AssertionLife).UTC(),
	}
	signed := good.Sign(keyOf('n'))
	f.Add(signed)
	f.Add(good.Sign(keyOf('z')))
	f.Add("1.e30.AAAA")
	f.Add("..")
	f.Fuzz(func(t *testing.T, text string) {
		said, ok := VerifyAssertion([][]byte{keyOf('n')}, text, now)
		if text == signed && !ok || ok && (said.Who != good.Who || !said.Until.Equal(good.Until)) {
			t.Errorf("%q is %+v, %v", text, said, ok)
		}
	})
}

func keyOf(c byte) []byte { return bytes.Repeat([]byte{c}, 32) }
