package templates

import "time"

// Audit is the page of what was noted on all nodes.
type Audit struct {
	Page
	Kept   bool      // this node keeps a log
	Since  time.Time // the oldest entry that it keeps; zero: there is none
	Rows   []AuditRow
	Silent []Silent
}

// AuditRow is one entry.
type AuditRow struct {
	Time                                                   time.Time
	Node, User, Role, Addr, Action, Target, Result, Detail string
}
