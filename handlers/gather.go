package handlers

import (
	"cmp"
	"slices"
	"sync"

	"convoy/fleet"
	"convoy/handlers/hop"
	"convoy/templates"
)

// silent is a node that did not answer, and why.
type silent struct {
	Node  string `json:"node"`
	Error string `json:"error"`
}

// gather asks nodes in parallel. It returns what they answer, and those that do not.
func gather[T any](nodes []fleet.Node, ask func(fleet.Node) ([]T, error)) (all []T, mute []silent) {
	var mu sync.Mutex
	var asking sync.WaitGroup
	for _, node := range nodes {
		asking.Go(func() {
			list, err := ask(node)
			mu.Lock()
			defer mu.Unlock()
			all = append(all, list...)
			if err != nil {
				mute = append(mute, silent{node.Name, err.Error()})
			}
		})
	}
	asking.Wait()
	slices.SortFunc(mute, func(a, b silent) int { return cmp.Compare(a.Node, b.Node) })
	return all, mute
}

func silentView(mute []silent) (view []templates.Silent) {
	for _, one := range mute {
		view = append(view, templates.Silent{Short: hop.ShortName(one.Node), Reason: one.Error})
	}
	return view
}
