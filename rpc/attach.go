package rpc

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"sync/atomic"

	"convoy/access"
	"convoy/pty"
	"convoy/repl"
	"convoy/repl/wire"
)

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
// returns at each call. The program inherits File; closing the result ends the connection.
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
	who := func() access.Identity {
		who, _ := access.ParseIdentity(right()) //nolint:errcheck // the zero Identity has no rights
		return who
	}
	ours, theirs, err := wire.Pair()
	if err != nil {
		return pty.Attachment{}, err
	}
	caller := s.newSession(opener.User, who)
	var busy atomic.Bool
	conn := wire.New(ours, func(ctx context.Context, fn string, args []json.RawMessage) (any, error) {
		if fn != repl.Busy || len(args) != 1 {
			return caller.serve(ctx, fn, args)
		}
		busy.Store(string(args[0]) == "true")
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
		Args: []string{"-history", history},
		File: theirs,
		Close: func() {
			conn.Close() //nolint:errcheck // nothing is lost
			<-served
			caller.close()
		},
		Busy: func() string {
			if busy.Load() {
				return "The evaluation"
			}
			return ""
		},
	}, nil
}
