package web

import (
	"net/http"
	"net/http/httptest"
	"net/url"
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

// A parameter is what url.ParseQuery decodes, however a query is written.
func TestParam_AsParseQuery(t *testing.T) {
	t.Parallel()
	for _, raw := range []string{
		"", "n=7", "n=", "n", "=7", "m=1&n=7", "n=7&n=8", "&&n=7", "n=a%20b+c", "%6e=7", "n=%zz&n=8", "%zz=1&n=7",
		"n=1;m=2&n=8", "n==7", "n=7%26m=3", "N=7", "nn=7",
	} {
		want, _ := url.ParseQuery(raw) // as Query does: a malformed pair does not count
		value, given := Param(&http.Request{URL: &url.URL{RawQuery: raw}}, "n")
		if value != want.Get("n") || given != want.Has("n") {
			t.Errorf("n of %q is %q, %v, want %q, %v", raw, value, given, want.Get("n"), want.Has("n"))
		}
	}
}
