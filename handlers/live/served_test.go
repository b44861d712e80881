package live

import (
	"testing"

	"convoy/internal/testkit"
)

// A list that a page has shown is found by its id until others have taken its place.
func TestRendered_Served(t *testing.T) {
	t.Parallel()
	var r rendered
	set := newSet(t)
	first, err := newFleetPage(set, hundred(), nil)
	testkit.Must(t, err)
	r.serve(first)
	r.serve(first)
	if r.servedAs(first.id) != first || r.servedAs("") != nil || r.servedAs("other") != nil {
		t.Error("not only its id finds it")
	}
	for range servedPages {
		r.serve(&fleetPage{id: "later"})
	}
	if r.servedAs(first.id) != nil {
		t.Error("it is kept for ever")
	}
}
