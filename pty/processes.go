package pty

// Process is a shell and the process of its program, which leads a session.
type Process struct {
	ID  string // of the shell
	PID int    // 0 if it does not run
}

// Processes lists the shells in their order. Unlike List, it asks the system nothing.
func (t *Table) Processes() (list []Process) {
	for _, s := range t.all() {
		info := s.info()
		if !info.Running {
			info.PID = 0
		}
		list = append(list, Process{info.ID, info.PID})
	}
	return list
}
