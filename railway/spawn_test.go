package railway

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"convoy/internal/railwaytest"
)

func TestCreateService(t *testing.T) {
	inBubble(t, railwaytest.Options{}, nil, func(t *testing.T, k *kit) {
		k.mustSpawn()
		got := k.only()
		if got.Name != "convoy-k3fz" || got.Image != "ghcr.io/example/convoy:1" {
			t.Errorf("service is %q of image %q, want convoy-k3fz of the control plane's image", got.Name, got.Image)
		}
		want := map[string]string{
			"CONVOY_QUERY": "convoy.railway.internal", "CONVOY_PROVIDER": "none",
			"CONVOY_COOKIE": "${{shared.CONVOY_COOKIE}}", "CONVOY_TOKEN": "${{convoy.CONVOY_TOKEN}}",
			MarkerVariable: railwaytest.Control + "/" + railwaytest.Environment,
		}
		if !maps.Equal(got.Variables, want) {
			t.Errorf("variables are %v, want %v", got.Variables, want)
		}
		for key, value := range map[string]any{"healthcheckPath": "/healthz", "restartPolicyType": "ON_FAILURE",
			"sleepApplication": false} {
			if got.Settings[key] != value {
				t.Errorf("setting %s is %v, want %v", key, got.Settings[key], value)
			}
		}
		if s := k.one(); !s.Running || s.Name != nodeName {
			t.Errorf("listed is %+v, want it running", s)
		}
	})
}

func TestOneDeploymentPerSpawn(t *testing.T) {
	for _, auto := range []bool{false, true} {
		t.Run(map[bool]string{false: "asked for", true: "automatically"}[auto], func(t *testing.T) {
			inBubble(t, railwaytest.Options{AutoDeploy: auto}, nil, func(t *testing.T, k *kit) {
				k.mustSpawn()
				if got := k.only(); len(got.Deployments) != 1 {
					t.Errorf("deployments are %v, want one", got.Deployments)
				}
				if want := map[bool]int{false: 1, true: 0}[auto]; k.s.Count("deployInstance") != want {
					t.Errorf("%d deployments were asked for, want %d", k.s.Count("deployInstance"), want)
				}
			})
		})
	}
}

// TestSpawn_LostAnswers interrupts each call of a spawn in each way. There is always one service with one deployment,
// or none.
func TestSpawn_LostAnswers(t *testing.T) {
	ops := []string{
		"createService",
		"updateInstance",
		"deployInstance",
		"oneInstance",
		"variableNames",
		"inventory",
		"variablesOf",
	}
	faults := map[string]railwaytest.Fault{
		"cut before acting": {Cut: true},
		"cut after acting":  {Cut: true, Act: true},
		"502 before acting": {Status: 502},
		"502 after acting":  {Status: 502, Act: true},
		"limit":             {Status: 429, Retry: 7 * time.Second},
		"no json":           {Body: "<html>"},
	}
	for _, op := range ops {
		for name, fault := range faults {
			t.Run(op+" "+name, func(t *testing.T) {
				t.Parallel()
				inBubble(t, railwaytest.Options{}, nil, func(t *testing.T, k *kit) {
					k.s.Fail(op, fault)
					k.mustSpawn()
					if got := k.only(); len(got.Deployments) != 1 || got.Status != "SUCCESS" {
						t.Errorf("service is %+v, want it deployed once", got)
					}
				})
			})
		}
	}
}

// TestSpawn_LooksBeforeItMakesAgain: after a lost answer the name is looked up first.
func TestSpawn_LooksBeforeItMakesAgain(t *testing.T) {
	for _, act := range []bool{false, true} {
		inBubble(t, railwaytest.Options{}, nil, func(t *testing.T, k *kit) {
			pass(time.Second)
			k.s.Fail("createService", railwaytest.Fault{Cut: true, Act: act})
			k.mustSpawn()
			calls := k.s.Calls()
			first := slices.Index(calls, "createService")
			second := first + 1 + slices.Index(calls[first+1:], "createService")
			if act && second > first {
				t.Errorf("calls are %v, want one createService: the first one had acted", calls)
			}
			if !act && !slices.Contains(calls[first:second], "inventory") {
				t.Errorf("calls are %v, want a look between the two createService", calls)
			}
		})
	}
}

func TestSpawn_RateLimitShows(t *testing.T) {
	inBubble(t, railwaytest.Options{}, nil, func(t *testing.T, k *kit) {
		k.s.Fail("createService", railwaytest.Fault{Status: 429, Retry: 40 * time.Second})
		began := time.Now()
		k.mustSpawn()
		if took := time.Since(began); took < 40*time.Second {
			t.Errorf("spawn took %v, Railway asked for 40 s", took)
		}
		if !strings.Contains(k.stepNames(), limitStep) {
			t.Errorf("steps are %s, want one that explains the delay", k.stepNames())
		}
	})
}

func TestSpawn_Refusals(t *testing.T) {
	tests := []struct {
		name    string
		opts    railwaytest.Options
		change  func(*Config)
		prepare func(k *kit)
		want    string // in the error
	}{
		{
			name:   "project token",
			opts:   railwaytest.Options{ProjectLimits: true},
			change: func(c *Config) { c.Token, c.TokenKind = railwaytest.ProjectToken, ProjectToken },
			want:   "set RAILWAY_API_TOKEN",
		},
		{
			name:    "no permission",
			prepare: func(k *kit) { k.s.Fail("createService", railwaytest.Fault{Message: "Not Authorized", Trace: "t-77"}) },
			want:    "t-77",
		},
		{name: "name taken", prepare: func(k *kit) { k.s.AddService("convoy-k3fz", nil) }, want: "not created by this"},
		{name: "no cookie", prepare: func(k *kit) { k.s.SetShared(nil) }, want: "CONVOY_COOKIE"},
		{name: "no source", prepare: func(k *kit) { k.s.SetControl("", "") }, want: "CONVOY_NODE_IMAGE"},
		{
			name:    "update refused",
			prepare: func(k *kit) { k.s.Fail("updateInstance", railwaytest.Fault{Message: "Problem processing request"}) },
			want:    "Problem processing request",
		},
		{name: "deploy refused", prepare: func(k *kit) {
			k.s.Fail("deployInstance", railwaytest.Fault{Message: "free deploys are paused"})
		}, want: "free deploys are paused"},
		{name: "token in a variable", change: func(c *Config) {
			c.Variables = func(string) map[string]string { return map[string]string{"X": "a " + railwaytest.AccountToken} }
		}, want: "-share-token"},
		{name: "echoed token", prepare: func(k *kit) {
			k.s.Fail("createService", railwaytest.Fault{Message: "bad header Bearer " + railwaytest.AccountToken})
		}, want: "[token]"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, test.opts, test.change, func(t *testing.T, k *kit) {
				if test.prepare != nil {
					test.prepare(k)
				}
				before := len(k.s.Services())
				err := k.spawn()
				if err == nil || !strings.Contains(err.Error(), test.want) {
					t.Errorf("error is %v, want one with %q", err, test.want)
				}
				if n := len(k.s.Services()); n != before {
					t.Errorf("%d services remain, want %d", n, before)
				}
				if unused := k.s.Unused(); len(unused) > 0 {
					t.Errorf("faults of %v were not hit", unused)
				}
			})
		})
	}
}

// failureTests are failed deployments and part of their error.
var failureTests = []struct {
	name   string
	stages []railwaytest.Stage
	want   string
}{
	{
		"build fails",
		append(
			railwaytest.Build()[:3:3],
			railwaytest.Stage{
				After:  time.Second,
				Status: "FAILED",
				Fails:  "BUILD_IMAGE",
				Error:  "exit code 1",
				Detail: "go: no such module",
			},
		),
		"build image: exit code 1 (go: no such module)",
	},
	{
		"health check fails",
		append(
			railwaytest.Image()[:4:4],
			railwaytest.Stage{After: time.Second, Status: "FAILED", Fails: "HEALTHCHECK", Error: "no 200 within 120 s"},
		),
		"healthcheck: no 200 within 120 s",
	},
	{
		"crashes",
		append(railwaytest.Image()[:4:4], railwaytest.Stage{After: time.Second, Status: "CRASHED"}),
		"crashed again and again; see its log",
	},
	{"skipped", []railwaytest.Stage{{Status: "QUEUED"}, {After: time.Second, Status: "SKIPPED"}}, "skipped"},
	{"vanishes", append(railwaytest.Image()[:3:3], railwaytest.Stage{After: time.Second, Vanish: true}), "on Railway"},
	{"stuck", railwaytest.Image()[:2], "no news of its deployment for 20m"},
	{
		"unknown status",
		[]railwaytest.Stage{{Status: "QUEUED"}, {After: time.Second, Status: "PONDERING"}},
		"status PONDERING",
	},
	{"no approval", []railwaytest.Stage{{Status: "NEEDS_APPROVAL"}}, "waited 1h0m0s for approval"},
	{
		"stopped",
		append(railwaytest.Image()[:3:3], railwaytest.Stage{After: time.Second, Status: "SUCCESS", Stopped: true}),
		"was stopped",
	},
}

func TestSpawn_FailuresHaveReasons(t *testing.T) {
	for _, test := range failureTests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			script := func(string, int) []railwaytest.Stage { return slices.Clone(test.stages) }
			for _, sockets := range []bool{true, false} {
				inBubble(t, railwaytest.Options{Script: script, NoSockets: !sockets}, nil, func(t *testing.T, k *kit) {
					err := k.spawn()
					if err == nil || !strings.Contains(err.Error(), test.want) {
						t.Errorf("sockets %v: error is %v, want one with %q\n%s", sockets, err, test.want, k.logged())
					}
				})
			}
		})
	}
}

func TestSpawn_Budget(t *testing.T) {
	for name, stages := range map[string]func() []railwaytest.Stage{"image": railwaytest.Image,
		"repository": railwaytest.Build} {
		for _, sockets := range []bool{true, false} {
			t.Run(name, func(t *testing.T) {
				inBubble(
					t,
					railwaytest.Options{Script: func(string, int) []railwaytest.Stage { return stages() }, NoSockets: !sockets},
					nil,
					func(t *testing.T, k *kit) {
						pass(time.Second)
						before := k.s.Count()
						k.mustSpawn()
						pass(time.Minute)
						n := k.s.Count() - before
						t.Logf("sockets %v: a spawn of an %s took %d calls", sockets, name, n)
						if n >= 60 {
							t.Errorf("a spawn took %d calls, want fewer than 60: %v", n, k.s.Calls()[before:])
						}
					},
				)
			})
		}
	}
}

func TestSpawn_FromRepository(t *testing.T) {
	inBubble(t, railwaytest.Options{}, func(c *Config) { c.Region = "europe-west4-drams3a" }, func(t *testing.T, k *kit) {
		k.s.SetControl("", "example/convoy")
		k.mustSpawn()
		got := k.only()
		if got.Repo != "example/convoy" || got.Image != "" {
			t.Errorf("source is image %q, repository %q, want the control plane's repository", got.Image, got.Repo)
		}
		if region, ok := got.Settings["multiRegionConfig"].(map[string]any); !ok || region["europe-west4-drams3a"] == nil {
			t.Errorf("settings are %v, want the region", got.Settings)
		}
	})
}

func TestSpawn_ShareToken(t *testing.T) {
	inBubble(t, railwaytest.Options{}, func(c *Config) { c.ShareToken = true }, func(t *testing.T, k *kit) {
		k.s.SetShared(map[string]string{"CONVOY_COOKIE": "x", "RAILWAY_API_TOKEN": "y"})
		k.mustSpawn()
		if got := k.only().Variables["RAILWAY_API_TOKEN"]; got != "${{shared.RAILWAY_API_TOKEN}}" {
			t.Errorf("token is %q, want a reference", got)
		}
	})
}

func TestSpawn_BadNames(t *testing.T) {
	inBubble(t, railwaytest.Options{}, nil, func(t *testing.T, k *kit) {
		for _, name := range []string{"", "convoy", "convoy@convoy.railway.internal", "convoy@other-1.railway.internal",
			"convoy@convoy-A.railway.internal", "convoy@convoy-a.elsewhere", "x@convoy-a.railway.internal",
			"convoy@convoy-a-.railway.internal"} {
			if err := k.p.Spawn(t.Context(), name, k.step); err == nil {
				t.Errorf("Spawn(%q) went well", name)
			}
			if err := k.p.Retire(t.Context(), name, k.step); err == nil {
				t.Errorf("Retire(%q) went well", name)
			}
		}
		if n := k.s.Count("createService", "deleteService"); n != 0 {
			t.Errorf("%d services were made or deleted", n)
		}
	})
}

func TestSpawn_NotTwiceAtOnce(t *testing.T) {
	inBubble(t, railwaytest.Options{}, nil, func(t *testing.T, k *kit) {
		first := make(chan error, 1)
		go func() { first <- k.spawn() }()
		pass(time.Second)
		if err := k.spawn(); !errors.Is(err, errBusy) {
			t.Errorf("second spawn: %v, want %v", err, errBusy)
		}
		if err := <-first; err != nil {
			t.Error(err)
		}
	})
}
