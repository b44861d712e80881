package session

import (
	"net/http/httptest"
	"testing"

	"convoy/access"
)

// A new login takes keys over from the same user's alone.
func TestPageKey_OfTheSameUser(t *testing.T) {
	t.Parallel()
	old := Session{
		Identity: access.Identity{User: "openid:ann", Home: "convoy@convoy.test", Generation: "1", Grant: "x"},
		Keys:     []string{"k"},
	}
	same, user, home, generation := old, old, old, old
	user.User, home.Home, generation.Generation = "openid:bea", "convoy@owner.test", "2"
	r := asUnproven(httptest.NewRequestWithContext(t.Context(), "GET", "/", nil), &old)
	for want, list := range map[int][]Session{1: {same}, 0: {user, home, generation}} {
		for _, s := range list {
			if got := keysOf(r, s); len(got) != want {
				t.Errorf("%+v takes over %d keys", s.Identity, len(got))
			}
		}
	}
}
