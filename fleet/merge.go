package fleet

import "slices"

// Merge completes the list of a node without a provider, own, with what the
// control plane's list says of the nodes that it makes: their steps, how to
// call them there, that they are being made or taken away. Of a node that both
// know, own decides whether it is alive: it is asked what it sees from here. One
// that has gone, and that the control plane lists no more, was retired.
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
