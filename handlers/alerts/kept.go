package alerts

import (
	"context"
	"encoding/json"

	"convoy/access"
	"convoy/pty"
	"convoy/templates"
)

// Keeper keeps alerts for the next process of this node. Its methods must not call the Set.
type Keeper interface {
	// Keep stores an alert, or replaces what was stored under its name.
	Keep(name string, data []byte) error
	// Drop forgets an alert. An unknown name is ignored.
	Drop(name string)
}

// kept is what a Keeper stores of an alert.
type kept struct {
	ShellID string
	By      access.Identity
	Ask     templates.Alert
	From    int64     // where the search for Ask.Text begins in the output
	State   pty.State // the last that was compared
	Calls   calls
}

func (k kept) key() key { return key{k.ShellID, k.By.User} }

// Keep continues the alerts of an earlier process of this node, whose shells have been continued, and from now on keeps
// all alerts for the next one. Call it before Set.
func (s *Set) Keep(life context.Context, earlier map[string][]byte, keeper Keeper) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keeper = keeper
	for name, data := range earlier {
		var k kept
		err := json.Unmarshal(data, &k)
		var shell *pty.Shell
		if err == nil {
			shell, err = s.Shells.Get(k.ShellID)
		}
		if err != nil {
			s.Log.Warn("alert not continued", "alert", name, "err", err)
			keeper.Drop(name)
			continue
		}
		s.begin(life, shell, k)
	}
}

// keep keeps an alert that has changed. The caller holds the lock.
func (s *Set) keep(a *alert) {
	if s.keeper == nil || s.byKey[a.key()] != a {
		return
	}
	data, err := json.Marshal(a.kept)
	if err == nil {
		err = s.keeper.Keep(a.key().String(), data)
	}
	if err != nil {
		s.Log.Warn("alert not kept", "shell", a.ShellID, "user", a.By.User, "err", err)
	}
}
