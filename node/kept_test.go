package node

import "testing"

// Only generated secrets pass to the next start, and only one that generates them takes them.
func TestGeneratedSecrets(t *testing.T) {
	t.Parallel()
	given := Config{Token: "given", Cookie: "given"}
	now := given.generated(secrets{"old", "old"})
	if now != (secrets{}) || given.Token != "given" || given.Cookie != "given" {
		t.Errorf("given secrets became %q and %q, kept %q", given.Token, given.Cookie, now)
	}
	made := Config{Token: "new", GeneratedToken: true, Cookie: "given"}
	if now := made.generated(secrets{}); now != (secrets{Token: "new"}) || made.Token != "new" {
		t.Errorf("the first start has %q, kept %q", made.Token, now)
	}
	made.Token = "newer"
	if now := made.generated(secrets{Token: "new"}); now != (secrets{Token: "new"}) || made.Token != "new" {
		t.Errorf("the next start has %q, kept %q", made.Token, now)
	}
}
