package cli

import (
	"convoy/access"
	"maps"
	"testing"
)

func TestParseRoles(t *testing.T) {
	t.Parallel()
	got, err := parseRoles("/admins=admin, cn=ops=operator,*=viewer")
	if want := map[string]access.Role{"/admins": access.Admin, "cn=ops": access.Operator, "*": access.Viewer}; err != nil || !maps.Equal(got, want) {
		t.Errorf("%v, %v, want %v", got, err, want)
	}
}

func TestRedirectURL(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{"": "", "https://c.example": "https://c.example/login/openid/callback", "https://c.example/": "https://c.example/login/openid/callback",
		"http://localhost:4000/login/openid/callback": "http://localhost:4000/login/openid/callback"} {
		if got, err := redirectURL(text); err != nil || got != want {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
}
