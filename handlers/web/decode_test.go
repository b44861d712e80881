package web

import (
	"net/http/httptest"
	"strings"
	"testing"
)

// Unknown fields, in JSON and in forms, and anything after the value are refused.
func TestReadOptions_Refuses(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]bool{
		`{"days": 1}`: true, ` {"days": 1} ` + "\n": true, "": true, "days=1": true,
		`{"expires": 1}`: false, `{"days": 1}}`: false, `{"days": 1}]`: false, `{"days": 1}{}`: false, `{"days": 1} x`: false,
		"expires=24h": false, "days=1&Days=2": false, "days=1&days=2": false, "days=1&viewer=page": true,
	} {
		r := httptest.NewRequest("POST", "/tokens", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		var into struct{ Days int }
		if err := ReadOptions(httptest.NewRecorder(), r, &into); (err == nil) != want {
			t.Errorf("%q: %v", body, err)
		}
	}
}
