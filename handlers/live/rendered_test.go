package live

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"convoy/templates"
)

// counted renders a number that no other rendering has.
type counted struct{ n atomic.Int64 }

func (c *counted) render() ([]byte, error) { return fmt.Appendf(nil, "%d", c.n.Add(1)), nil }

// page renders one with that number.
func (c *counted) page(*fleetPage) (*fleetPage, error) {
	head, err := c.render()
	return &fleetPage{head: part[templates.FleetHead]{html: head}}, err
}

func TestRendered_OneListForAll(t *testing.T) {
	t.Parallel()
	var s rendered
	var c counted
	first, second := make(chan struct{}), make(chan struct{})
	for i, step := range []struct {
		now  state
		want string
	}{
		{state{first, first}, "1"},
		{state{first, first}, "1"},
		{state{second, first}, "2"}, // the fleet has changed
		{state{second, second}, "3"},
		{state{second, second}, "3"},
	} {
		var pages sync.WaitGroup
		for range 10 {
			pages.Go(func() {
				if got, err := s.nodes(step.now, c.page); err != nil || string(got.head.html) != step.want {
					t.Errorf("step %d: %v, %v, want %s", i, got, err, step.want)
				}
			})
		}
		pages.Wait()
	}
	s.at = s.at.Add(-renderedLife)
	if got, _ := s.nodes(state{second, second}, c.page); string(got.head.html) != "4" {
		t.Errorf("an old list is given: %s", got.head.html)
	}
}

func TestRendered_LinesByPlace(t *testing.T) {
	t.Parallel()
	var s rendered
	var c counted
	none, ten, twenty := place{}, place{"boot", 10}, place{"boot", 20}
	for i, step := range []struct {
		node     string
		from, to place
		want     string
	}{
		{"a", none, ten, "1"},
		{"a", none, ten, "1"},
		{"b", none, ten, "2"},
		{"a", ten, twenty, "3"},
		{"a", none, twenty, "4"},
		{"b", none, ten, "2"},
	} {
		if got, err := s.lines(step.node, step.from, step.to, c.render); err != nil || string(got) != step.want {
			t.Errorf("step %d: %s, %v, want %s", i, got, err, step.want)
		}
	}
	for i := range 3 * renderedLogs {
		s.lines(fmt.Sprint("node", i), none, ten, c.render) //nolint:errcheck // it never fails
	}
	if len(s.logs) > renderedLogs {
		t.Errorf("the lines of %d nodes are kept", len(s.logs))
	}
}

func TestRendered_ErrorsAreNotKept(t *testing.T) {
	t.Parallel()
	var s rendered
	var c counted
	broken := func() ([]byte, error) { return nil, errors.New("broken") }
	brokenPage := func(*fleetPage) (*fleetPage, error) { return nil, errors.New("broken") }
	if _, err := s.nodes(state{}, brokenPage); err == nil {
		t.Error("no error of nodes")
	}
	if _, err := s.lines("a", place{}, place{}, broken); err == nil {
		t.Error("no error of lines")
	}
	list, _ := s.nodes(state{}, c.page)
	data, _ := s.lines("a", place{}, place{}, c.render)
	if string(list.head.html) != "1" || string(data) != "2" {
		t.Errorf("after an error: %s, %s", list.head.html, data)
	}
}
