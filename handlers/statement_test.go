package handlers

import (
	"testing"
	"time"

	"convoy/access"
)

// Nothing but what was signed is a statement.
func FuzzStatement(f *testing.F) {
	now := time.Date(2026, 11, 25, 10, 0, 0, 0, time.UTC)
	good := statement{
		Who:   access.Identity{User: "ann", Role: access.Operator, Grant: "x"},
		Addr:  "[::1]:5",
		Until: now.Add(statementLife).UTC(),
	}
	signed := signStatement(keyOf('n'), good)
	f.Add(signed)
	f.Add(signStatement(keyOf('z'), good))
	f.Add("1.e30.AAAA")
	f.Add("..")
	f.Fuzz(func(t *testing.T, text string) {
		said, ok := readStatement([][]byte{keyOf('n')}, text, now)
		if text == signed && !ok || ok && (said.Who != good.Who || !said.Until.Equal(good.Until)) {
			t.Errorf("%q is %+v, %v", text, said, ok)
		}
	})
}
