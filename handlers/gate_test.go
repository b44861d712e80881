package handlers

import (
	"net/http"
	"testing"

	"convoy/access"
)

// A route that lacks a check cannot be added.
func TestRoutes_AreComplete(t *testing.T) {
	serve := func(http.ResponseWriter, *http.Request) error { return nil }
	for name, rt := range map[string]route{
		"no right":     {where: onThis, serve: serve},
		"no place":     {may: access.View, serve: serve},
		"no handler":   {may: access.View, where: onThis},
		"two handlers": {may: access.View, where: onThis, serve: serve, inShell: (&Handlers{}).typeKeys},
	} {
		if rt.complete() {
			t.Errorf("%s: the route counts as complete", name)
		}
	}
	if !(route{may: access.View, where: onThis, serve: serve}).complete() {
		t.Error("a complete route does not count as such")
	}
}
