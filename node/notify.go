package node

import "convoy/notify"

// newNotifier makes what posts notifications, if there is an address for them.
func (n *node) newNotifier() error {
	if n.cfg.Notify == "" {
		return nil
	}
	target, err := notify.ParseTarget(n.cfg.Notify)
	if err != nil {
		return Hintf("-notify sets the address of notifications", "-notify: %w", err)
	}
	n.notifier = notify.New(target, n.logger("notify"))
	n.post = n.notifier.Send
	return nil
}
