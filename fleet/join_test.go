package fleet

import (
	"errors"
	"testing"
	"time"
)

// scene is one node that is being created, seen by both sides.
type scene struct {
	t    *testing.T
	f    *Fleet
	p    *script
	name string
	call call // the pending Spawn, if it was spawned here
}

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// members sets what the cluster sees of the node. The names of instances are their ages: "1" is older than "2".
func (s *scene) members(states ...MemberState) {
	var list []Member
	for i, state := range states {
		list = append(list, s.member(i, state))
	}
	s.f.SetMembers(list)
}

func (s *scene) member(i int, state MemberState) Member {
	return Member{
		Name: s.name, Instance: string(rune('1' + i)), State: state,
		Started: noon.Add(time.Duration(i) * time.Second), Seen: noon.Add(time.Minute),
	}
}

func (s *scene) running() { s.p.serve(Service{Name: s.name, ID: "pid 1", Running: true}) }

func (s *scene) ended(message string) {
	s.p.serve(Service{Name: s.name, ID: "pid 1", Message: message})
}

// spawned completes the pending Spawn, and waits until the fleet knows.
func (s *scene) spawned(err error) {
	s.call.answer <- err
	wait(s.t, s.f, "end of spawn", func([]Node) bool {
		s.f.mu.Lock()
		defer s.f.mu.Unlock()
		return s.f.rows[s.name].spawning == nil
	})
}

const killed = "process ended: signal: killed"

var joinTests = []struct {
	name    string
	spawn   bool // the node is spawned here first
	do      func(*scene)
	want    Status // empty: not on the list
	message string
}{
	{"asked for", true, func(s *scene) {}, Creating, ""},
	{"process there, provider at work", true, func(s *scene) { s.running() }, Creating, ""},
	{"provider done", true, func(s *scene) { s.running(); s.spawned(nil) }, Joining, ""},
	{"provider done before it lists", true, func(s *scene) { s.spawned(nil) }, Joining, ""},
	{"member before the provider is done", true, func(s *scene) { s.running(); s.members(MemberAlive) }, Alive, ""},
	{"member", true, func(s *scene) { s.running(); s.spawned(nil); s.members(MemberAlive) }, Alive, ""},
	{"spawn failed", true, func(s *scene) { s.spawned(errors.New("no room")) }, Failed, "no room"},
	{"spawn failed, service gone", true, func(s *scene) {
		s.running()
		s.spawned(errors.New("no room"))
		s.p.serve()
	}, Failed, "no room"},
	{"spawn failed, joined all the same", true, func(s *scene) {
		s.spawned(errors.New("too slow"))
		s.members(MemberAlive)
	}, Alive, ""},
	{"ended before it joined", true, func(s *scene) {
		s.running()
		s.spawned(nil)
		s.ended("process ended: exit status 1")
	}, Failed, "process ended: exit status 1"},
	{"ended after it joined", true, func(s *scene) {
		s.running()
		s.spawned(nil)
		s.members(MemberAlive)
		s.ended(killed)
	}, Ended, killed},
	{"ended before its process was seen", true, func(s *scene) {
		s.spawned(nil)
		s.members(MemberAlive)
		s.ended(killed)
	}, Ended, killed},
	{"ended before its provider saw it run", true, func(s *scene) {
		s.p.serve(Service{Name: s.name, ID: "pid 1", Provisioning: true})
		s.spawned(nil)
		s.members(MemberAlive)
		s.ended(killed)
	}, Ended, killed},
	{"another node, whose service is said to have ended", false, func(s *scene) {
		s.members(MemberAlive)
		s.ended("cannot tell")
	}, Alive, ""},
	{"ended, and gossip finds out", true, func(s *scene) {
		s.running()
		s.spawned(nil)
		s.members(MemberAlive)
		s.ended(killed)
		s.members(MemberUnreachable)
	}, Ended, killed},
	{"ended, and the cluster forgot", true, func(s *scene) {
		s.running()
		s.spawned(nil)
		s.members(MemberAlive)
		s.ended(killed)
		s.members()
	}, Ended, killed},
	{"ended, a new instance is there before the provider knows", false, func(s *scene) {
		s.running()
		s.members(MemberAlive)
		s.ended("crashed")
		s.members(MemberAlive, MemberAlive)
	}, Alive, ""},
	{"runs again", false, func(s *scene) {
		s.running()
		s.members(MemberAlive)
		s.ended("crashed")
		s.members(MemberUnreachable)
		s.running()
	}, Joining, ""},
	{"ran all the time", false, func(s *scene) {
		s.running()
		s.members(MemberAlive)
		s.ended("cannot tell")
		s.running()
	}, Alive, ""},
	{"unreachable with a running service", true, func(s *scene) {
		s.running()
		s.spawned(nil)
		s.members(MemberAlive)
		s.members(MemberUnreachable)
	}, Unreachable, noAnswer},
	{"back again", true, func(s *scene) {
		s.running()
		s.spawned(nil)
		s.members(MemberAlive)
		s.members(MemberUnreachable)
		s.members(MemberAlive)
	}, Alive, ""},
	{"service runs, cluster forgot", true, func(s *scene) {
		s.running()
		s.spawned(nil)
		s.members(MemberAlive)
		s.members()
	}, Unreachable, noAnswer},
	{"service deleted elsewhere", true, func(s *scene) {
		s.running()
		s.spawned(nil)
		s.p.serve()
	}, "", ""},
	{"adopted", false, func(s *scene) { s.running() }, Joining, ""},
	{"adopted, ended", false, func(s *scene) { s.ended("crashed") }, Failed, "crashed"},
	{
		"adopted, unreachable",
		false,
		func(s *scene) { s.running(); s.members(MemberUnreachable) },
		Unreachable,
		noAnswer,
	},
	{"another node", false, func(s *scene) { s.members(MemberAlive) }, Alive, ""},
	{
		"another node, lost",
		false,
		func(s *scene) { s.members(MemberAlive); s.members(MemberUnreachable) },
		Unreachable,
		noAnswer,
	},
	{"another node, left", false, func(s *scene) { s.members(MemberAlive); s.members(MemberLeft) }, Left, ""},
	{"another node, forgotten", false, func(s *scene) { s.members(MemberLeft); s.members() }, "", ""},
	{"ours left", true, func(s *scene) {
		s.running()
		s.spawned(nil)
		s.members(MemberAlive)
		s.members(MemberLeft)
	}, Left, ""},
	{
		"redeployed, both alive",
		false,
		func(s *scene) { s.members(MemberAlive, MemberAlive) },
		Alive,
		"2 instances have this name; this is the youngest, older ones leave after a redeploy",
	},
	{"redeployed, old one left", false, func(s *scene) { s.members(MemberLeft, MemberAlive) }, Alive, ""},
	{"redeployed, new one lost", false, func(s *scene) { s.members(MemberAlive, MemberUnreachable) }, Alive, ""},
	{"ghost of an older instance", false, func(s *scene) { s.members(MemberUnreachable, MemberLeft) }, Left, ""},
}

func TestJoin(t *testing.T) {
	for _, test := range joinTests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			f, p := start(t, 5)
			s := &scene{t: t, f: f, p: p, name: "convoy@convoy-test.convoy.internal"}
			if test.spawn {
				var n Node
				n, s.call = spawnOne(t, f, p)
				s.name = n.Name
			}
			test.do(s)
			n, err := f.Find(s.name)
			if test.want == "" {
				if !errors.Is(err, ErrNotFound) {
					t.Fatalf("Find(%q) = %+v, %v, want ErrNotFound", s.name, n, err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if n.Status != test.want || n.Message != test.message {
				t.Errorf("node is %q %q, want %q %q", n.Status, n.Message, test.want, test.message)
			}
		})
	}
}

func TestJoin_YoungestAliveInstanceOwnsTheRow(t *testing.T) {
	tests := []struct {
		name   string
		states []MemberState
		want   string
	}{
		{"both alive", []MemberState{MemberAlive, MemberAlive}, "2"},
		{"younger lost", []MemberState{MemberAlive, MemberUnreachable}, "1"},
		{"older lost", []MemberState{MemberUnreachable, MemberAlive}, "2"},
		{"none alive", []MemberState{MemberUnreachable, MemberLeft}, "2"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f, p := start(t, 5)
			s := &scene{t: t, f: f, p: p, name: "convoy@convoy-test.convoy.internal"}
			s.members(test.states...)
			n, err := f.Find("convoy-test")
			if err != nil || n.Instance != test.want {
				t.Errorf("row shows instance %q, %v, want %q", n.Instance, err, test.want)
			}
		})
	}
}

func TestJoin_SeenIsKept(t *testing.T) {
	f, p := start(t, 5)
	s := &scene{t: t, f: f, p: p, name: "convoy@convoy-test.convoy.internal"}
	s.members(MemberAlive)
	s.members(MemberUnreachable)
	if n, _ := f.Find(s.name); !n.Seen.Equal(noon.Add(time.Minute)) {
		t.Errorf("unreachable member was seen at %v, want %v", n.Seen, noon.Add(time.Minute))
	}

	before := time.Now()
	s.running()
	s.members(MemberAlive)
	s.ended("process ended: signal: killed")
	n, _ := f.Find(s.name)
	if n.Seen.Before(before) {
		t.Errorf("Seen is %v, want the moment when the provider knew of the end", n.Seen)
	}
	s.members(MemberAlive) // gossip does not know yet
	if again, _ := f.Find(s.name); !again.Seen.Equal(n.Seen) || again.Status != Ended {
		t.Errorf("after stale gossip %q seen %v, want ended seen %v", again.Status, again.Seen, n.Seen)
	}
}

func TestJoin_Self(t *testing.T) {
	f, _ := start(t, 5)
	list := f.List()
	if len(list) != 1 || !list[0].Self || !list[0].Control || list[0].Status != Alive || list[0].Retirable {
		t.Fatalf("a fleet alone lists %+v, want itself, alive, not retirable", list)
	}
	f.SetMembers([]Member{{Name: self, Instance: "a", State: MemberAlive, Self: true, Version: "0.1.0"}})
	if n := f.List()[0]; n.Instance != "a" || n.Version != "0.1.0" || n.Host != "convoy.convoy.internal" {
		t.Errorf("self is %+v, want instance a of version 0.1.0", n)
	}
}

func TestList_Order(t *testing.T) {
	f, p := start(t, 5)
	older, _ := spawnOne(t, f, p)
	f.SetMembers([]Member{
		{Name: "convoy@b.x", Instance: "b", State: MemberAlive, Started: noon},
		{Name: "convoy@a.x", Instance: "a", State: MemberAlive, Started: noon},
		{Name: "convoy@z.x", Instance: "z", State: MemberAlive, Started: noon.Add(-time.Hour)},
		{Name: "convoy@control.x", Instance: "c", State: MemberAlive, Started: noon.Add(time.Hour), Control: true},
		{Name: self, Instance: "s", State: MemberAlive, Started: noon, Self: true, Control: true},
	})
	younger, _ := spawnOne(t, f, p)
	want := []string{self, "convoy@control.x", "convoy@z.x", "convoy@a.x", "convoy@b.x", older.Name, younger.Name}
	for i, n := range f.List() {
		if n.Name != want[i] {
			t.Errorf("place %d has %q, want %q", i, n.Name, want[i])
		}
	}
}

func TestFind(t *testing.T) {
	f, _ := start(t, 5)
	f.SetMembers([]Member{
		{Name: "convoy@one.x", Instance: "1", State: MemberAlive},
		{Name: "convoy@two.x", Instance: "2", State: MemberAlive},
		{Name: "convoy@two.y", Instance: "3", State: MemberAlive},
	})
	tests := []struct{ ask, want string }{
		{"convoy@one.x", "convoy@one.x"},
		{"one", "convoy@one.x"},
		{"convoy", self},
		{"two", ""}, // two hosts begin with it
		{"convoy@two.y", "convoy@two.y"},
		{"one.x", ""},
		{"on", ""},
		{"", ""},
	}
	for _, test := range tests {
		n, err := f.Find(test.ask)
		if n.Name != test.want || (test.want == "") != errors.Is(err, ErrNotFound) {
			t.Errorf("Find(%q) = %q, %v, want %q", test.ask, n.Name, err, test.want)
		}
	}
}
