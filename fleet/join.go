package fleet

import "time"

// traceAge is how long a retired node is remembered at least: gossip may
// speak of it for as long as it remembers lost members.
const tombstoneAge = time.Hour

// trace is what remains of a retired node. It keeps the row from coming back
// while provider and cluster still speak of it, and its name from being used.
type tombstone struct {
	retiredAt time.Time       // when it was gone
	node      Node            // as it was shown last
	instances map[string]bool // its members then
	listed    bool            // the provider's next list may still have it
}

// hides reports whether m is an instance of the retired node. One that was
// unknown then, but had started, had just not been heard of.
func (t *tombstone) covers(m Member) bool {
	return t != nil && (t.instances[m.Instance] || m.Started.Before(t.retiredAt))
}

// SetMembers tells the fleet what the cluster sees now. It is called after
// every change with the whole list, and keeps nothing of the caller's.
func (f *Fleet) SetMembers(members []Member) {
	byName := make(map[string][]Member)
	for _, m := range members {
		byName[m.Name] = append(byName[m.Name], m)
	}
	f.update(func(now time.Time) {
		for name, t := range f.tombstones {
			if len(byName[name]) == 0 && now.Sub(t.retiredAt) > tombstoneAge {
				delete(f.tombstones, name)
			}
		}
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

// setInstances gives the row of that name its instances, less the retired ones.
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

// setServices is what the provider calls with its whole list.
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

// adopt makes the row of a node that the fleet hears of for the first time.
func (f *Fleet) adopt(name string) *row {
	r := &row{name: name}
	f.rows[name] = r
	return r
}

// settle lets every row follow the change and drops those that are empty.
func (f *Fleet) settleRows(now time.Time) {
	for name, r := range f.rows {
		r.settle(now)
		if r.empty() && name != f.cfg.Self {
			delete(f.rows, name)
		}
	}
}
