package railwaytest

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// recorder is a test that notes its failures instead of failing.
type recorder struct {
	testing.TB
	mu     sync.Mutex
	failed []string
}

func (r *recorder) Errorf(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failed = append(r.failed, fmt.Sprintf(format, args...))
}

// misuses are requests, each with what the test then fails with, "" for none.
var misuses = []struct{ name, body, want string }{
	{"good", `{"operationName":"a","query":"query a { apiToken { workspaces { id } } }"}`, ""},
	{
		"good with variables",
		`{"operationName":"a","query":"query a($id: String!) { environment(id: $id) { name } }","variables":{"id":"` +
			Environment + `"}}`,
		"",
	},
	{"no json", `{`, "no JSON"},
	{
		"unknown field",
		`{"operationName":"a","query":"query a { apiToken { owner } }"}`,
		"does not fit the project's schema",
	},
	{
		"unknown operation",
		`{"operationName":"a","query":"query a { regions { name } }"}`,
		"does not fit the project's schema",
	},
	{"wrong name", `{"operationName":"b","query":"query a { apiToken { workspaces { id } } }"}`, "no operation"},
	{
		"missing variable",
		`{"operationName":"a","query":"query a($id: String!) { environment(id: $id) { name } }","variables":{}}`,
		"variables of a do not fit",
	},
	{
		"variable of another type",
		`{"operationName":"a","query":"query a($id: String!) { environment(id: $id) { name } }","variables":{"id":7}}`,
		"variables of a do not fit",
	},
	{
		"null that unsets",
		`{"operationName":"a","query":"mutation a($in: ServiceInstanceUpdateInput!) { serviceInstanceUpdate(serviceId: ` +
			`\"x\", input: $in) }","variables":{"in":{"healthcheckPath":null}}}`,
		"explicit null",
	},
}

// TestServer_FailsTheTest: what does not fit Railway's schema, or is not expected, does not go unnoticed.
func TestServer_FailsTheTest(t *testing.T) {
	for _, test := range misuses {
		t.Run(test.name, func(t *testing.T) {
			r := &recorder{TB: t}
			s := New(r, Options{})
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.Endpoint(), strings.NewReader(test.body))
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("User-Agent", "convoy test")
			req.Header.Set("Authorization", "Bearer "+AccountToken)
			client := s.Client()
			defer client.CloseIdleConnections()
			answer, err := client.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			io.Copy(io.Discard, answer.Body) //nolint:errcheck // its end is enough
			answer.Body.Close()              //nolint:errcheck // it was read
			r.mu.Lock()
			defer r.mu.Unlock()
			if got := strings.Join(r.failed, "\n"); (got == "") != (test.want == "") || !strings.Contains(got, test.want) {
				t.Errorf("the test failed with %q, want %q", got, test.want)
			}
		})
	}
}
