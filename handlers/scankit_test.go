package handlers

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"convoy/access"
	"convoy/internal/testkit"
)

// scanner asks a node for what its routes' grammar gives, right, nearly right and hostile, as all who can ask.
type scanner struct {
	n      *testNode
	routes []string          // METHOD path
	askers []func() []string // the headers of each
	client *http.Client
	mu     sync.Mutex
	ids    map[string][]string // of what there is, by the parameter's name
	status map[int]int
}

// oddities are texts that break what does not expect them.
var oddities = []string{
	"",
	".",
	"..",
	"../../etc/passwd",
	"..%2f..%2fetc%2fpasswd",
	"%00",
	"\x00",
	"%",
	"%zz",
	"%ff%fe",
	"a b",
	"'; --",
	"<script>",
	"\u202e",
	"é",
	"日本",
	strings.Repeat("a", 300),
	strings.Repeat("%41", 900),
	"-1",
	"0",
	"9223372036854775807",
	"9223372036854775808",
	"1e9",
	"NaN",
	"null",
	"true",
	"\r\nX: y",
	"convoy@nowhere.test",
	"[::1]:5",
	"0x10",
	"+5",
}

// names are the parameters of queries and the fields of bodies.
var scanNames = []string{
	"viewer", "name", "watch", "from", "off", "want", "list", "shell", "log", "path", "token", "password", "right",
	"expires", "label", "rows", "cols", "claim", "kind", "dir", "before", "source", "value", "command", "target",
	"role", "days", "user", "seq", "first", "boot", "digest", "format", "pinned", "json", "lines", "n", "grep",
}

// rightWords are values that something takes.
var rightWords = []string{
	"type", "watch", "1h", "15m", "offer", "take", "pin", "unpin", "none", "nodes", "nodes,log", "24", "80", "1",
	"0", "-1", "-2", "convoy", "system", "viewer", "admin", "ci", "viewer-0123456789abcdef", "abcdefghij0123456789",
}

func pick[T any](random *rand.Rand, list []T) T { return list[random.IntN(len(list))] }

// word is a value: of something that is there, one that is taken somewhere, or an oddity.
func (s *scanner) word(random *rand.Rand) string {
	switch random.IntN(4) {
	case 0:
		return pick(random, oddities)
	case 1:
		return s.known(random, pick(random, []string{"shell", "link", "recording", "login", "token", "stream"}))
	}
	return pick(random, rightWords)
}

// known is the id of something that was there a while ago.
func (s *scanner) known(random *rand.Rand, kind string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if list := s.ids[kind]; len(list) > 0 {
		return pick(random, list)
	}
	return "none"
}

var ids = regexp.MustCompile(`"(id|shell|stream)": ?"([\w-]{4,40})"`)

// learn keeps the ids in an answer.
func (s *scanner) learn(route string, body []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, found := range ids.FindAllSubmatch(body, 8) {
		kind := string(found[1])
		if kind == "id" {
			for _, name := range []string{"link", "recording", "login", "token", "shell"} {
				if strings.Contains(route, "/"+name+"s") {
					kind = name
					break
				}
			}
		}
		list := append(s.ids[kind], string(found[2]))
		s.ids[kind] = list[max(0, len(list)-16):]
	}
}

// scanKinds are media types of bodies.
var scanKinds = []string{
	"application/json", "application/x-www-form-urlencoded", "application/octet-stream",
	"multipart/form-data; boundary=x", "text/plain", "",
}

// scanHeaders are headers, and scanValues their values.
var scanHeaders = []string{
	"Accept", "HX-Request", "Range", "If-None-Match", "If-Modified-Since", "Last-Event-ID", "Content-Encoding",
	"X-Forwarded-Proto", "X-Real-IP", "Convoy-Assertion", "Sec-Fetch-Site", "Origin", "X-Seq",
}

// scanValues are values of headers.
var scanValues = []string{
	"application/json", "text/html", "true", "bytes=0-", "bytes=9-1", "*", "gzip", "https", "same-origin",
	"cross-site", "1", "x", `W/"a"`, strings.Repeat("x", 4000),
}

var parameter = regexp.MustCompile(`{(\w+)}|\*`)

// request makes a random request, and describes it.
func (s *scanner) request(ctx context.Context, random *rand.Rand) (*http.Request, string) {
	route := pick(random, s.routes)
	method, path, _ := strings.Cut(route, " ")
	path = parameter.ReplaceAllStringFunc(path, func(name string) string {
		name = strings.Trim(name, "{}")
		switch {
		case random.IntN(5) == 0:
			return url.PathEscape(s.word(random))
		case name == "node":
			return pick(random, []string{self, "a", "nowhere"})
		}
		return s.known(random, name)
	})
	query := url.Values{}
	for range random.IntN(5) {
		query.Add(pick(random, scanNames), s.word(random))
	}
	if random.IntN(2) == 0 {
		query.Set("viewer", "viewer-0123456789abcdef")
	}
	var body io.Reader = http.NoBody
	kind := ""
	if method != http.MethodGet {
		text := s.body(random)
		body = bytes.NewReader(text)
		kind = pick(random, scanKinds)
	}
	r, err := http.NewRequestWithContext(ctx, method, s.n.url+path+"?"+query.Encode(), body)
	if err != nil { // no address
		return nil, ""
	}
	for _, header := range pick(random, s.askers)() {
		name, value, _ := strings.Cut(header, ": ")
		r.Header.Set(name, value)
	}
	if kind != "" {
		r.Header.Set("Content-Type", kind)
	}
	for range random.IntN(3) {
		name := pick(random, scanHeaders)
		value := pick(random, scanValues)
		r.Header.Set(name, value)
	}
	return r, method + " " + path + "?" + query.Encode()
}

// body is JSON, nearly JSON, a form, bytes, or much of them.
func (s *scanner) body(random *rand.Rand) []byte {
	fields := map[string]any{}
	for range random.IntN(6) {
		switch random.IntN(5) {
		case 0:
			fields[pick(random, scanNames)] = random.IntN(2000) - 500
		case 1:
			fields[pick(random, scanNames)] = []string{s.word(random)}
		default:
			fields[pick(random, scanNames)] = s.word(random)
		}
	}
	text, _ := json.Marshal(fields) //nolint:errcheck // it marshals
	switch random.IntN(8) {
	case 0:
		return text[:random.IntN(len(text)+1)]
	case 1:
		return []byte(strings.Repeat("[", 1+random.IntN(20_000)))
	case 2:
		form := url.Values{}
		for name, value := range fields {
			form.Set(name, fmt.Sprint(value))
		}
		return []byte(form.Encode())
	case 3:
		raw := make([]byte, random.IntN(2000))
		for i := range raw {
			raw[i] = byte(random.Uint32())
		}
		return raw
	case 4:
		return bytes.Repeat([]byte("x"), random.IntN(3<<20))
	}
	return text
}

// run asks until the context ends.
func (s *scanner) run(ctx context.Context, t *testing.T, random *rand.Rand) {
	for ctx.Err() == nil {
		limit, cancel := context.WithTimeout(ctx, time.Duration(20+random.IntN(400))*time.Millisecond)
		r, said := s.request(limit, random)
		if r != nil {
			s.ask(t, r, said)
		}
		cancel()
	}
}

func (s *scanner) ask(t *testing.T, r *http.Request, said string) {
	answer, err := s.client.Do(r)
	if err != nil { // the time is over, or the header no header
		return
	}
	defer answer.Body.Close()
	body, _ := io.ReadAll(io.LimitReader(answer.Body, 1<<20)) //nolint:errcheck // it may be cut
	s.learn(said, body)
	s.mu.Lock()
	s.status[answer.StatusCode]++
	s.mu.Unlock()
	fine := answer.StatusCode == http.StatusServiceUnavailable && bytes.Contains(body, []byte("no provider here"))
	if answer.StatusCode >= 500 && !fine {
		t.Errorf("%s is answered %s: %.300s", said, answer.Status, body)
	}
	if bytes.Contains(body, []byte("goroutine ")) && bytes.Contains(body, []byte(".go:")) {
		t.Errorf("%s is answered by a stack: %.300s", said, body)
	}
}

// garbage sends what is no HTTP, or less than that.
func (s *scanner) garbage(ctx context.Context, random *rand.Rand) {
	for ctx.Err() == nil {
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", strings.TrimPrefix(s.n.url, "http://"))
		if err != nil {
			return
		}
		conn.SetDeadline(time.Now().Add(50 * time.Millisecond)) //nolint:errcheck // then the next write fails
		text := pick(random, []string{
			"GET / HTTP/1.1\r\nHost: localhost\r\n",
			"GET / HTTP/9.9\r\n\r\n",
			"\x16\x03\x01\x02\x00",
			"POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999\r\n\r\nname=",
			"POST /login HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffff\r\n",
			"GET //a/../../../x HTTP/1.1\r\nHost: \r\n\r\n",
			"OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n",
			strings.Repeat("A", 70_000),
		})
		io.WriteString(conn, text) //nolint:errcheck // it may be refused
		io.Copy(io.Discard, conn)  //nolint:errcheck // until the deadline
		conn.Close()               //nolint:errcheck // nothing was to come
		runtime.Gosched()
	}
}

// size is how many goroutines there are, and how much memory is in use, once there are no more than some, or the
// time is over.
func (s *scanner) size(calm int) (goroutines int, bytes uint64) {
	s.client.CloseIdleConnections()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for late := time.Now().Add(testkit.Patience); runtime.NumGoroutine() > calm && time.Now().Before(late); <-tick.C {
	}
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return runtime.NumGoroutine(), m.HeapAlloc
}

// scan sends requests for d.
func (s *scanner) scan(t *testing.T, d time.Duration, seed uint64) {
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	var group sync.WaitGroup
	for i := range uint64(6) {
		group.Go(func() { s.run(ctx, t, rand.New(rand.NewPCG(seed, i))) })
	}
	group.Go(func() { s.garbage(ctx, rand.New(rand.NewPCG(seed, 99))) })
	group.Wait()
}

// scanAskers are the headers of all kinds of users.
func (n *testNode) scanAskers() []func() []string {
	as := func(role access.Role, left time.Duration) func() []string {
		return func() []string { return n.loggedIn(role, left) }
	}
	by := func(header string) func() []string { return func() []string { return []string{header} } }
	return []func() []string{
		as(access.Viewer, sessionLife),
		as(access.Operator, sessionLife),
		as(access.Admin, sessionLife),
		by("Authorization: Bearer " + token),
		by("Authorization: Bearer " + token),
		by("Authorization: Bearer x"),
		as(access.Admin, -time.Hour),
		by("Cookie: " + n.sessions.Cookies.Name + "=x.y"),
	}
}
