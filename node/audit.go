package node

import "convoy/audit"

// openAudit opens the audit log. A node without one still runs, and logs a warning.
func (n *node) openAudit() {
	logger, dir := n.logger("audit"), n.cfg.auditDir()
	if n.cfg.Data == "" {
		logger.Warn("no audit log: -data is not set")
		return
	}
	log, err := audit.Open(audit.Config{
		Dir:      dir,
		Node:     n.cfg.Name,
		MaxTotal: n.cfg.AuditMax,
		MaxAge:   n.cfg.AuditAge,
		Log:      logger,
	})
	if err != nil {
		logger.Warn("no audit log", "err", err)
		return
	}
	n.audit = log
	logger.Info("audit log", "dir", dir, "entries", log.Head().Seq)
}
