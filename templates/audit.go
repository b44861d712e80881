package templates

import "time"

// Audit is the page with the audit log of all nodes.
type Audit struct {
	Page
	Kept   bool      // this node keeps a log
	Since  time.Time // time of its oldest entry; may be zero
	Rows   []AuditRow
	Silent []Silent
}

// AuditRow is one entry.
type AuditRow struct {
	Time                                                   time.Time
	Node, User, Role, Addr, Action, Target, Result, Detail string
}
