package sandbox

import (
	"net"
	"os"
	"path/filepath"
)

// decoys are what a confined process tries to open: a terminal like those of system shells, and a socket like those of
// the user's other programs. The caller closes them.
type decoys struct {
	ptmx, tty *os.File
	dir       string
	listener  net.Listener
}

// decoys creates decoys.
func (s *Sandbox) decoys() (d *decoys, err error) {
	d = &decoys{}
	if d.ptmx, d.tty, err = s.openTerminal(); err != nil {
		return nil, err
	}
	if _, err = s.Plan.AssignTerminal(d.tty); err == nil {
		d.dir, err = os.MkdirTemp("", "convoy-*") // mode 0700
	}
	if err == nil {
		d.listener, err = net.Listen("unix", d.at().Socket)
	}
	if err != nil {
		d.close()
		return nil, err
	}
	return d, nil
}

func (d *decoys) at() Decoys {
	return Decoys{Terminal: d.tty.Name(), Socket: filepath.Join(d.dir, "socket")}
}

func (d *decoys) close() {
	if d.listener != nil {
		d.listener.Close() //nolint:errcheck // it has no clients
	}
	if d.dir != "" {
		os.RemoveAll(d.dir) //nolint:errcheck // it is temporary
	}
	d.tty.Close()
	d.ptmx.Close()
}
