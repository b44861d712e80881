package node

import (
	"convoy/notify"
	"convoy/push"
)

// The push services that get messages for browsers.
const (
	PushOff    = "off"
	PushPublic = "public" // those at public addresses
	PushAny    = "any"    // those at private addresses, too
)

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

// newPush makes what sends messages to browsers, unless that is turned off. If its file cannot be used, subscriptions
// end with this process.
func (n *node) newPush() (err error) {
	if n.cfg.Push == PushOff {
		return nil
	}
	log, anywhere := n.logger("push"), n.cfg.Push == PushAny
	if n.push, err = push.Open(n.accessFile(".push"), anywhere, log); err != nil {
		log.Warn("browsers must subscribe again after a restart: their subscriptions cannot be stored", "err", err)
		n.push, err = push.Open("", anywhere, log)
	}
	return err
}
