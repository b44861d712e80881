package fleet

import "slices"

// Merge adds to own, the list of a node without a provider, what the control plane's list has about the nodes that it
// spawned. For a node on both lists, own decides whether it is alive, because that is this node's view. A node that has
// gone, and is no longer on the control plane's list, was retired.
func Merge(own, control []Node) []Node {
	list := slices.DeleteFunc(slices.Clone(own), func(n Node) bool {
		return (n.Status == Left || n.Status == Unreachable) &&
			!slices.ContainsFunc(control, func(c Node) bool { return c.Name == n.Name })
	})
	for _, made := range control {
		if made.Provider == "" {
			continue
		}
		i := slices.IndexFunc(list, func(n Node) bool { return n.Name == made.Name })
		if i < 0 {
			made.Self = false
			list = append(list, made)
			continue
		}
		n := &list[i]
		n.Provider, n.ID, n.Created, n.Steps = made.Provider, made.ID, made.Created, made.Steps
		n.Retirable = made.Retirable && !n.Self
		if made.Status == Retiring || n.Status != Alive && made.Message != "" {
			n.Status, n.Message = made.Status, made.Message
		}
	}
	slices.SortStableFunc(list, byAge)
	return list
}
