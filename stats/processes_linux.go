package stats

import (
	"os"

	"github.com/prometheus/procfs"
)

// refresh is after how many samples all processes are read again: a process id may have been used again.
const refresh = 60

// processes remember to which shell a process belongs. A process cannot join a session, so that one that belonged to
// none is not read again.
type processes struct {
	owners map[int]string // by process id; "": no shell's
	scans  int
}

// readProcesses reads what this process and the shells use.
func (r *reader) readProcesses(s *sample, shells []Shell) {
	own, err := r.self.Stat()
	if err != nil {
		s.fail(reason(err), ProcessCPU, ProcessMemory, NodeCPU, NodeMemory)
		return
	}
	s.values[ProcessCPU] = float64(own.UTime+own.STime) / tickHz
	s.values[ProcessMemory] = float64(own.ResidentMemory())
	s.values[NodeCPU], s.values[NodeMemory] = 0, 0 // the caller adds them up
	leaders := map[int]string{}
	for _, sh := range shells {
		s.shells[sh.ID] = usage{}
		if sh.PID > 0 {
			leaders[sh.PID] = sh.ID
		}
	}
	if len(leaders) == 0 {
		return
	}
	all, err := r.fs.AllProcs()
	if err != nil {
		return
	}
	if r.scans%refresh == 0 {
		r.owners = nil
	}
	r.scans++
	owners := make(map[int]string, len(all))
	page := float64(os.Getpagesize())
	for _, p := range all {
		owner, known := r.owners[p.PID]
		if known && owner == "" || p.PID == r.self.PID {
			owners[p.PID] = ""
			continue
		}
		stat, err := p.Stat()
		if err != nil { // it has ended
			continue
		}
		if owner = ownerOf(p.PID, stat, leaders, owners); owner != "" {
			u := s.shells[owner]
			u.cpu += float64(stat.UTime+stat.STime) / tickHz
			u.cpu += float64(stat.CUTime+stat.CSTime) / tickHz // of those that it has waited for
			u.memory += float64(stat.RSS) * page
			s.shells[owner] = u
		}
		owners[p.PID] = owner
	}
	r.owners = owners
}

// ownerOf is the shell to which a process belongs, "" for none: that of its session or of its parent.
func ownerOf(pid int, stat procfs.ProcStat, leaders, owners map[int]string) string {
	if id, ok := leaders[stat.Session]; ok {
		return id
	}
	if id, ok := leaders[pid]; ok {
		return id
	}
	return owners[stat.PPID]
}
