package fleet

import (
	"maps"
	"time"
)

// tombstoneAge is the minimum age of a tombstone: gossip may repeat a lost member for as long as it remembers it.
const tombstoneAge = time.Hour

// tombstone is the record of a retired node. It keeps the row from coming back while provider or cluster still report
// the node, and its name from being used again.
type tombstone struct {
	retiredAt time.Time
	node      Node            // as last shown
	instances map[string]bool // its members then
	listed    bool            // the provider's next list may still contain it
}

// covers reports whether m is an instance of the retired node. An instance that started before the retirement may have
// been unknown then.
func (t *tombstone) covers(m Member) bool {
	return t != nil && (t.instances[m.Instance] || m.Started.Before(t.retiredAt))
}

// SetMembers sets the members that the cluster sees. Call it with the whole list after every change; the fleet does not
// keep the slice.
func (f *Fleet) SetMembers(members []Member) {
	byName := make(map[string][]Member)
	for _, m := range members {
		byName[m.Name] = append(byName[m.Name], m)
	}
	f.update(func(now time.Time) {
		maps.DeleteFunc(f.tombstones, func(name string, t *tombstone) bool {
			return len(byName[name]) == 0 && now.Sub(t.retiredAt) > tombstoneAge
		})
		for name, of := range byName {
			f.setInstances(name, of)
		}
		for name, r := range f.rows {
			if len(byName[name]) == 0 {
				r.members = nil
			}
		}
		f.settleRows(now)
	})
}

// setInstances sets the instances of a row, without the retired ones.
func (f *Fleet) setInstances(name string, members []Member) {
	kept := members[:0]
	for _, m := range members {
		if !f.tombstones[name].covers(m) {
			kept = append(kept, m)
		}
	}
	r := f.rows[name]
	if r == nil {
		if len(kept) == 0 {
			return
		}
		r = f.adopt(name)
	}
	r.members = kept
}

// setServices is called by the provider with its whole list.
func (f *Fleet) setServices(services []Service) {
	byName := make(map[string]*Service)
	for i := range services {
		s := services[i]
		byName[s.Name] = &s
	}
	f.update(func(now time.Time) {
		for name, t := range f.tombstones {
			if byName[name] == nil {
				t.listed = false
			} else if t.listed {
				delete(byName, name)
			}
		}
		for name := range byName {
			if f.rows[name] == nil {
				f.adopt(name)
			}
		}
		for name, r := range f.rows {
			r.setService(byName[name], now)
		}
		f.settleRows(now)
	})
}

// adopt creates the row of a node that is new to the fleet.
func (f *Fleet) adopt(name string) *row {
	r := &row{name: name}
	f.rows[name] = r
	return r
}

// settleRows updates every row after a change, and drops empty ones.
func (f *Fleet) settleRows(now time.Time) {
	for name, r := range f.rows {
		r.settle(now)
		if r.empty() && name != f.cfg.Self {
			delete(f.rows, name)
		}
	}
}
