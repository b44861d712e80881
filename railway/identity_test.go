package railway

import (
	"strings"
	"testing"
	"time"

	"convoy/internal/railwaytest"
)

// tokenTests are tokens and the refusals that they lead to.
var tokenTests = []struct {
	name   string
	opts   railwaytest.Options
	change func(*Config)
	want   string // part of the refusal; empty: none
	kind   TokenKind
}{
	{name: "account", kind: Bearer},
	{name: "workspace", change: func(c *Config) { c.Token = railwaytest.WorkspaceToken }, kind: Bearer},
	{
		name:   "project",
		change: func(c *Config) { c.Token, c.TokenKind = railwaytest.ProjectToken, ProjectToken },
		kind:   ProjectToken,
	},
	{name: "project, ids unknown", change: func(c *Config) {
		c.Token, c.TokenKind, c.Project, c.Environment = railwaytest.ProjectToken, ProjectToken, "", ""
	}, kind: ProjectToken},
	{name: "account token in RAILWAY_TOKEN", change: func(c *Config) { c.TokenKind = ProjectToken }, kind: Bearer},
	{name: "none", change: func(c *Config) { c.Token = "" }, want: "there is no Railway token"},
	{name: "wrong", change: func(c *Config) { c.Token = "wrong-token" }, want: "set RAILWAY_API_TOKEN"},
	{
		name:   "wrong, and answered as anonymous",
		opts:   railwaytest.Options{LooseNobody: true},
		change: func(c *Config) { c.Token = "wrong-token" },
		want:   "set RAILWAY_API_TOKEN",
	},
	{
		name:   "wrong project token",
		change: func(c *Config) { c.Token, c.TokenKind = "wrong-token", ProjectToken },
		want:   "set RAILWAY_API_TOKEN",
	},
	{
		name:   "project token as account token",
		change: func(c *Config) { c.Token = railwaytest.ProjectToken },
		want:   "set RAILWAY_API_TOKEN",
	},
	{name: "another project's token", change: func(c *Config) {
		c.Token, c.TokenKind, c.Project = railwaytest.ProjectToken, ProjectToken, "another"
	}, want: "set RAILWAY_API_TOKEN"},
	{name: "wrong environment", change: func(c *Config) { c.Environment = "another" }, want: "cannot see this project"},
	{name: "wrong project", change: func(c *Config) { c.Project = "another" }, want: "not an environment of"},
	{name: "no ids", change: func(c *Config) { c.Project = "" }, want: "RAILWAY_PROJECT_ID"},
}

func TestToken_IsChecked(t *testing.T) {
	for _, test := range tokenTests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, test.opts, test.change, func(t *testing.T, k *kit) {
				refusal := k.p.Unavailable()
				if (refusal == "") != (test.want == "") || !strings.Contains(refusal, test.want) {
					t.Fatalf("refusal is %q, want %q", refusal, test.want)
				}
				if test.want == "" {
					if kind := k.p.client.kind.Load(); kind != test.kind {
						t.Errorf("kind is %v, want %v", kind, test.kind)
					}
					k.mustSpawn()
					return
				}
				if err := k.spawn(); err == nil || err.Error() != refusal {
					t.Errorf("spawn: %v, want the refusal", err)
				}
				if err := k.p.Retire(t.Context(), nodeName, k.step); err == nil || err.Error() != refusal {
					t.Errorf("retire: %v, want the refusal", err)
				}
				before := k.s.Count()
				pass(time.Hour)
				if n := k.s.Count() - before; n > 40 {
					t.Errorf("%d calls in an hour by an unproved token", n)
				}
				if n := k.s.Count("createService", "deleteService", "updateInstance", "deployInstance"); n > 0 {
					t.Errorf("%d changes were asked for", n)
				}
			})
		})
	}
}

// TestRailwayIsDownAtStart: the refusal disappears on its own.
func TestRailwayIsDownAtStart(t *testing.T) {
	inBubbleUnstarted(t, func(t *testing.T, k *kit) {
		for range 2 * queryTries {
			k.s.Fail("apiTokenContext", railwaytest.Fault{Status: 503})
		}
		k.start()
		if refusal := k.p.Unavailable(); !strings.Contains(refusal, "is not available") {
			t.Errorf("refusal is %q", refusal)
		}
		pass(2 * time.Minute)
		if refusal := k.p.Unavailable(); refusal != "" {
			t.Errorf("refusal stays: %s", refusal)
		}
		k.mustSpawn()
	})
}

// TestHiccupsAreNotABadToken: what is not an answer about the token does not count against it, and is tried again.
func TestHiccupsAreNotABadToken(t *testing.T) {
	for text, fault := range map[string]railwaytest.Fault{
		"Problem processing request":                         {Message: "Problem processing request"},
		"Forbidden: Sorry, you have been blocked (HTTP 403)": {Status: 403, Body: "<html><h1>Sorry, you have been blocked"},
		"Moved Permanently: bad gateway (HTTP 301)":          {Status: 301},
		"the answer is empty":                                {Body: `{"data":null}`},
	} {
		inBubbleUnstarted(t, func(t *testing.T, k *kit) {
			for range 2 * queryTries {
				k.s.Fail("apiTokenContext", fault)
			}
			k.start()
			if refusal := k.p.Unavailable(); !strings.Contains(refusal, "does not answer as expected") ||
				!strings.Contains(refusal, text) {
				t.Errorf("refusal is %q, want %q", refusal, text)
			}
			pass(20 * time.Minute)
			if refusal := k.p.Unavailable(); refusal != "" {
				t.Errorf("refusal stays: %s", refusal)
			}
		})
	}
}

// TestToken_Revoked: the console becomes read-only, and its list stays.
func TestToken_Revoked(t *testing.T) {
	inBubble(t, railwaytest.Options{}, nil, func(t *testing.T, k *kit) {
		k.mustSpawn()
		k.s.Revoke()
		pass(2 * time.Minute)
		if refusal := k.p.Unavailable(); !strings.Contains(refusal, "does not know the token") {
			t.Errorf("refusal is %q", refusal)
		}
		if s := k.one(); !s.Running {
			t.Errorf("told %+v, want it running still", s)
		}
	})
}

func TestProjectAndEnvironmentAreRailways(t *testing.T) {
	inBubble(t, railwaytest.Options{}, func(c *Config) {
		c.Token, c.TokenKind, c.Project, c.Environment = railwaytest.ProjectToken, ProjectToken, "", ""
	}, func(t *testing.T, k *kit) {
		if project, env := k.p.scope(); project != railwaytest.Project || env != railwaytest.Environment {
			t.Errorf("place is %s, %s, want the token's", project, env)
		}
	})
	p, err := New(Config{PrivateDomain: "console.railway.internal", Base: "fleet"})
	if err != nil {
		t.Fatal(err)
	}
	if got := p.NodeName("convoy-k3fz"); got != "fleet@convoy-k3fz.railway.internal" {
		t.Errorf("node name is %q", got)
	}
}

func TestNew_Refuses(t *testing.T) {
	tests := map[string]Config{
		"https://":                          {Endpoint: "http://backboard.railway.com/graphql/v2"},
		"not a URL":                         {Endpoint: "backboard"},
		"a URL such as":                     {Endpoint: "https://user:secret@example.com/"},
		"characters that tokens never have": {Token: "two words"},
		"must be":                           {TokenKind: "cookie"},
	}
	for want, cfg := range tests {
		if want == "not a URL" {
			want = "is not a URL"
		}
		if _, err := New(cfg); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("New(%+v): %v, want %q", cfg, err, want)
		}
	}
	for _, endpoint := range []string{"", "https://example.com/graphql", "http://localhost:1/", "http://127.0.0.1:1/",
		"http://[::1]:1/"} {
		if _, err := New(Config{Endpoint: endpoint}); err != nil {
			t.Errorf("endpoint %q: %v", endpoint, err)
		}
	}
}

func TestFunctions(t *testing.T) {
	inBubble(t, railwaytest.Options{}, nil, func(t *testing.T, k *kit) {
		k.mustSpawn()
		me, err := k.p.Me(t.Context())
		if err != nil || me.Name != "Ada" || me.Project != railwaytest.Project || me.Workspaces[0] != "A Workspace" ||
			me.Calls.Total == 0 {
			t.Errorf("me is %+v, %v", me, err)
		}
		services, err := k.p.Services(t.Context())
		if err != nil || len(services) != 2 || services[0].Name != "convoy" || services[0].Ours || !services[1].Ours ||
			services[1].Status != "SUCCESS" {
			t.Errorf("services are %+v, %v", services, err)
		}
		instances, err := k.p.Instances(t.Context())
		if err != nil || len(instances) != 2 || instances[1].Service != "convoy-k3fz" ||
			instances[1].Containers[0] != "RUNNING" {
			t.Errorf("instances are %+v, %v", instances, err)
		}
		nodes, err := k.p.Nodes(t.Context())
		if err != nil || len(nodes) != 1 || nodes[0].Name != nodeName || !nodes[0].Running {
			t.Errorf("nodes are %+v, %v", nodes, err)
		}
	})
}

func TestFunctions_MeOfOtherTokens(t *testing.T) {
	for _, token := range []string{railwaytest.WorkspaceToken, railwaytest.ProjectToken} {
		inBubble(t, railwaytest.Options{}, func(c *Config) {
			c.Token = token
			if token == railwaytest.ProjectToken {
				c.TokenKind = ProjectToken
			}
		}, func(t *testing.T, k *kit) {
			me, err := k.p.Me(t.Context())
			if err != nil || me.Email != "" || me.Project == "" {
				t.Errorf("me is %+v, %v", me, err)
			}
		})
	}
}

func TestFunctions_SayWhyNot(t *testing.T) {
	inBubble(t, railwaytest.Options{}, func(c *Config) { c.Token = "" }, func(t *testing.T, k *kit) {
		if _, err := k.p.Services(t.Context()); err == nil || !strings.Contains(err.Error(), "there is no Railway token") {
			t.Errorf("error is %v", err)
		}
		if n := k.s.Count(); n != 0 {
			t.Errorf("%d calls without a token", n)
		}
	})
}

func TestCheck(t *testing.T) {
	inBubble(t, railwaytest.Options{}, nil, func(t *testing.T, k *kit) {
		findings := k.p.Check(t.Context())
		for _, f := range findings {
			if !f.OK {
				t.Errorf("%s: %s", f.Name, f.Text)
			}
		}
		if last := findings[len(findings)-2]; last.Name != "spawn" ||
			!strings.Contains(last.Text, "ghcr.io/example/convoy:1") {
			t.Errorf("what would be spawned is %+v", last)
		}
		if n := k.s.Count("createService", "deleteService", "updateInstance", "deployInstance"); n > 0 {
			t.Error("a check changed something")
		}
	})
	inBubble(t, railwaytest.Options{}, func(c *Config) { c.Token = "wrong" }, func(t *testing.T, k *kit) {
		if findings := k.p.Check(t.Context()); len(findings) != 1 || findings[0].OK {
			t.Errorf("findings are %+v, want the token's alone", findings)
		}
	})
}

func TestProvider_StartAndClose(t *testing.T) {
	inBubbleUnstarted(t, func(t *testing.T, k *kit) {
		if err := k.spawn(); err == nil {
			t.Error("a spawn before the start went well")
		}
		k.start()
		if err := k.p.Start(t.Context()); err == nil {
			t.Error("a second start went well")
		}
		k.stop()
		if err := k.spawn(); err == nil {
			t.Error("a spawn after the end went well")
		}
	})
	p, err := New(Config{})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Close(t.Context()); err != nil {
		t.Errorf("close without a start: %v", err)
	}
}

// TestLimit_Long: a pause that is too long to wait for is reported immediately, and nothing is sent until it ends.
func TestLimit_Long(t *testing.T) {
	inBubble(t, railwaytest.Options{}, nil, func(t *testing.T, k *kit) {
		pass(time.Second)
		k.s.Fail("createService", railwaytest.Fault{Status: 429, Retry: 30 * time.Minute})
		if err := k.spawn(); err == nil || !strings.Contains(err.Error(), "try again in 30m0s") {
			t.Errorf("error is %v, want how long to wait", err)
		}
		pass(time.Second) // requests in progress are done
		before := k.s.Count()
		pass(29 * time.Minute)
		if n := k.s.Count() - before; n != 0 {
			t.Errorf("%d calls while Railway asked for none", n)
		}
		pass(2 * time.Minute)
		k.mustSpawn()
	})
}
