package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"convoy/internal/client"
	"convoy/internal/openidtest"
	"convoy/internal/testkit"
)

// loggedAnyhow are the inputs that may stand in a node's log, with the reason.
var loggedAnyhow = map[string]string{
	"what the provider says at the callback": "it is the provider's reason why nobody can log in, and of its " +
		"configuration; " + "a login has to be begun for it, and it is short text in ASCII",
}

// canaries are words that are typed, each somewhere else. All could be a user's name or a file's.
type canaries struct{ of map[string]string }

// next is a new word, for that place.
func (c *canaries) next(place string) string {
	word := fmt.Sprintf("canary%04dx", len(c.of))
	c.of[word] = place
	return word
}

// everywhere is a query, a form or a body in which all that something reads is a new word.
func (c *canaries) everywhere(place string) (query url.Values, body string) {
	query, fields := url.Values{}, map[string]any{"args": []string{c.next(place + ", args")}}
	for _, name := range []string{
		"viewer", "name", "watch", "from", "off", "want", "shell", "log", "path", "token", "password", "right", "expires",
		"label", "rows", "cols", "claim",
		"kind", "before", "source", "value", "command", "target", "role", "days", "user", "n", "ack", "lines", "grep", "fn",
		"state", "code", "error", "dir",
	} {
		word := c.next(place + ", " + name)
		query.Set(name, word)
		if name != "rows" && name != "cols" && name != "days" {
			fields[name] = word
		}
	}
	fields["dir"] = "/" + query.Get("dir")
	text, _ := json.Marshal(fields) // it is strings
	return query, string(text)
}

var (
	routeLine    = regexp.MustCompile(`r\.(Get|Post|Delete)\(([^,]+),|at: ([^,]+),`)
	constantLine = regexp.MustCompile(`(?m)^\s+(?:const )?(\w+)\s+= (.*)$`)
	inBraces     = regexp.MustCompile(`{(\w+)}`)
)

// TestLogs_HaveNothingTyped types a word of its own into every input of every route and function of two nodes, as an
// admin and as a stranger, and at the terminal; none is in the log of either afterwards, at its most talkative level.
func TestLogs_HaveNothingTyped(t *testing.T) {
	t.Parallel()
	provider := openidtest.Start(t, openidtest.User{Name: "ann"})
	more := []string{
		"-log-level", "debug",
		"-data", t.TempDir(),
		"-runbooks", t.TempDir(),
		"-openid-issuer", provider.URL,
		"-openid-client", "public",
		"-openid-roles", "*=viewer",
	}
	a, b, s, _ := twoByHand(t, more...)
	c := &canaries{of: map[string]string{}}
	t.Run("callback", func(t *testing.T) { c.typeAtCallback(t, a) }) // first: who was wrong has to wait
	t.Run("right requests", func(t *testing.T) { c.typeRightly(t, a, s) })
	t.Run("functions", func(t *testing.T) { c.typeIntoFunctions(t, a, s.Node) })
	t.Run("terminals", func(t *testing.T) { c.typeIntoTerminals(t, a, s) })
	t.Run("routes", func(t *testing.T) { c.typeIntoRoutes(t, a, s, "known", "unknown", "form") })
	t.Run("logins", func(t *testing.T) { c.typeAtLogin(t, a) })
	t.Run("routes for strangers", func(t *testing.T) { c.typeIntoRoutes(t, a, s, "stranger") })
	c.check(t, a)
	c.check(t, b)
}

// check looks for the words in all that a node has logged.
func (c *canaries) check(t *testing.T, n byHand) {
	t.Helper()
	n.out.mu.Lock()
	text := n.out.text.String()
	n.out.mu.Unlock()
	if !strings.Contains(text, "command requested") && !strings.Contains(text, "logged in") &&
		!strings.Contains(text, "login refused") {
		t.Errorf("the log of %s does not tell what was done:\n%s", n.name, text)
	}
	seen := map[string]bool{}
	for line := range strings.Lines(text) {
		for _, word := range regexp.MustCompile(`(?i)canary\d{4}x`).FindAllString(line, -1) {
			place := c.of[strings.ToLower(word)]
			if _, known := loggedAnyhow[place]; !known && !seen[place] {
				seen[place] = true
				t.Errorf("%s logs what was typed as %s: %s", n.name, place, line)
			}
		}
	}
}

// ask makes a request and reads the answer, whatever it is: a stream is left once it has begun.
func ask(t *testing.T, n byHand, r *http.Request) *http.Response {
	t.Helper()
	answer, err := n.HTTP.Transport.RoundTrip(r)
	testkit.Must(t, err)
	defer answer.Body.Close()
	if !strings.HasPrefix(answer.Header.Get("Content-Type"), "text/event-stream") {
		io.Copy(io.Discard, answer.Body) //nolint:errcheck // it may break off
	}
	return answer
}

// typeIntoRoutes asks each route of each node.
func (c *canaries) typeIntoRoutes(t *testing.T, a byHand, s client.Shell, forms ...string) {
	routes := listedRoutes(t)
	if len(routes) < 50 {
		t.Fatalf("only %d routes", len(routes))
	}
	for _, route := range routes {
		method, path, _ := strings.Cut(route, " ")
		if path == "/logout" || method == http.MethodDelete && path == "/logins" {
			continue // takes no input, and would end the asker
		}
		for _, form := range forms {
			c.askRoute(t, a, s, method, path, form)
		}
	}
}

// listedRoutes are the routes of handlers/routes.go, as "GET /nodes/{node}".
func listedRoutes(t *testing.T) (routes []string) {
	t.Helper()
	text, err := os.ReadFile("handlers/routes.go")
	testkit.Must(t, err)
	constants := map[string]string{}
	value := func(expression string) (text string, known bool) {
		for _, term := range strings.Split(expression, "+") {
			term = strings.TrimSpace(term)
			part, err := strconv.Unquote(term)
			if constant, ok := constants[term]; ok {
				part, err = constant, nil
			}
			if err != nil {
				return "", false
			}
			text += part
		}
		return text, true
	}
	for _, line := range constantLine.FindAllStringSubmatch(string(text), -1) {
		if text, known := value(line[2]); known {
			constants[line[1]] = text
		}
	}
	for _, line := range routeLine.FindAllStringSubmatch(string(text), -1) {
		if text, known := value(line[2] + line[3]); known {
			routes = append(routes, strings.TrimSpace(strings.ToUpper(line[1])+" "+text))
		}
	}
	return routes
}

func (c *canaries) askRoute(t *testing.T, a byHand, s client.Shell, method, path, form string) {
	t.Helper()
	place := form + " " + method + " " + path
	query, body := c.everywhere(place)
	to := inBraces.ReplaceAllStringFunc(path, func(name string) string {
		switch {
		case name == "{node}" && form != "unknown":
			return s.Node
		case name == "{shell}" && form != "unknown" && method != http.MethodDelete:
			return s.ID
		}
		return c.next(place + ", " + name)
	})
	kind := "application/json"
	if form == "form" {
		kind, body = "application/x-www-form-urlencoded", query.Encode()
	}
	if method == http.MethodGet {
		body = ""
	}
	r, err := http.NewRequestWithContext(testkit.Context(t), method, a.Base+to+"?"+query.Encode(), strings.NewReader(body))
	testkit.Must(t, err)
	for _, name := range []string{"User-Agent", "Referer", "X-Forwarded-For", "X-Forwarded-Host", "Convoy-Shell",
		"Convoy-Key", "Last-Event-ID", "Cookie", "Accept-Language"} {
		r.Header.Set(name, c.next(place+", header "+name))
	}
	r.Header.Set("Content-Type", kind)
	r.Header.Set("Authorization", "Bearer "+a.Token)
	if form == "stranger" {
		r.Header.Set("Authorization", "Bearer "+c.next(place+", bearer"))
	}
	ask(t, a, r)
}

// typeRightly makes the requests that get further than to a refusal.
func (c *canaries) typeRightly(t *testing.T, a byHand, s client.Shell) {
	shell := s.Path()
	for _, one := range []struct{ place, method, path, body string }{
		{"a command", "POST", "/nodes/" + s.Node + "/run", `{"command":"echo PGPASSWORD=%s"}`},
		{"a command that fails", "POST", "/nodes/convoy@a.test/run", `{"command":"exec %s"}`},
		{"a source", "POST", "/nodes/" + s.Node + "/eval", `{"source":"print('%s')"}`},
		{"a source that fails", "POST", "/nodes/convoy@a.test/eval", `{"source":"%s + 1"}`},
		{"a command of the source", "POST", "/nodes/convoy@a.test/eval", `{"source":"shells.run(node.self(), 'echo %s')"}`},
		{"a remote source", "POST", "/nodes/convoy@a.test/eval", `{"source":"rpc.eval('b', '%s')"}`},
		{"a message", "POST", "/nodes/convoy@a.test/eval", `{"source":"send('worker', 'b', '%s')"}`},
		{"a name to connect to", "POST", "/nodes/convoy@a.test/eval", `{"source":"node.connect('x:%s@localhost:1')"}`},
		{"a function to call", "POST", "/nodes/convoy@a.test/eval", `{"source":"rpc.call('b', '%s')"}`},
		{"the demo's command", "POST", "/api/cmd", `{"value":"'%s'"}`},
		{"an address with a password", "POST", "/peers", `{"target":"convoy:%s@127.0.0.1:1"}`},
		{"a node to connect to", "POST", "/peers", `{"target":"convoy@%s.localhost"}`},
		{"a link's label", "POST", shell + "/links", `{"right":"watch","expires":"1h","label":"%s"}`},
		{"a token's name", "POST", "/tokens", `{"name":"%s","role":"viewer","days":1}`},
		{"a directory", "POST", "/nodes/" + s.Node + "/shells", `{"dir":"/%s"}`},
		{"a file's name", "POST", shell + "/files?name=%s", "text"},
		{"a file to take", "GET", shell + "/files?path=/tmp/%s", ""},
		{"a runbook", "GET", "/runbooks/%s", ""},
		{"a page of the guide", "GET", "/guide/%s", ""},
		{"a node to retire", "DELETE", "/nodes/%s", ""},
	} {
		word := c.next(one.place)
		path, body := strings.ReplaceAll(one.path, "%s", word), strings.ReplaceAll(one.body, "%s", word)
		r, err := http.NewRequestWithContext(testkit.Context(t), one.method, a.Base+path, strings.NewReader(body))
		testkit.Must(t, err)
		r.Header.Set("Authorization", "Bearer "+a.Token)
		r.Header.Set("Content-Type", "application/json")
		ask(t, a, r)
	}
}

// typeIntoFunctions has a connected Convoy shell ask for each function that there is, and for one that there is not.
func (c *canaries) typeIntoFunctions(t *testing.T, a byHand, far string) {
	text, err := os.ReadFile("rpc/builtins.go")
	testkit.Must(t, err)
	functions := regexp.MustCompile(`(?m)^\t\t"([a-z.]+)": `).FindAllSubmatch(text, -1)
	if len(functions) < 20 {
		t.Fatalf("only %d functions", len(functions))
	}
	names := []string{c.next("a function that is not there")}
	for _, one := range functions {
		names = append(names, string(one[1]))
	}
	for _, name := range names {
		word := c.next("an argument of " + name)
		for _, args := range [][]any{{word}, {far, word}, {far, word, 1, []string{word}}, {word, far, word},
			{word, []string{far}, 1, []string{word}}} {
			if name == "receive" || name == "fleet.wait" {
				args = append(args[:1], "x", 0.01)
			}
			body, _ := json.Marshal(map[string]any{"fn": name, "args": args}) // strings and numbers
			r, err := http.NewRequestWithContext(testkit.Context(t), http.MethodPost, a.Base+"/api/shell", bytes.NewReader(body))
			testkit.Must(t, err)
			r.Header.Set("Authorization", "Bearer "+a.Token)
			r.Header.Set("Convoy-Shell", "0123456789abcdef")
			ask(t, a, r)
		}
	}
}

// typeIntoTerminals types into a system shell and a Convoy shell; what they put out tells titles and a directory.
func (c *canaries) typeIntoTerminals(t *testing.T, a byHand, s client.Shell) {
	term, err := a.Attach(t.Context(), s, -1)
	testkit.Must(t, err)
	defer term.Close()
	testkit.Must(
		t,
		term.Type(testkit.Context(t), fmt.Sprintf("printf '\\033]0;%s\\007\\033]7;file:///%s\\007'; echo %s; echo do'ne'\r",
			c.next("a title"), c.next("a directory that is told"), c.next("typed into a system shell"))),
	)
	testkit.Must(t, term.WaitFor(testkit.Context(t), "done"))
	var convoy client.Shell
	testkit.Must(
		t, a.Do(testkit.Context(t), http.MethodPost, "/nodes/"+s.Node+"/shells", []byte(`{"kind":"convoy"}`), &convoy),
	)
	prompt, err := a.Attach(t.Context(), convoy, -1)
	testkit.Must(t, err)
	defer prompt.Close()
	testkit.Must(t, prompt.Type(testkit.Context(t), c.next("typed into a Convoy shell")+"\r'do' + 'ne'\r"))
	testkit.Must(t, prompt.WaitFor(testkit.Context(t), "done"))
}

// typeAtCallback comes back from the provider with an error.
func (c *canaries) typeAtCallback(t *testing.T, a byHand) {
	jar, err := cookiejar.New(nil)
	testkit.Must(t, err)
	browser := &http.Client{
		Jar:           jar,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	defer browser.CloseIdleConnections()
	to := func(path string) *http.Response {
		r, err := http.NewRequestWithContext(testkit.Context(t), http.MethodGet, a.Base+path, nil)
		testkit.Must(t, err)
		answer, err := browser.Do(r)
		testkit.Must(t, err)
		answer.Body.Close()
		return answer
	}
	at, err := to("/login/openid").Location()
	testkit.Must(t, err)
	what := "what the provider says at the callback"
	to(
		"/login/openid/callback?" + url.Values{
			"state":             {at.Query().Get("state")},
			"error":             {c.next(what)},
			"error_description": {c.next(what)},
		}.Encode(),
	)
}

// typeAtLogin mistypes names, passwords and tokens.
func (c *canaries) typeAtLogin(t *testing.T, a byHand) {
	for _, form := range []url.Values{
		{"name": {c.next("a password in place of the name")}, "password": {c.next("a password")}},
		{"token": {c.next("a token")}},
	} {
		r, err := http.NewRequestWithContext(
			testkit.Context(t), http.MethodPost, a.Base+"/login", strings.NewReader(form.Encode()),
		)
		testkit.Must(t, err)
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		ask(t, a, r)
	}
}
