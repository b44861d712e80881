package share

import (
	"encoding/json"
	"errors"
	"time"

	"convoy/access"
)

// keptLink is a link in the form that outlives the node's process.
type keptLink struct {
	Share
	Label string          `json:"label,omitempty"`
	By    access.Identity `json:"by"`
	Made  time.Time       `json:"made"`
	Used  time.Time       `json:"used,omitzero"`
}

// Keep calls keep with all links, as Restore reads them, now and after each change, until the links' context ends.
func (s *Links) Keep(keep func([]byte)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keep = keep
	s.changed()
}

// Restore continues the links of an earlier process of this node. Those whose shell has gone, or that have expired, end
// at once.
func (s *Links) Restore(data []byte) error {
	var list []keptLink
	if len(data) == 0 {
		return nil
	}
	if err := json.Unmarshal(data, &list); err != nil {
		return errors.New("the kept share links are not a list")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, one := range list {
		s.insert(&Link{Share: one.Share, label: one.Label, by: one.By, made: one.Made, used: one.Used})
	}
	s.prune()
	return nil
}

// changed tells that there are more links, or fewer. It requires s.mu.
func (s *Links) changed() {
	s.changes.Fire()
	if s.keep == nil || s.ctx.Err() != nil {
		return
	}
	list := []keptLink{}
	for _, l := range s.byID {
		if !l.Ended() {
			list = append(list, keptLink{Share: l.Share, Label: l.label, By: l.by, Made: l.made, Used: l.used})
		}
	}
	data, err := json.Marshal(list)
	if err == nil { // strings and times always marshal
		s.keep(data)
	}
}
