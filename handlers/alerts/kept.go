package alerts

import (
	"context"
	"encoding/json"
	"fmt"

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

// keptVersion is the version of kept.
const keptVersion = 1

// kept is what a Keeper stores of an alert.
type kept struct {
	Version int
	ShellID string
	By      access.Identity
	Ask     templates.Alert
	From    int64     // where the search for Ask.Text begins in the output
	State   pty.State // the last that was compared, without progress
	Calls   calls
}

func (k kept) key() key { return key{k.ShellID, k.By.User} }

// parseKept reads what a Keeper has stored.
func parseKept(data []byte) (k kept, err error) {
	if err := json.Unmarshal(data, &k); err != nil {
		return k, err
	}
	if k.Version != keptVersion {
		return k, fmt.Errorf("it has version %d, not %d", k.Version, keptVersion)
	}
	return k, nil
}

// Keep continues the alerts of an earlier process of this node, whose shells have been continued, and from now on keeps
// all alerts for the next one. It is called before anything else uses the Set. Until Resume nobody is called for them.
func (s *Set) Keep(life context.Context, earlier map[string][]byte, keeper Keeper) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keeper = keeper
	for name, data := range earlier {
		k, err := parseKept(data)
		var shell *pty.Shell
		if err == nil {
			shell, err = s.Shells.Get(k.ShellID)
		}
		if err != nil {
			s.Log.Warn("alert not continued", "alert", name, "err", err)
			keeper.Drop(name)
			continue
		}
		s.resumed = append(s.resumed, s.add(life, shell, k))
	}
}

// Resume begins the alerts that Keep has continued.
func (s *Set) Resume() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range s.resumed {
		s.begin(a)
	}
	s.resumed = nil
}

// keep keeps an alert that has changed. The caller holds the lock.
func (s *Set) keep(a *alert) {
	if s.keeper == nil || s.byKey[a.key()] != a {
		return
	}
	a.From = a.at.Load()
	data, err := json.Marshal(a.kept)
	if err == nil {
		err = s.keeper.Keep(a.key().String(), data)
	}
	if err != nil {
		s.Log.Warn("alert not kept", "shell", a.ShellID, "user", a.By.User, "err", err)
	}
}
