// Package alerts calls people who do not watch a shell: when it waits, when a command or the shell ends, or when it
// prints a text. The shell's node keeps what each person asked for, and posts to the address that its operator chose.
// The node where the user logged in sends the same to the user's browsers.
package alerts

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"convoy/access"
	"convoy/handlers/session"
	"convoy/handlers/web"
	"convoy/notify"
	"convoy/pty"
	"convoy/push"
	"convoy/templates"
)

const (
	alertsOfUser = 32  // shells of this node of which one user is told
	maxAlerts    = 512 // of all users
	maxPassing   = 64  // messages on their way to home nodes
	defaultRest  = 10 * time.Second
)

// Config is what a Set works with.
type Config struct {
	Self      string // this node's name
	Shells    *pty.Table
	Authority *access.Authority
	Send      func(notify.Message) // must not block; nil: there is no address
	Sessions  *session.Manager
	Push      *push.Sender // for browsers; nil: they get nothing
	// Home passes a call to the node where the user logged in, which is another one, and reports whether that may work
	// later if it fails.
	Home func(ctx context.Context, by access.Identity, c Call) (again bool, err error)
	Log  *slog.Logger
}

// Set holds the alerts of this node's shells, one for each shell and user. An alert ends when its user removes it, when
// its user may no longer view shells, and when its shell ends: with the node, unless there is a Keeper. Its methods may
// be called concurrently.
type Set struct {
	Config
	// Rest is the time between two calls for a shell that waits. While nobody types it doubles, up to an hour. A shell
	// that waits again meanwhile is reported then, if it still does.
	Rest time.Duration

	group   sync.WaitGroup
	passing chan struct{} // holds a token for each message on its way to a home node
	keeper  Keeper        // nil: none

	mu      sync.Mutex
	byKey   map[key]*alert
	resumed []*alert // until Resume
	closed  bool     // by Wait
}

type key struct{ shell, user string }

func (k key) String() string { return k.shell + "/" + k.user }

// alert is what one user is told of one shell. The lock of its Set guards what is kept; watchState alone changes State
// and Calls.
type alert struct {
	kept

	shell *pty.Shell
	life  context.Context // beyond which it does not last in this process
	ctx   context.Context // of the alert
	end   context.CancelFunc
	at    atomic.Int64 // up to which offset of the output Ask.Text was searched

	searched    chan struct{}      // closed when the search has ended, or there is none
	stopPassing context.CancelFunc // of the last message to the home node
}

// New makes an empty Set. Its alerts end with ctx; then call Wait.
func New(config Config) *Set {
	return &Set{
		Config: config, Rest: defaultRest, passing: make(chan struct{}, maxPassing), byKey: map[key]*alert{},
	}
}

// Wait waits until all alerts have ended. None begins after it was called.
func (s *Set) Wait() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.group.Wait()
}

var (
	errNowhere = web.NewError(http.StatusConflict, "this node sends no notifications",
		"its operator starts it with -notify URL, or without -push off")
	errMany = session.OverLimit("alerts on this node")
)

// able reports whether there is somewhere to send messages.
func (s *Set) able() bool { return s.Send != nil || s.Push != nil }

// Set replaces the alert of a user for a shell. In this process it lasts no longer than life.
func (s *Set) Set(life context.Context, shell *pty.Shell, by access.Identity, ask templates.Alert) error {
	if !s.able() {
		return errNowhere
	}
	if ask.Text != "" {
		if _, err := pty.ParsePattern(ask.Text); err != nil {
			return web.BadRequest("text: %v", err)
		}
	}
	info := shell.Info()
	at := key{info.ID, by.User}
	s.mu.Lock()
	defer s.mu.Unlock()
	before := s.byKey[at]
	if before == nil && (len(s.byKey) >= maxAlerts || s.count(by.User) >= alertsOfUser) {
		return errMany
	}
	switch {
	case ask.Any():
		if before != nil {
			before.end()
		}
		now := stateOf(shell)
		a := s.add(life, shell, kept{
			Version: keptVersion,
			ShellID: info.ID,
			By:      by,
			Ask:     ask,
			From:    info.End,
			State:   now,
			Calls:   calls{About: now},
		})
		s.keep(a)
		s.begin(a)
	case before != nil:
		s.forget(before)
	}
	return nil
}

// add adds an alert, which replaces the one of the same shell and user. The caller holds the lock.
func (s *Set) add(life context.Context, shell *pty.Shell, k kept) *alert {
	a := &alert{kept: k, shell: shell, life: life, searched: make(chan struct{}), stopPassing: func() {}}
	a.at.Store(k.From)
	a.ctx, a.end = context.WithCancel(life)
	s.byKey[k.key()] = a
	return a
}

// begin begins to watch the shell of an alert. The caller holds the lock.
func (s *Set) begin(a *alert) {
	if s.closed || a.ctx.Err() != nil {
		return
	}
	if pattern, err := pty.ParsePattern(a.Ask.Text); err == nil {
		s.group.Go(func() { s.watchText(a, pattern) })
	} else {
		close(a.searched)
	}
	s.group.Go(func() { s.watchState(a) })
}

// count is the number of a user's alerts. The caller holds the lock.
func (s *Set) count(user string) (n int) {
	for at := range s.byKey {
		if at.user == user {
			n++
		}
	}
	return n
}

// forget ends an alert, here and for the next process, unless it was replaced. The caller holds the lock.
func (s *Set) forget(a *alert) {
	a.end()
	if s.byKey[a.key()] != a {
		return
	}
	delete(s.byKey, a.key())
	if s.keeper != nil {
		s.keeper.Drop(a.key().String())
	}
}

// get is what a user has asked for.
func (s *Set) get(shell, user string) templates.Alert {
	s.mu.Lock()
	defer s.mu.Unlock()
	if a := s.byKey[key{shell, user}]; a != nil {
		return a.Ask
	}
	return templates.Alert{}
}

// update changes an alert, and keeps it, or forgets it if nothing is left.
func (s *Set) update(a *alert, change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if change(); a.Ask.Any() {
		s.keep(a)
	} else {
		s.forget(a)
	}
}

// watchText waits for the text, once.
func (s *Set) watchText(a *alert, pattern *regexp.Regexp) {
	defer close(a.searched)
	for a.ctx.Err() == nil {
		running := a.shell.Info().Running
		line, ok := a.shell.Await(a.ctx, "alert/"+a.By.User, a.at.Load(), pattern, a.at.Store)
		if ok && s.tell(a, "text", "printed a text", line, time.Time{}) {
			s.update(a, func() { a.Ask.Text = "" })
		}
		if ok || !running { // else an earlier alert of the user has interrupted it
			return
		}
	}
}

// stateOf is what a shell does. Its progress is nobody's business here.
func stateOf(shell *pty.Shell) pty.State {
	now := shell.State()
	now.Progress = pty.State{}.Progress
	return now
}

// watchState follows what the shell does, until it or the alert has ended.
func (s *Set) watchState(a *alert) {
	for {
		changed := s.Shells.Changed()
		now := stateOf(a.shell)
		later := s.reportWaiting(a, now)
		if now != a.State {
			s.reportCommand(a, a.State, now)
			if a.ctx.Err() != nil { // the next process compares the same state
				return
			}
			s.update(a, func() { a.State = now })
			continue
		}
		if _, err := s.Shells.Get(a.ShellID); err != nil || !a.shell.Info().Running {
			s.ended(a, err)
			return
		}
		select {
		case <-changed:
		case <-later:
		case <-a.ctx.Done():
			return
		}
	}
}

// reportWaiting calls the user if the shell waits, and was not waiting at the last call. If it is too soon, later says
// when.
func (s *Set) reportWaiting(a *alert, now pty.State) (later <-chan time.Time) {
	if now.Doing != pty.Waiting || now.Since.Equal(a.Calls.About.Since) || !s.asked(a).Waits {
		return nil
	}
	typed := a.shell.Typed()
	if wait := a.Calls.wait(typed, s.Rest); wait > 0 {
		return time.After(wait)
	}
	if s.tell(a, "waits", "waits", now.Asks, now.Since) {
		s.update(a, func() { a.Calls.made(now, typed, s.Rest) })
	}
	return nil
}

// asked is what the alert still asks for.
func (s *Set) asked(a *alert) templates.Alert {
	s.mu.Lock()
	defer s.mu.Unlock()
	return a.Ask
}

// reportCommand tells of the end of the command that ran, once.
func (s *Set) reportCommand(a *alert, before, now pty.State) {
	ran := before.Doing == pty.Running || before.Doing == pty.Waiting
	ends := ran && (now.Doing == pty.Finished || now.Doing == pty.Quiet) && a.shell.Info().Running
	if !ends || !s.asked(a).Command {
		return
	}
	if s.tell(a, "command", commandEnded(now), before.Command, time.Time{}) {
		s.update(a, func() { a.Ask.Command = false })
	}
}

// commandEnded is how a command ended, in words that follow its shell.
func commandEnded(now pty.State) string {
	words := "has finished its command"
	if now.Doing == pty.Finished && now.Exit >= 0 {
		words += fmt.Sprintf(", with code %d", now.Exit)
	}
	if now.Took > 0 {
		words += " after " + now.Took.Round(time.Second).String()
	}
	return words
}

// ended tells of the end of a shell that was not removed before, and forgets the alert.
func (s *Set) ended(a *alert, gone error) {
	select {
	case <-a.searched:
	case <-a.ctx.Done():
		return
	}
	if s.asked(a).Ends {
		words := "was closed"
		if exit := a.shell.Info().Exit; gone == nil && exit != nil {
			words = "has ended with " + templates.Exit{Code: exit.Code, Signal: exit.Signal}.String()
		}
		if !s.tell(a, "ends", words, "", time.Time{}) {
			return
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.forget(a)
}

// tell sends a message, and reports whether it did. It does not if the alert has ended, or the user may no longer view
// shells: then it ends. Without content, the message has nothing that a program could have chosen. since is when the
// question was asked that text contains.
func (s *Set) tell(a *alert, event, does, text string, since time.Time) bool {
	role := s.Authority.Role(a.ctx, a.By)
	if !role.Allows(access.View) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.forget(a)
	}
	if a.ctx.Err() != nil {
		return false
	}
	info := a.shell.Info()
	title := info.Title
	if !s.asked(a).Content {
		title, text = info.Program, ""
	}
	s.Log.Info("notification", "event", event, "shell", info.ID, "user", a.By.User)
	m := notify.Message{
		Event: event, Title: strings.Join([]string{title, "on", templates.ShortName(s.Self), does}, " "), Text: text,
		Node: s.Self, Shell: info.ID, User: a.By.User, At: time.Now().UTC().Truncate(time.Second),
	}
	if s.Send != nil {
		s.Send(m)
	}
	if text == "" || !session.MayIn(role, access.Type, a.shell) {
		since = time.Time{}
	}
	by := a.By
	by.Role = role
	s.call(a, by, Call{
		Event: m.Event, Title: clipped(m.Title, maxTitle), Text: clipped(m.Text, maxText), Node: m.Node, Shell: m.Shell,
		Since: since,
	})
	return true
}
