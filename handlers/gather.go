package handlers

import (
	"cmp"
	"slices"
	"sync"

	"convoy/fleet"
	"convoy/templates"
)

// gather asks nodes in parallel. It returns what they answer, and those that do not.
func gather[T any](nodes []fleet.Node, ask func(fleet.Node) ([]T, error)) (all []T, mute []templates.Silent) {
	var mu sync.Mutex
	var asking sync.WaitGroup
	for _, node := range nodes {
		asking.Go(func() {
			list, err := ask(node)
			mu.Lock()
			defer mu.Unlock()
			all = append(all, list...)
			if err != nil {
				mute = append(mute, templates.Silent{Node: node.Name, Error: err.Error()})
			}
		})
	}
	asking.Wait()
	slices.SortFunc(mute, func(a, b templates.Silent) int { return cmp.Compare(a.Node, b.Node) })
	return all, mute
}
