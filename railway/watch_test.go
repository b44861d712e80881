package railway

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"convoy/fleet"
	"convoy/internal/railwaytest"
)

// TestWatch_AllStatuses: every status has a meaning, and none is watched forever.
func TestWatch_AllStatuses(t *testing.T) {
	tests := []struct {
		status  string
		stopped bool
		now     string // the immediate result: running, making, or part of the message
		late    string // and two hours later
	}{
		{"QUEUED", false, "making", "no news"},
		{"WAITING", false, "making", "no news"},
		{"INITIALIZING", false, "making", "no news"},
		{"BUILDING", false, "making", "no news"},
		{"DEPLOYING", false, "making", "no news"},
		{"NEEDS_APPROVAL", false, "making", "approve it"},
		{"SUCCESS", false, "running", "running"},
		{"SUCCESS", true, "was stopped", "was stopped"},
		{"SLEEPING", false, "asleep", "asleep"},
		{"FAILED", false, "failed", "failed"},
		{"CRASHED", false, "crashed", "crashed"},
		{"SKIPPED", false, "skipped", "skipped"},
		{"REMOVING", false, "being removed", "being removed"},
		{"REMOVED", false, "was removed", "was removed"},
		{"SOMETHING_NEW", false, "making", "no news"},
	}
	seen := map[string]bool{}
	for _, test := range tests {
		seen[test.status] = true
		t.Run(test.status, func(t *testing.T) {
			t.Parallel()
			script := func(string, int) []railwaytest.Stage {
				return []railwaytest.Stage{{Status: test.status, Stopped: test.stopped}}
			}
			inBubble(t, railwaytest.Options{Script: script}, nil, func(t *testing.T, k *kit) {
				k.s.AddService("convoy-aaaa", marked(nil))
				k.s.Deploy("convoy-aaaa")
				pass(2 * time.Minute)
				if got := said(k.one()); !strings.Contains(got, test.now) {
					t.Errorf("told %q, want %q", got, test.now)
				}
				pass(2 * time.Hour)
				if got := said(k.one()); !strings.Contains(got, test.late) {
					t.Errorf("two hours later told %q, want %q", got, test.late)
				}
			})
		})
	}
	for status := range phases {
		if !seen[status] {
			t.Errorf("status %s is not tested", status)
		}
	}
}

func said(s fleet.Service) string {
	switch {
	case s.Running:
		return "running"
	case s.Provisioning:
		return "making"
	default:
		return s.Message
	}
}

// TestWatch_IdleHour: an hour without changes, with five nodes.
func TestWatch_IdleHour(t *testing.T) {
	for _, sockets := range []bool{true, false} {
		inBubble(t, railwaytest.Options{NoSockets: !sockets}, nil, func(t *testing.T, k *kit) {
			for _, name := range []string{"convoy-aaaa", "convoy-bbbb", "convoy-cccc", "convoy-dddd", "convoy-eeee"} {
				k.s.AddService(name, marked(nil))
				k.s.Deploy(name)
			}
			pass(5 * time.Minute)
			before := k.s.Count()
			for range 60 {
				pass(time.Minute)
				k.s.Drop()
			}
			n := k.s.Count() - before
			t.Logf("sockets %v: %d calls in an idle hour, by its own count %d", sockets, n, k.p.Budget().Hour)
			if n >= 120 {
				t.Errorf("%d calls in an idle hour, want fewer than 120", n)
			}
			if got := k.p.Budget().Hour; sockets && (got < n-3 || got > n+3) {
				t.Errorf("the budget counts %d calls in the last hour, Railway %d", got, n)
			}
		})
	}
}

// TestWatch_SmallPlan: on the free plan, with 100 calls per hour, the watcher stays far below.
func TestWatch_SmallPlan(t *testing.T) {
	inBubble(t, railwaytest.Options{Plan: "free", Limit: 100}, nil, func(t *testing.T, k *kit) {
		pass(4 * time.Hour)
		if n := k.s.Count() / 4; n > 50 {
			t.Errorf("%d calls an hour, want at most half of 100", n)
		}
		k.mustSpawn()
	})
}

func TestWatch_LimitReached(t *testing.T) {
	inBubble(t, railwaytest.Options{}, nil, func(t *testing.T, k *kit) {
		pass(time.Minute)
		k.s.Fail("inventory", railwaytest.Fault{Status: 429, Retry: 90 * time.Second})
		k.p.refreshNow()
		pass(time.Second)
		if k.p.Budget().Paused.IsZero() {
			t.Error("the budget does not say that it is paused")
		}
		n := k.s.Count()
		pass(80 * time.Second)
		if again := k.s.Count(); again != n {
			t.Errorf("%d calls while Railway asked for none", again-n)
		}
		pass(time.Minute)
		if again := k.s.Count(); again == n {
			t.Error("no calls after the pause")
		}
	})
}

func TestWatch_OneWatcherForAll(t *testing.T) {
	inBubble(t, railwaytest.Options{}, nil, func(t *testing.T, k *kit) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		pass(time.Minute)
		before := k.s.Count()
		for range 50 {
			go k.p.Watch(ctx, func([]fleet.Service) {})
		}
		pass(10 * time.Minute)
		if n := k.s.Count() - before; n > 12 {
			t.Errorf("50 watchers made %d calls in 10 minutes, want those of one", n)
		}
		cancel()
		synctest.Wait()
	})
}

// TestWatch_WhatHappensOnTheDashboard: others' changes to our services are shown.
func TestWatch_WhatHappensOnTheDashboard(t *testing.T) {
	inBubble(t, railwaytest.Options{}, nil, func(t *testing.T, k *kit) {
		k.mustSpawn()
		id := k.s.Deploy("convoy-k3fz")
		pass(3 * time.Second)
		if s := k.one(); !s.Running {
			t.Errorf("while it is redeployed told %+v, want the old one running", s)
		}
		pass(2 * time.Minute)
		k.p.mu.Lock()
		latest := k.p.find("convoy-k3fz").latest.id
		k.p.mu.Unlock()
		if latest != id {
			t.Errorf("deployment %s is followed, want the newest, %s", latest, id)
		}
		k.s.Set("convoy-k3fz", railwaytest.Stage{Stopped: true}) // not reported by the socket
		pass(2 * time.Minute)
		if s := k.one(); s.Running || !strings.Contains(s.Message, "stopped") {
			t.Errorf("after a stop told %+v", s)
		}
		k.s.Set("convoy-k3fz", railwaytest.Stage{Status: "CRASHED"})
		pass(time.Second)
		if s := k.one(); !strings.Contains(s.Message, "crashed") {
			t.Errorf("a second after a crash told %+v", s)
		}
		k.s.Delete("convoy-k3fz")
		pass(2 * time.Minute)
		if list := k.listed(); len(list) != 0 {
			t.Errorf("after it was deleted listed are %+v", list)
		}
	})
}

func TestWatch_OnlyOurs(t *testing.T) {
	inBubble(t, railwaytest.Options{PageSize: 2}, nil, func(t *testing.T, k *kit) {
		for name, variables := range map[string]map[string]string{
			"convoy-ours": marked(nil), "convoy-none": nil, "postgres": marked(nil),
			"convoy-else": {MarkerVariable: railwaytest.Control + "/another environment"},
		} {
			k.s.AddService(name, variables)
			k.s.SetControl("image", "")
		}
		pass(10 * time.Minute)
		if s := k.one(); s.Name != "convoy@convoy-ours.railway.internal" {
			t.Errorf("listed is %+v, want convoy-ours", s)
		}
		if n := k.s.Count("variablesOf"); n != 3 {
			t.Errorf("markers were asked for %d times, want once for each service named like a node", n)
		}
	})
}

// TestWatch_BadAnswersChangeNothing: services missing from a response with errors, or from an empty one, are not
// removed.
func TestWatch_BadAnswersChangeNothing(t *testing.T) {
	for name, fault := range map[string]railwaytest.Fault{
		"partial":  {Act: true, Message: "Problem processing request"},
		"null":     {Body: `{"data":{"environment":null},"errors":[{"message":"x"}]}`},
		"no data":  {Body: `{"data":null}`},
		"no json":  {Body: `<html>`},
		"502":      {Status: 502},
		"cut":      {Cut: true},
		"refused":  {Message: "Not Authorized"},
		"shape":    {Body: `{"data":{"environment":"x"}}`},
		"nothing":  {Body: `{}`},
		"wrong id": {Status: 404},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, railwaytest.Options{}, nil, func(t *testing.T, k *kit) {
				k.mustSpawn()
				for range 10 {
					k.s.Fail("inventory", fault)
				}
				pass(3 * time.Minute)
				if s := k.one(); !s.Running {
					t.Errorf("told %+v, want it running", s)
				}
				pass(time.Hour)
				if refusal := k.p.Unavailable(); refusal != "" {
					t.Errorf("an hour later: %s", refusal)
				}
			})
		})
	}
}

func TestWatch_SocketTroubles(t *testing.T) {
	troubles := map[string]func(k *kit){
		"dropped":   func(k *kit) { k.s.Drop() },
		"completed": func(k *kit) { k.s.Complete() },
		"pinged":    func(k *kit) { k.s.Ping() },
		"refused":   func(k *kit) { k.s.Fail("watchEvents", railwaytest.Fault{Message: "no"}); k.s.Drop() },
		"cut off":   func(k *kit) { k.s.Fail("watchDeployment", railwaytest.Fault{Cut: true}); k.s.Drop() },
	}
	for name, trouble := range troubles {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBubble(
				t,
				railwaytest.Options{Script: func(string, int) []railwaytest.Stage { return railwaytest.Build() }},
				nil,
				func(t *testing.T, k *kit) {
					done := make(chan error, 1)
					go func() { done <- k.spawn() }()
					for range 5 {
						pass(5 * time.Second)
						trouble(k)
					}
					if err := <-done; err != nil {
						t.Fatal(err)
					}
					pass(time.Second)
					var names []string
					for _, s := range k.one().Steps {
						names = append(names, s.Name)
						if s.Ended.IsZero() {
							t.Errorf("step %s never ends", s.Name)
						}
					}
					for _, want := range []string{"building", "build image", "create container", "healthcheck"} {
						if !slices.Contains(names, want) {
							t.Errorf("steps are %v, want %s", names, want)
						}
					}
				},
			)
		})
	}
}

// TestTimeline: each event appears with its duration, in order.
func TestTimeline(t *testing.T) {
	inBubble(
		t,
		railwaytest.Options{Script: func(string, int) []railwaytest.Stage { return railwaytest.Build() }},
		nil,
		func(t *testing.T, k *kit) {
			k.mustSpawn()
			want := []struct {
				name string
				took time.Duration
			}{
				{
					"queued",
					time.Second,
				},
				{"initializing", 2 * time.Second},
				{"snapshot code", 2 * time.Second},
				{"building", 46 * time.Second},
				{
					"build image",
					40 * time.Second,
				},
				{"publish image", 5 * time.Second},
				{"deploying", 4 * time.Second},
				{"create container", 2 * time.Second},
				{"healthcheck", 2 * time.Second},
			}
			steps := k.one().Steps
			for i, s := range steps {
				if i >= len(want) {
					t.Fatalf("there are more steps than wanted: %+v", steps[i:])
				}
				if s.Name != want[i].name || s.Ended.Sub(s.At).Round(time.Second) != want[i].took {
					t.Errorf("step %d is %s, %v, want %s, %v", i, s.Name, s.Ended.Sub(s.At), want[i].name, want[i].took)
				}
			}
			if len(steps) < len(want) {
				t.Errorf("%d steps, want %d", len(steps), len(want))
			}
			if got, want := k.stepNames(), "preparing, creating service, configuring, starting deployment"; got != want {
				t.Errorf("its own steps are %s, want %s", got, want)
			}
		},
	)
}

func TestDeployment(t *testing.T) {
	inBubble(t, railwaytest.Options{}, nil, func(t *testing.T, k *kit) {
		k.mustSpawn()
		d, err := k.p.Deployment(t.Context(), k.only().Deployments[0])
		if err != nil {
			t.Fatal(err)
		}
		if d.Status != "SUCCESS" || len(d.Events) != 2 || d.Events[0].Step != "create container" || d.Events[0].Took != 2 {
			t.Errorf("deployment is %+v", d)
		}
		if _, err := k.p.Deployment(t.Context(), "nothing"); !is(err, NotFound) {
			t.Errorf("an unknown deployment: %v, want %s", err, NotFound)
		}
	})
}

func TestDeployment_OlderNewsAreNoNews(t *testing.T) {
	at := func(s int) time.Time { return time.Date(2026, 11, 22, 12, 0, s, 0, time.UTC) }
	d := newDeployment("dep-1", at(0))
	tests := []struct {
		status string
		at     int
		news   bool
		want   string
	}{
		{"QUEUED", 1, true, "QUEUED"},
		{"DEPLOYING", 5, true, "DEPLOYING"},
		{"BUILDING", 3, false, "DEPLOYING"}, // a response overtaken by the socket
		{"DEPLOYING", 5, false, "DEPLOYING"},
		{"SUCCESS", 5, true, "SUCCESS"},
	}
	for _, test := range tests {
		news := d.apply(
			deploymentFields{Id: "dep-1", Status: test.status, StatusUpdatedAt: at(test.at), CreatedAt: at(0)}, at(test.at),
		)
		if news != test.news || d.status != test.want {
			t.Errorf(
				"%s of second %d: news %v, status %s, want %v, %s", test.status, test.at, news, d.status, test.news, test.want,
			)
		}
	}
}
