package railway

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"convoy/internal/railwaytest"
)

// TestRestart_AtEveryStep ends the control plane at every call of a spawn, before and after Railway acted, and restarts
// it: there is one service with one deployment, or none if it was not created.
func TestRestart_AtEveryStep(t *testing.T) {
	ops := []string{"oneInstance", "variableNames", "createService", "updateInstance", "deployInstance", "running"}
	for _, op := range ops {
		for _, act := range []bool{false, true} {
			for _, gentle := range []bool{false, true} {
				t.Run(
					op+map[bool]string{false: " before", true: " after"}[act]+map[bool]string{false: " killed",
						true: " stopped"}[gentle],
					func(t *testing.T) {
						t.Parallel()
						synctest.Test(t, func(t *testing.T) { restartAt(t, op, act, gentle) })
					},
				)
			}
		}
	}
}

func restartAt(t *testing.T, op string, act, gentle bool) {
	s := railwaytest.New(t, railwaytest.Options{})
	k := newKit(t, s, nil)
	ctx, kill := context.WithCancel(context.Background())
	if err := k.p.Start(ctx); err != nil {
		t.Fatal(err)
	}
	at := make(chan struct{})
	if op == "running" {
		time.AfterFunc(3*time.Second, func() { close(at) })
	} else {
		s.Fail(op, railwaytest.Fault{Act: act, Cut: true, Hook: func() { close(at); time.Sleep(100 * time.Millisecond) }})
	}
	spawning, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- k.p.Spawn(spawning, nodeName, k.step) }()
	<-at
	if !gentle { // nothing more reaches Railway
		k.wire.cut.Store(true)
	}
	cancel()
	kill()
	<-done
	k.stop()
	created := len(s.Services()) == 1

	again := newKit(t, s, nil)
	again.start()
	pass(10 * time.Minute)
	list := s.Services()
	switch {
	case len(list) > 1:
		t.Fatalf("services are %+v, want one at most", list)
	case created && len(list) == 0:
		t.Fatal("the service was lost")
	case len(list) == 0:
		return
	}
	if got := list[0]; len(got.Deployments) != 1 || got.Status != "SUCCESS" {
		t.Errorf("service is %+v, want it deployed once\n%s", got, again.logged())
	}
	if one := again.one(); !one.Running || one.Name != nodeName || one.Created.IsZero() {
		t.Errorf("told %+v, want it running", one)
	}
	again.checkSecrets()
}

// TestRestart_HalfMadeCannotBeFinished: it is listed with a reason, and can be retired.
func TestRestart_HalfMadeCannotBeFinished(t *testing.T) {
	inBubble(t, railwaytest.Options{}, nil, func(t *testing.T, k *kit) {
		k.s.AddService("convoy-k3fz", marked(nil))
		k.s.Fail("updateInstance", railwaytest.Fault{Message: "no such image"})
		pass(10 * time.Minute)
		if one := k.one(); one.Running || one.Provisioning || one.Message == "" {
			t.Errorf("told %+v, want the reason", one)
		}
		if n := k.s.Count("updateInstance"); n != 1 {
			t.Errorf("it was tried %d times, want once", n)
		}
		if err := k.retire(nodeName); err != nil {
			t.Error(err)
		}
		if list := k.s.Services(); len(list) != 0 {
			t.Errorf("services that remain: %+v", list)
		}
	})
}

// TestRestart_Overlap: while Railway redeploys the control plane, two of them run. The new one leaves what the old one
// is creating.
func TestRestart_Overlap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := railwaytest.New(t, railwaytest.Options{})
		before, after := newKit(t, s, nil), newKit(t, s, nil)
		before.start()
		s.Fail("updateInstance", railwaytest.Fault{Act: true, Hook: func() { time.Sleep(30 * time.Second) }})
		done := make(chan error, 1)
		go func() { done <- before.spawn() }()
		pass(time.Second)
		after.start()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		pass(10 * time.Minute)
		if got := after.only(); len(got.Deployments) != 1 || s.Count("updateInstance") != 1 {
			t.Errorf("service is %+v after %d updates, want one of each", got, s.Count("updateInstance"))
		}
		if one := after.one(); !one.Running {
			t.Errorf("the new node is %+v, want it running", one)
		}
	})
}
