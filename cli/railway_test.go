package cli

import (
	"testing"

	"convoy/internal/railwaytest"
)

// Without a token for its API, no variable of Railway makes it the provider.
func TestRailway_WithoutATokenNodesAreLocal(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		env  map[string]string
		want string
	}{
		{nil, "local"},
		{map[string]string{
			"RAILWAY_PROJECT_ID":     railwaytest.Project,
			"RAILWAY_ENVIRONMENT_ID": railwaytest.Environment,
		}, "local"},
		{map[string]string{"RAILWAY_PRIVATE_DOMAIN": "convoy.railway.internal", "CONVOY_COOKIE": testCookie}, "none"},
		{map[string]string{"RAILWAY_API_TOKEN": railwaytest.AccountToken, "CONVOY_COOKIE": testCookie}, "railway"},
		{map[string]string{"RAILWAY_TOKEN": railwaytest.ProjectToken, "CONVOY_COOKIE": testCookie}, "railway"},
	} {
		cfg, err := readConfig(nil, testEnv(test.env))
		if err != nil || cfg.Provider != test.want {
			t.Errorf("%v: provider %q, %v, want %q", test.env, cfg.Provider, err, test.want)
		}
	}
}
