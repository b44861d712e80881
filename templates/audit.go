package templates

import "time"

// Audit is the page with the audit log of all nodes.
type Audit struct {
	Page
	Kept   bool      // this node keeps a log
	Since  time.Time // time of its oldest entry; may be zero
	Rows   []AuditRow
	Silent []Silent

	Query, Result string   // what the rows were filtered by
	Results       []string // that can be chosen
}

// AuditRow is one entry.
type AuditRow struct {
	Time                                                   time.Time
	Node, User, Role, Addr, Action, Target, Result, Detail string
}
