package rpc

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"

	"convoy/access"
	"convoy/pty"
	"convoy/repl/wire"
)

// historyFile keeps what one user types in this node's Convoy shells; "" if there is no place for it. Another user of
// the same name, here or on another node, has another one, and so has the same user with another password. Names of
// users may have any characters, and some file systems take two of them for one, so the file is called by their hash.
func (s *Service) historyFile(of access.Identity) string {
	if s.cfg.Histories == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(of.User + "\x00" + of.Generation))
	return filepath.Join(s.cfg.Histories, hex.EncodeToString(sum[:16]))
}

// Attach makes the way by which a Convoy shell with a terminal asks this node, with the right that right returns at
// each call. The descriptor in the company is the program's; closing the company ends the way.
func (s *Service) Attach(right func() string) (pty.Company, error) {
	opener, err := access.ParseIdentity(right())
	if err != nil {
		return pty.Company{}, err
	}
	history := s.historyFile(opener)
	if history != "" {
		if err := os.MkdirAll(s.cfg.Histories, 0o700); err != nil {
			s.logger("shell").Warn("what is typed in Convoy shells cannot be kept", "err", err)
		}
	}
	who := func() access.Identity {
		who, _ := access.ParseIdentity(right()) //nolint:errcheck // nobody, if it is no right
		return who
	}
	ours, theirs, err := wire.Pair()
	if err != nil {
		return pty.Company{}, err
	}
	caller := s.newSession(opener.User, who)
	conn := wire.New(ours, caller.serve)
	served := make(chan struct{})
	go func() { // ends with the connection, which Close closes
		defer close(served)
		if err := conn.Serve(context.Background()); err != nil {
			s.logger("shell").Warn("a Convoy shell broke off", "err", err)
		}
	}()
	return pty.Company{Args: []string{"-history", history}, File: theirs, Close: func() {
		conn.Close() //nolint:errcheck // it has been used
		<-served
		caller.close()
	}}, nil
}
