package node

import "convoy/audit"

// openAudit opens the audit log. A node whose log cannot be opened still runs, logs a warning, and tries again.
func (n *node) openAudit() {
	logger, dir := n.logger("audit"), n.cfg.auditDir()
	if n.cfg.Data == "" {
		logger.Warn("no audit log: -data is not set")
		return
	}
	log, err := audit.OpenLater(audit.Config{
		Dir:      dir,
		Node:     n.cfg.Name,
		MaxTotal: n.cfg.AuditMax,
		MaxAge:   n.cfg.AuditAge,
		Log:      logger,
	})
	n.audit = log
	if err != nil {
		logger.Warn("no audit log yet: entries are lost until it can be opened", "err", err)
		return
	}
	logger.Info("audit log", "dir", dir, "entries", log.Head().Seq)
}
