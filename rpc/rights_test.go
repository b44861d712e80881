package rpc

import (
	"encoding/json"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"convoy/access"
	"convoy/internal/testkit"
)

// Every function of Convoy shells, including new ones, is refused to users who have lost their rights or have become
// viewers.
func TestRights_EveryFunctionOfShells(t *testing.T) {
	t.Parallel()
	s := newService(t)
	who := s.cfg.Authority.NewIdentity("ann", access.Admin)
	b := s.newSession("test", newProcessName(), func() access.Identity { return who })
	defer b.close()
	if _, err := b.serve(testkit.Context(t), "node.self", nil); err != nil {
		t.Fatalf("while ann is an admin: %v", err)
	}
	refusedAll := func(says string) {
		t.Helper()
		for fn := range sessionFunctions {
			if _, err := b.serve(testkit.Context(t), fn, nil); err == nil || !strings.Contains(err.Error(), says) {
				t.Errorf("%s: %v, want %q", fn, err, says)
			}
		}
	}
	testkit.Must(t, s.cfg.Authority.Users.SetRole("ann", access.Viewer))
	refusedAll("with the role viewer you cannot")
	testkit.Must(t, s.cfg.Authority.Users.SetRole("ann", access.Operator))
	for fn, a := range sessionActions {
		if access.Operator.Allows(a) {
			continue
		}
		_, err := b.serve(testkit.Context(t), fn, nil)
		if err == nil || !strings.Contains(err.Error(), "you need the role admin") {
			t.Errorf("%s by who is an operator now: %v", fn, err)
		}
	}
	testkit.Must(t, s.cfg.Authority.Users.Remove("ann"))
	refusedAll("the login that this shell acts for has ended")
}

// A call in progress ends with a reason when the right to it is lost.
func TestRights_CallsUnderWay(t *testing.T) {
	t.Parallel()
	for says, lose := range map[string]func(u *access.Users) error{
		"the login that this shell acts for has ended": func(u *access.Users) error { return u.Remove("ann") },
		"with the role viewer you cannot": func(u *access.Users) error {
			return u.SetRole("ann", access.Viewer)
		},
	} {
		t.Run(says, func(t *testing.T) {
			t.Parallel()
			s := newService(t)
			ctx := testkit.Context(t)
			go s.cfg.Authority.Run(ctx)
			who := s.cfg.Authority.NewIdentity("ann", access.Operator)
			b := s.newSession("ann", newProcessName(), func() access.Identity { return who })
			defer b.close()
			answer := make(chan error, 1)
			go func() {
				_, err := b.serve(t.Context(), "receive", nil)
				answer <- err
			}()
			for s.calls.bytes.InUse() == 0 && ctx.Err() == nil {
				runtime.Gosched() // until it is in progress
			}
			testkit.Must(t, lose(s.cfg.Authority.Users))
			select {
			case err := <-answer:
				if err == nil || !strings.Contains(err.Error(), says) {
					t.Errorf("it ends with %v, want %q", err, says)
				}
			case <-ctx.Done():
				t.Error("it does not end")
			}
		})
	}
}

// peerFunctions lists the right that each function of nodes needs: to look, which every Convoy shell may; or more, so
// that only the built-in that checks the right can call it.
var peerFunctions = map[string]string{
	"node.self":          "look",
	"node.list":          "look",
	"node.info":          "look",
	"node.ping":          "look",
	"node.stats":         "look",
	"rpc.functions":      "look",
	"worker.state":       "look",
	"fleet.nodes":        "look",
	"logs.tail":          "look",
	"shells.list":        "look",
	"shell.protections":  "look",
	"shell.confinement":  "look",
	"railway.me":         "look",
	"railway.services":   "look",
	"railway.instances":  "look",
	"railway.nodes":      "look",
	"railway.deployment": "look",

	"fleet.spawn":  "more",
	"fleet.retire": "more",
	"shells.run":   "more",
	"shell.eval":   "more",
	"node.connect": "more",
	"access.roles": "more",
}

// Every function of nodes is on the list, and a Convoy shell cannot call those that need more than looking.
func TestRights_EveryFunctionOfNodes(t *testing.T) {
	t.Parallel()
	s := newService(t)
	join(t, s)
	raw, err := s.cfg.Cluster.Call(testkit.Context(t), s.cfg.Self, "rpc.functions")
	testkit.Must(t, err)
	var names []string
	testkit.Must(t, json.Unmarshal(raw, &names))
	who := s.cfg.Authority.NewIdentity("ann", access.Admin)
	b := s.newSession("test", newProcessName(), func() access.Identity { return who })
	defer b.close()
	for _, fn := range names {
		takes, ok := peerFunctions[fn]
		if !ok {
			t.Errorf("%s has no row: may every Convoy shell call it?", fn)
		}
		if _, own := builtinFor[fn]; own != (takes == "more") {
			t.Errorf("%s takes %q; a built-in of its own asks for the right: %v", fn, takes, own)
		}
	}
	for fn, takes := range peerFunctions {
		if takes == "look" {
			if !slices.Contains(names, fn) {
				t.Errorf("%s has a row, and is no function", fn)
			}
			continue
		}
		name, _ := json.Marshal(s.cfg.Self)
		function, _ := json.Marshal(fn)
		for by, args := range map[string][]json.RawMessage{"rpc.call": {name, function}, "rpc.multicall": {function}} {
			if _, err := b.serve(testkit.Context(t), by, args); err == nil || !strings.Contains(err.Error(), "rpc cannot call") {
				t.Errorf("%s by %s: %v", fn, by, err)
			}
		}
	}
}

// A1: a shell on another machine that an admin opened has only its user's current rights.
func TestRights_A1_ConnectedShellAfterDemotion(t *testing.T) {
	t.Parallel()
	s := newService(t)
	who := s.cfg.Authority.NewIdentity("ann", access.Admin)
	who.Grant, who.Created = "login", time.Now().UTC()
	ask := func(who access.Identity, fn string, args ...json.RawMessage) error {
		_, err := s.Ask(testkit.Context(t), who, "login/abcdefghijklmnop", fn, args)
		return err
	}
	if err := ask(who, "self"); err != nil {
		t.Fatal(err)
	}
	testkit.Must(t, s.cfg.Authority.Users.SetRole("ann", access.Operator))
	for _, role := range []access.Role{access.Admin, access.Operator} { // as in its first request, and in the next one
		now := who
		now.Role = role
		if err := ask(now, "shells.run", []byte("null"), []byte(`"id"`)); err == nil ||
			!strings.Contains(err.Error(), "you need the role admin") {
			t.Errorf("shells.run with the role %v: %v", role, err)
		}
	}
	if err := ask(who, "self"); err != nil {
		t.Errorf("what an operator may: %v", err)
	}
	operator := who
	operator.Role, operator.Grant = access.Operator, "login of an operator"
	again := func(who access.Identity) error {
		_, err := s.Ask(
			testkit.Context(t), who, "another/abcdefghijklmnop", "shells.run",
			[]json.RawMessage{[]byte(`"nowhere"`), []byte(`"id"`)},
		)
		return err
	}
	if err := again(operator); err == nil || !strings.Contains(err.Error(), "you need the role admin") {
		t.Errorf("an operator: %v", err)
	}
	testkit.Must(t, s.cfg.Authority.Users.SetRole("ann", access.Admin))
	if err := again(who); err == nil || !strings.Contains(err.Error(), "there is no node") {
		t.Errorf("who has become an admin: %v", err)
	}
}

// A history belongs to one user: not to another of that name. Without a directory there is none.
func TestHistoryFile(t *testing.T) {
	t.Parallel()
	s := &Service{cfg: Config{Histories: t.TempDir()}}
	kept := map[string]bool{}
	for _, who := range []access.Identity{{User: "ann", Generation: "1"}, {User: "ann", Generation: "2"},
		{User: "bob", Generation: "1"}} {
		file := s.historyFile(who)
		if kept[file] || !strings.HasPrefix(file, s.cfg.Histories) {
			t.Errorf("%v has %s", who, file)
		}
		kept[file] = true
	}
	if file := (&Service{}).historyFile(access.Identity{User: "ann"}); file != "" {
		t.Errorf("without a place it is %s", file)
	}
}
