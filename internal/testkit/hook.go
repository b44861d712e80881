package testkit

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
)

// Hook serves an address that takes JSON, and returns what it gets, of which it holds 16.
func Hook[T any](t testing.TB) (url string, got <-chan T) {
	t.Helper()
	all := make(chan T, 16)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var one T
		if err := json.NewDecoder(r.Body).Decode(&one); err != nil {
			t.Error(err)
		}
		all <- one
	}))
	t.Cleanup(server.Close)
	return server.URL, all
}

// Next waits for the next value from a channel.
func Next[T any](t testing.TB, from <-chan T) (one T) {
	t.Helper()
	select {
	case one = <-from:
	case <-Context(t).Done():
		t.Fatal("nothing came")
	}
	return one
}
