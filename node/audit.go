package node

import "convoy/audit"

// openAudit opens the log of who does what here. A node without one goes on, and says so.
func (n *node) openAudit() {
	if n.cfg.Data == "" {
		n.log.Warn("no audit log: -data names no directory", "component", "audit")
		return
	}
	dir := n.cfg.auditDir()
	log, err := audit.Open(audit.Config{
		Dir:      dir,
		Node:     n.cfg.Name,
		MaxTotal: n.cfg.AuditMax,
		MaxAge:   n.cfg.AuditAge,
		Log:      n.logger("audit"),
	})
	if err != nil {
		n.log.Warn("no audit log", "component", "audit", "err", err)
		return
	}
	n.audit = log
	n.log.Info("audit log", "component", "audit", "dir", dir, "entries", log.Head().Seq)
}
