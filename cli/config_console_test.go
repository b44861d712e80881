package cli

import (
	"maps"
	"strings"
	"testing"

	"convoy/access"
	"convoy/handlers/session"
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
	for _, test := range []struct{ base, text, want string }{
		{"", "", ""},
		{"", "https://c.example", "https://c.example/login/openid/callback"},
		{"", "https://c.example/", "https://c.example/login/openid/callback"},
		{"", "http://localhost:4000/login/openid/callback", "http://localhost:4000/login/openid/callback"},
		{"/convoy", "https://c.example", "https://c.example/convoy/login/openid/callback"},
		{"/convoy", "https://c.example/convoy/", "https://c.example/convoy/login/openid/callback"},
	} {
		if got, err := redirectURL(test.text, test.base+session.OpenIDCallback); err != nil || got != test.want {
			t.Errorf("%q below %q: %q, %v", test.text, test.base, got, err)
		}
	}
	if got, err := redirectURL("https://c.example/login/openid/callback", "/convoy"+session.OpenIDCallback); err == nil {
		t.Errorf("a callback that the proxy does not pass on: %q", got)
	}
}

func TestBasePath(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{"/": "", "/convoy/": "/convoy", "/tools/convoy": "/tools/convoy"} {
		cfg, err := readConfig([]string{"-base-path", text}, testEnv(nil))
		if err != nil || cfg.BasePath != want {
			t.Errorf("%q: %q, %v; want %q", text, cfg.BasePath, err, want)
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
