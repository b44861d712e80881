package rpc

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"sync"

	"convoy/access"
	"convoy/pty"
	"convoy/repl"
	"convoy/repl/wire"
)

// processName is what newProcessName makes.
var processName = regexp.MustCompile(`^shell-[a-z2-7]{8}$`)

// historyFile returns the file with the history of a user's Convoy shells; "" if history is not kept. Users of the same
// name, on this node or another, have separate files, and so does a user with a new password. The file name is a hash,
// because user names may contain any character, and some file systems ignore case.
func (s *Service) historyFile(of access.Identity) string {
	if s.cfg.Histories == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(of.User + "\x00" + of.Generation))
	return filepath.Join(s.cfg.Histories, hex.EncodeToString(sum[:16]))
}

// Attach returns the connection by which a Convoy shell with a terminal calls this node, with the identity that right
// returns at each call. The program inherits File, a control socket over which it gets the connection, and each later
// one by Reattach.
func (s *Service) Attach(right func() string) (pty.Attachment, error) {
	opener, err := access.ParseIdentity(right())
	if err != nil {
		return pty.Attachment{}, err
	}
	history := s.historyFile(opener)
	if history != "" {
		if err := os.MkdirAll(s.cfg.Histories, 0o700); err != nil {
			s.logger("shell").Warn("cannot keep the history of Convoy shells", "err", err)
		}
	}
	keep, theirs, err := wire.ControlPair(newProcessName())
	if err != nil {
		return pty.Attachment{}, err
	}
	a, err := s.attach(right, keep, true)
	if err != nil {
		theirs.Close()
		return pty.Attachment{}, err
	}
	a.Args, a.File = []string{"-history", history}, theirs
	return a, nil
}

// Reattach passes a new connection to a Convoy shell whose earlier one ended with this node's earlier process. keep is
// the Keep of its Attachment; its label is the name of the shell's process, which stays. Messages that the shell has
// not received are lost. Reattach owns keep.
func (s *Service) Reattach(right func() string, keep *os.File) (pty.Attachment, error) {
	return s.attach(right, keep, false)
}

// attach passes a connection to a Convoy shell, which is idle if it is fresh.
func (s *Service) attach(right func() string, keep *os.File, fresh bool) (pty.Attachment, error) {
	opener, err := access.ParseIdentity(right())
	var name string
	if err == nil {
		name, err = wire.Label(keep)
	}
	if err == nil && !processName.MatchString(name) {
		err = fmt.Errorf("%q is no name of a shell's process", name)
	}
	var ours net.Conn
	if err == nil {
		ours, err = wire.Offer(keep)
	}
	if err != nil {
		keep.Close()
		return pty.Attachment{}, err
	}
	caller := s.newSession(opener.User, name, func() access.Identity {
		who, _ := access.ParseIdentity(right()) //nolint:errcheck // the zero Identity has no rights
		return who
	})
	return s.serveShell(ours, keep, caller, &evaluation{known: fresh}), nil
}

// evaluation is whether the prompt of a Convoy shell evaluates something, as far as its process has told.
type evaluation struct {
	mu          sync.Mutex
	known, busy bool
	changed     func() // nil: nobody watches
}

func (e *evaluation) set(busy bool) {
	e.mu.Lock()
	e.known, e.busy = true, busy
	changed := e.changed
	e.mu.Unlock()
	if changed != nil {
		changed()
	}
}

func (e *evaluation) watch(changed func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.changed = changed
}

func (e *evaluation) get() (what string, known bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.busy {
		return "The evaluation", true
	}
	return "", e.known
}

// serveShell serves the calls that arrive on a connection, until Close.
func (s *Service) serveShell(ours net.Conn, keep *os.File, caller *session, now *evaluation) pty.Attachment {
	conn := wire.New(ours, func(ctx context.Context, fn string, args []json.RawMessage) (any, error) {
		if fn != repl.Busy || len(args) != 1 {
			return caller.serve(ctx, fn, args)
		}
		now.set(string(args[0]) == "true")
		return nil, nil
	})
	served := make(chan struct{})
	go func() { // ends with the connection, which Close closes
		defer close(served)
		if err := conn.Serve(context.Background()); err != nil {
			s.logger("shell").Warn("the connection of a Convoy shell failed", "err", err)
		}
	}()
	return pty.Attachment{
		Keep: keep,
		Close: func() {
			conn.Close() //nolint:errcheck // nothing is lost
			<-served
			caller.close()
			keep.Close()
		},
		Busy:  now.get,
		Watch: now.watch,
	}
}
