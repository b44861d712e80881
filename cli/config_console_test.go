package cli

import (
	"maps"
	"strings"
	"testing"

	"convoy/access"
)

func TestBadFlags_OpenID(t *testing.T) {
	t.Parallel()
	const known = "-openid-issuer https://id.example -openid-client x"
	const complete = known + " -openid-roles *=viewer"
	for _, test := range []struct{ args, want string }{
		{"-openid-issuer http://id.example -openid-client x -openid-roles *=viewer", "not https"},
		{"-openid-issuer id.example", "not the URL"},
		{"-openid-issuer https://id.example -openid-roles *=viewer", "-openid-client"},
		{known, "-openid-roles"},
		{known + " -openid-roles staff", "gives no role"},
		{known + " -openid-roles staff=root", "is not a role"},
		{known + " -openid-roles a=viewer,a=admin", "listed twice"},
		{complete + " -openid-role-claim ", "-openid-role-claim"},
		{complete + " -openid-redirect https://c.example/other", "-openid-redirect"},
		{complete + " -openid-redirect c.example", "-openid-redirect"},
		{"-openid-roles *=viewer", "without -openid-issuer"},
	} {
		refuses(t, strings.Split(test.args, " "), nil, test.want)
	}
}

func TestParseRoles(t *testing.T) {
	t.Parallel()
	got, err := parseRoles("/admins=admin, cn=ops=operator,*=viewer")
	want := map[string]access.Role{"/admins": access.Admin, "cn=ops": access.Operator, "*": access.Viewer}
	if err != nil || !maps.Equal(got, want) {
		t.Errorf("%v, %v, want %v", got, err, want)
	}
}

func TestRedirectURL(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                   "",
		"https://c.example":  "https://c.example/login/openid/callback",
		"https://c.example/": "https://c.example/login/openid/callback",
		"http://localhost:4000/login/openid/callback": "http://localhost:4000/login/openid/callback",
	} {
		if got, err := redirectURL(text); err != nil || got != want {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
}

func TestTLS_Flags(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		args []string
		want string
	}{
		{[]string{"-tls-cert", "x"}, "only one of"},
		{[]string{"-tls-cert", "x", "-tls-key", "y"}, "no such file"},
		{[]string{"-tls-self", "-tls-cert", "x", "-tls-key", "y"}, "cannot be combined"},
	} {
		if _, err := readConfig(test.args, testEnv(nil)); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%q: %v, want %q", test.args, err, test.want)
		}
	}
}
