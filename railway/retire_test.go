package railway

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"convoy/internal/railwaytest"
)

func (k *kit) retire(name string) error { return k.p.Retire(k.t.Context(), name, k.step) }

func TestRetire(t *testing.T) {
	inBubble(t, railwaytest.Options{Deletes: 6 * time.Second}, nil, func(t *testing.T, k *kit) {
		k.mustSpawn()
		for range 2 { // again: no error
			if err := k.retire(nodeName); err != nil {
				t.Fatal(err)
			}
			if list := k.s.Services(); len(list) != 0 {
				t.Errorf("services that remain: %+v", list)
			}
			if list := k.listed(); len(list) != 0 {
				t.Errorf("listed are %+v", list)
			}
		}
		if n := k.s.Count("deleteService"); n != 1 {
			t.Errorf("%d deletes, want 1", n)
		}
	})
}

func TestRetire_Guards(t *testing.T) {
	tests := []struct {
		name    string
		service string
		made    map[string]string
		want    error
	}{
		{"a stranger's", "convoy-else", nil, ErrNotOurs},
		{"another Convoy's", "convoy-else", map[string]string{MarkerVariable: "another/one"}, ErrNotOurs},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			inBubble(t, railwaytest.Options{}, nil, func(t *testing.T, k *kit) {
				k.s.AddService(test.service, test.made)
				if err := k.retire("convoy@" + test.service + ".railway.internal"); !errors.Is(err, test.want) {
					t.Errorf("error is %v, want %v", err, test.want)
				}
				if k.s.Count("deleteService") != 0 {
					t.Error("it was deleted")
				}
			})
		})
	}
}

// TestRetire_NeverItself: even if it is named like a node and has the marker.
func TestRetire_NeverItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := railwaytest.New(t, railwaytest.Options{})
		id := s.AddService("convoy-self", nil)
		k := newKit(t, s, func(c *Config) { c.Service = id })
		k.start()
		if err := k.retire("convoy@convoy-self.railway.internal"); !errors.Is(err, ErrSelf) {
			t.Errorf("error is %v, want %v", err, ErrSelf)
		}
		if s.Count("deleteService") != 0 {
			t.Error("it was deleted")
		}
	})
}

func TestRetire_SaysThatVolumesRemain(t *testing.T) {
	inBubble(t, railwaytest.Options{}, nil, func(t *testing.T, k *kit) {
		k.mustSpawn()
		k.s.AddVolume("convoy-k3fz", "data", "/var/data")
		if err := k.retire(nodeName); err != nil {
			t.Fatal(err)
		}
		if len(k.said) != 1 || !strings.Contains(k.said[0].Text, "volume data at /var/data remains") || k.said[0].Hint == "" {
			t.Errorf("notices are %+v, want one about the volume", k.said)
		}
		if !strings.Contains(k.stepNames(), "volume data at /var/data remains") {
			t.Errorf("steps are %s", k.stepNames())
		}
	})
}

func TestRetire_WithLostAnswers(t *testing.T) {
	for _, op := range []string{"deleteService", "inventory", "variablesOf", "volumes"} {
		for name, fault := range map[string]railwaytest.Fault{"cut before": {Cut: true}, "cut after": {Cut: true, Act: true},
			"502 after": {Status: 502, Act: true}, "limit": {Status: 429, Retry: 5 * time.Second}} {
			t.Run(op+" "+name, func(t *testing.T) {
				t.Parallel()
				inBubble(t, railwaytest.Options{}, nil, func(t *testing.T, k *kit) {
					k.mustSpawn()
					k.s.Fail(op, fault)
					if err := k.retire(nodeName); err != nil {
						t.Error(err)
					}
					if list := k.s.Services(); len(list) != 0 {
						t.Errorf("services that remain: %+v", list)
					}
				})
			})
		}
	}
}

func TestRetire_Refused(t *testing.T) {
	inBubble(t, railwaytest.Options{}, nil, func(t *testing.T, k *kit) {
		k.mustSpawn()
		k.s.Fail("deleteService", railwaytest.Fault{Message: "Not Authorized"})
		if err := k.retire(nodeName); err == nil || !strings.Contains(err.Error(), "Owner or Admin") {
			t.Errorf("error is %v, want one that says who may", err)
		}
		if s := k.one(); !s.Running {
			t.Errorf("told %+v, want it running still", s)
		}
	})
}

// TestRetire_DuringSpawn retires at every moment of a spawn: nothing remains, even later.
func TestRetire_DuringSpawn(t *testing.T) {
	for _, op := range []string{"variableNames", "createService", "updateInstance", "oneInstance", "deployInstance", ""} {
		t.Run("at "+op, func(t *testing.T) {
			t.Parallel()
			inBubble(t, railwaytest.Options{}, nil, func(t *testing.T, k *kit) {
				done, at := make(chan error, 1), make(chan struct{})
				if op == "" {
					time.AfterFunc(3*time.Second, func() { close(at) })
				} else {
					k.s.Fail(op, railwaytest.Fault{Act: true, Hook: func() { close(at); time.Sleep(time.Second) }})
				}
				go func() { done <- k.spawn() }()
				<-at
				if err := k.retire(nodeName); err != nil {
					t.Error(err)
				}
				if err := <-done; err == nil {
					t.Error("the spawn went well")
				}
				pass(10 * time.Minute)
				if list := k.s.Services(); len(list) != 0 {
					t.Errorf("services that remain: %+v\n%s", list, k.logged())
				}
			})
		})
	}
}

// TestRetire_LateService: the answer to a create is lost, the node is retired, and then the service appears.
func TestRetire_LateService(t *testing.T) {
	inBubble(t, railwaytest.Options{}, nil, func(t *testing.T, k *kit) {
		for range mutationTries {
			k.s.Fail("createService", railwaytest.Fault{Cut: true})
		}
		if err := k.spawn(); err == nil {
			t.Fatal("the spawn went well")
		}
		if err := k.retire(nodeName); err != nil {
			t.Fatal(err)
		}
		k.s.AddService("convoy-k3fz", marked(nil))
		pass(5 * time.Minute)
		if list := k.s.Services(); len(list) != 0 {
			t.Errorf("services that remain: %+v", list)
		}
	})
}
