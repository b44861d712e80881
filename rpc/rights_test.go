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

// Every function of Convoy shells is refused to who has lost their right, and to who has become a viewer; a new one
// as well, without a row.
func TestRights_EveryFunctionOfShells(t *testing.T) {
	t.Parallel()
	s := newService(t)
	who := s.cfg.Authority.NewIdentity("ann", access.Admin)
	b := s.newSession("test", func() access.Identity { return who })
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
	refusedAll("with the role viewer you may not")
	testkit.Must(t, s.cfg.Authority.Users.SetRole("ann", access.Operator))
	for fn, a := range sessionActions {
		if access.Operator.Allows(a) {
			continue
		}
		if _, err := b.serve(
			testkit.Context(t),
			fn,
			nil,
		); err == nil ||
			!strings.Contains(err.Error(), "it takes the role admin") {
			t.Errorf("%s by who is an operator now: %v", fn, err)
		}
	}
	testkit.Must(t, s.cfg.Authority.Users.Remove("ann"))
	refusedAll("the login that this shell acts for has ended")
}

// A call that is under way ends when the right to it is lost, and says why.
func TestRights_CallsUnderWay(t *testing.T) {
	t.Parallel()
	for says, lose := range map[string]func(u *access.Users) error{
		"the login that this shell acts for has ended": func(u *access.Users) error { return u.Remove("ann") },
		"with the role viewer you may not": func(u *access.Users) error {
			return u.SetRole("ann",
				access.Viewer)
		},
	} {
		t.Run(says, func(t *testing.T) {
			t.Parallel()
			s := newService(t)
			ctx := testkit.Context(t)
			go s.cfg.Authority.Run(ctx)
			who := s.cfg.Authority.NewIdentity("ann", access.Operator)
			b := s.newSession("ann", func() access.Identity { return who })
			defer b.close()
			answer := make(chan error, 1)
			go func() {
				_, err := b.serve(t.Context(), "receive", nil)
				answer <- err
			}()
			for s.calls.bytes.InUse() == 0 && ctx.Err() == nil {
				runtime.Gosched() // until it is under way
			}
			testkit.Must(t, lose(s.cfg.Authority.Users))
			select {
			case err := <-answer:
				if err == nil || !strings.Contains(err.Error(), says) {
					t.Errorf("it ends with %v, want %q", err, says)
				}
			case <-ctx.Done():
				t.Error("it goes on")
			}
		})
	}
}

// peerFunctions says of each function that nodes call on one another what it takes: to look, which every Convoy shell
// may; or more, so that the built-in that asks for the right is the only way to it.
var peerFunctions = map[string]string{
	"node.self":          "look",
	"node.list":          "look",
	"node.info":          "look",
	"node.ping":          "look",
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

// Every function that nodes call on one another has a row, and a Convoy shell cannot call what takes more than looking.
func TestRights_EveryFunctionOfNodes(t *testing.T) {
	t.Parallel()
	s := newService(t)
	join(t, s)
	raw, err := s.cfg.Cluster.Call(testkit.Context(t), s.cfg.Self, "rpc.functions")
	testkit.Must(t, err)
	var names []string
	testkit.Must(t, json.Unmarshal(raw, &names))
	who := s.cfg.Authority.NewIdentity("ann", access.Admin)
	b := s.newSession("test", func() access.Identity { return who })
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
			if _, err := b.serve(
				testkit.Context(t),
				by,
				args,
			); err == nil ||
				!strings.Contains(err.Error(), "is not called by rpc") {
				t.Errorf("%s by %s: %v", fn, by, err)
			}
		}
	}
}

// A1: a shell that runs elsewhere and was first used by an admin has no more rights than its user has now.
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
	for _, role := range []access.Role{access.Admin, access.Operator} { // as its first request said, and as the next does
		now := who
		now.Role = role
		if err := ask(now, "shells.run", []byte("null"), []byte(`"id"`)); err == nil ||
			!strings.Contains(err.Error(), "it takes the role admin") {
			t.Errorf("shells.run with what said %v: %v", role, err)
		}
	}
	if err := ask(who, "self"); err != nil {
		t.Errorf("what an operator may: %v", err)
	}
	operator := who
	operator.Role, operator.Grant = access.Operator, "login of an operator"
	again := func(who access.Identity) error {
		_, err := s.Ask(
			testkit.Context(t),
			who,
			"another/abcdefghijklmnop",
			"shells.run",
			[]json.RawMessage{[]byte(`"nowhere"`), []byte(`"id"`)},
		)
		return err
	}
	if err := again(operator); err == nil || !strings.Contains(err.Error(), "it takes the role admin") {
		t.Errorf("an operator: %v", err)
	}
	testkit.Must(t, s.cfg.Authority.Users.SetRole("ann", access.Admin))
	if err := again(who); err == nil || !strings.Contains(err.Error(), "there is no node") {
		t.Errorf("who has become an admin: %v", err)
	}
}

// What is typed is kept for one person: not for another of that name, nor where there is no place.
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
