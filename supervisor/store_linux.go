package supervisor

import (
	"fmt"
	"slices"

	"golang.org/x/sys/unix"
)

// entry is an entry of the store.
type entry struct {
	name    string
	pid     int
	data    []byte
	files   []int
	pidfd   int  // of a process that is no child of this one, else 0
	ended   bool // its process has
	unknown bool // how is not known
	status  uint32
}

// store is what nodes left, in the order in which it was first put.
type store []*entry

// put stores or replaces an entry, and takes over its files.
func (s *store) put(m message) error {
	if m.Name == "" || len(m.Name) > maxName {
		closeAll(m.files)
		return fmt.Errorf("an entry's name has %d bytes", len(m.Name))
	}
	added := &entry{m.Name, m.Pid, m.data, m.files, 0, m.Ended, m.Unknown, m.Status}
	if m.Pidfd && len(m.files) > 0 {
		last := len(m.files) - 1
		added.files, added.pidfd = m.files[:last:last], m.files[last]
	}
	i := slices.IndexFunc(*s, func(e *entry) bool { return e.name == m.Name })
	if i < 0 {
		if len(*s) == maxEntries {
			added.close()
			return fmt.Errorf("%d entries are stored, no more are allowed", maxEntries)
		}
		*s = append(*s, added)
		return nil
	}
	if old := (*s)[i]; old.pid == added.pid && added.pidfd == 0 {
		added.ended, added.unknown, added.status = old.ended, old.unknown, old.status
		added.pidfd, old.pidfd = old.pidfd, 0
	}
	(*s)[i].close()
	(*s)[i] = added
	return nil
}

// drop removes an entry, if it is there.
func (s *store) drop(name string) {
	if i := slices.IndexFunc(*s, func(e *entry) bool { return e.name == name }); i >= 0 {
		(*s)[i].close()
		*s = slices.Delete(*s, i, i+1)
	}
}

// byPid returns the running process's entry, nil if there is none.
func (s store) byPid(pid int) *entry {
	for _, e := range s {
		if e.pid == pid && !e.ended {
			return e
		}
	}
	return nil
}

// running reports whether the process of any entry runs.
func (s store) running() bool {
	return slices.ContainsFunc(s, func(e *entry) bool { return e.pid > 0 && !e.ended })
}

// message returns the message that hands an entry over. A process that is not a child of the receiver comes with its
// pidfd, if withPidfd.
func (e *entry) message(withPidfd bool) message {
	m := message{Kind: "entry", Name: e.name, Pid: e.pid, Ended: e.ended, Unknown: e.unknown, Status: e.status}
	m.data, m.files = e.data, e.files
	if withPidfd && e.pidfd > 0 {
		m.Pidfd, m.files = true, append(slices.Clone(e.files), e.pidfd)
	}
	return m
}

// exit returns the message about the end of an entry's process.
func (e *entry) exit() message {
	return message{Kind: "exit", Pid: e.pid, Unknown: e.unknown, Status: e.status}
}

// listens reports whether an entry has sockets that accept connections, and closes them.
func (e *entry) listens() bool {
	for _, fd := range e.files {
		if on, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ACCEPTCONN); err == nil && on != 0 {
			e.close()
			return true
		}
	}
	return false
}

func (e *entry) close() {
	closeAll(e.files)
	if e.pidfd > 0 {
		closeAll([]int{e.pidfd})
	}
}
