package assets_test

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"convoy/assets"
	"convoy/internal/browser"
)

// The node and the shell of every page in these tests.
const (
	node  = "convoy@convoy-test.convoy.internal"
	id    = "9k2m4x7qpa"
	key   = node + "/" + id
	place = "/nodes/" + node + "/shells/" + id
)

// script is a server that speaks docs/protocol.md for one shell, whose output
// and whose faults are the test's. It keeps what the page did.
type script struct {
	t      testing.TB
	server *httptest.Server

	mu       sync.Mutex
	changed  chan struct{} // closed and replaced on every change
	out      []byte        // everything that the shell put out
	marks    []mark        // events besides output, in the order of their offsets
	garble   garbler       // what the network makes of a piece of output
	oldest   int64         // offset of the oldest byte kept
	window   int64
	beat     int // heartbeat, in seconds
	typed    []byte
	next     map[string]int64 // by viewer
	acked    int64
	acks     int
	ahead    int64    // the most that was ever sent and not acknowledged
	asked    []string // sizes, "ROWSxCOLS"
	follows  []int64  // the offsets that were asked for
	streams  int      // opened so far
	refuse   bool     // answer 401
	conn     *stream
	fault    func(what string, n int64) fault // what goes wrong with a request
	held     chan struct{}                    // input is not written until it is closed
	rejected int
}

type mark struct {
	off  int64
	name string
	data map[string]any
}

// part is one output event.
type part struct {
	off   int64
	bytes []byte
}

// garbler makes output events of a piece of output; nil makes one.
type garbler func(off int64, piece []byte) []part

func (g garbler) apply(off int64, piece []byte) []part {
	if g == nil {
		return []part{{off, piece}}
	}
	return g(off, piece)
}

// fault is what goes wrong with one request.
type fault int

const (
	none   fault = iota
	lose         // done, but the answer is lost
	drop         // lost before it is done
	refuse       // answered 400
)

// stream is one open event stream.
type stream struct {
	id    string
	from  int64
	jump  chan int64 // offsets to go on from
	grant int64
	sent  int // marks
}

var pageText = template.Must(template.New("").Parse(`<!doctype html>
<html><head><meta charset="utf-8"><title>script</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="{{.CSS}}"><link rel="stylesheet" href="{{.Xterm}}">
<style nonce="{{.Nonce}}">
body { margin: 0 } #frame { height: 400px; width: 800px } #pane { display: flex; flex-direction: column; height: 100% }
.shell-screen { flex: 1; min-height: 0; overflow: auto }
</style></head>
<body><button id="other">other</button><div id="frame"><div id="pane"></div></div>
<script type="module" nonce="{{.Nonce}}">
import { Stream, newViewer } from '{{.Stream}}';
import { ShellPane } from '{{.Shell}}';
const states = [], events = [];
const viewer = newViewer();
const stream = new Stream({ viewer, onState: (state, ms) => states.push(state), want: 'none' });
for (const name of ['shell-ended', 'shell-restart', 'shell-close', 'shell-leave', 'shell-trouble'])
  document.addEventListener(name, e => events.push(name + ' ' + (e.detail.text ?? '')));
const show = (more) => new ShellPane({ element: document.getElementById('pane'), node: '{{.Node}}', shell: '{{.ID}}', viewer, stream, ...more });
window.test = { stream, states, events, show, pane: show({}) };
</script></body></html>`))

// newScript starts the server. Its shell has put out nothing.
func newScript(t testing.TB) *script {
	s := &script{t: t, changed: make(chan struct{}), next: map[string]int64{}, window: 256 << 10, beat: 1}
	mux := http.NewServeMux()
	mux.Handle("/assets/", assets.Handler())
	mux.HandleFunc("GET /{$}", s.page)
	mux.HandleFunc("GET /nodes", s.nodes)
	mux.HandleFunc("GET /stream", s.stream)
	mux.HandleFunc("POST /streams/{stream}/shells/{node}/{shell}", s.follow)
	mux.HandleFunc("DELETE /streams/{stream}/shells/{node}/{shell}", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) })
	mux.HandleFunc("GET "+place, s.info)
	mux.HandleFunc("POST "+place+"/input", s.input)
	mux.HandleFunc("POST "+place+"/ack", s.ack)
	mux.HandleFunc("POST "+place+"/size", s.resize)
	s.server = httptest.NewServer(mux)
	t.Cleanup(func() {
		s.server.CloseClientConnections()
		s.server.Close()
	})
	return s
}

// addr is the server's "host:port".
func (s *script) addr() string { return s.server.Listener.Addr().String() }

// change does something to the state and wakes whoever waits for it.
func (s *script) change(do func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	do()
	close(s.changed)
	s.changed = make(chan struct{})
}

// put makes the shell put something out.
func (s *script) put(text string) { s.change(func() { s.out = append(s.out, text...) }) }

// mark sends an event at the present end of the output.
func (s *script) mark(name string, data map[string]any) {
	s.change(func() { s.addMark(name, data) })
}

func (s *script) addMark(name string, data map[string]any) {
	off := int64(len(s.out))
	data["shell"], data["off"] = key, off
	s.marks = append(s.marks, mark{off, name, data})
}

// until waits for a condition on the state.
func (s *script) until(what string, ok func() bool) {
	s.t.Helper()
	late := time.After(20 * time.Second)
	for {
		s.mu.Lock()
		done, changed := ok(), s.changed
		s.mu.Unlock()
		if done {
			return
		}
		select {
		case <-changed:
		case <-late:
			s.mu.Lock()
			defer s.mu.Unlock()
			s.t.Fatalf("not in time: %s; typed %d bytes (%.80q), acked %d of %d, %d streams, follows %v",
				what, len(s.typed), s.typed, s.acked, len(s.out), s.streams, s.follows)
		}
	}
}

// typedSoFar returns what was typed.
func (s *script) typedSoFar() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return string(s.typed)
}

// end returns the offset after the last byte put out.
func (s *script) end() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return int64(len(s.out))
}

// again makes the server begin the output anew at from, unasked.
func (s *script) again(from int64) {
	s.mu.Lock()
	conn := s.conn
	s.mu.Unlock()
	conn.jump <- from
}

// untilTyped waits until exactly text was typed.
func (s *script) untilTyped(text string) {
	s.t.Helper()
	s.until("typed "+strconv.Quote(text), func() bool { return len(s.typed) >= len(text) })
	s.mu.Lock()
	defer s.mu.Unlock()
	if string(s.typed) != text {
		s.t.Fatalf("typed %q, want %q", s.typed, text)
	}
}

func (s *script) page(w http.ResponseWriter, _ *http.Request) {
	nonce := rand.Text()
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", fmt.Sprintf("default-src 'none'; script-src 'self' 'nonce-%s'; style-src 'self' 'nonce-%s'; img-src 'self' data:; "+
		"font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'", nonce, nonce))
	pageText.Execute(w, map[string]string{
		"Nonce": nonce, "Node": node, "ID": id, "CSS": assets.URL("css/tokens.css"), "Xterm": assets.URL("vendor/xterm/xterm.css"),
		"Stream": assets.URL("js/stream.js"), "Shell": assets.URL("js/shell.js"),
	})
}

func (s *script) nodes(w http.ResponseWriter, _ *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refuse {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	io.WriteString(w, "[]")
}

func (s *script) info(w http.ResponseWriter, _ *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fmt.Fprintf(w, `{"id": %q, "end": %d}`, id, len(s.out))
}

// meet decides what goes wrong with a request. It reports false if the request is over.
func (s *script) meet(w http.ResponseWriter, what string, n int64) (fault, bool) {
	s.mu.Lock()
	decide := s.fault
	s.mu.Unlock()
	if decide == nil {
		return none, true
	}
	switch f := decide(what, n); f {
	case drop:
		panic(http.ErrAbortHandler)
	case refuse:
		w.WriteHeader(http.StatusBadRequest)
		return f, false
	default:
		return f, true
	}
}

func (s *script) ack(w http.ResponseWriter, r *http.Request) {
	off, _ := strconv.ParseInt(r.FormValue("off"), 10, 64)
	f, ok := s.meet(w, "ack", off)
	if !ok {
		return
	}
	s.acknowledge(off)
	s.answer(w, f)
}

func (s *script) acknowledge(off int64) {
	s.change(func() { s.acked, s.acks = max(s.acked, off), s.acks+1 })
}

func (s *script) resize(w http.ResponseWriter, r *http.Request) {
	rows, _ := strconv.Atoi(r.FormValue("rows"))
	cols, _ := strconv.Atoi(r.FormValue("cols"))
	s.change(func() {
		s.asked = append(s.asked, fmt.Sprintf("%dx%d", rows, cols))
		s.addMark("size", map[string]any{"rows": rows, "cols": cols})
	})
	w.WriteHeader(http.StatusNoContent)
}

func (s *script) answer(w http.ResponseWriter, f fault) {
	if f == lose {
		panic(http.ErrAbortHandler)
	}
	w.WriteHeader(http.StatusNoContent)
}

// input is the numbered input of the protocol.
func (s *script) input(w http.ResponseWriter, r *http.Request) {
	viewer := r.URL.Query().Get("viewer")
	n, err := strconv.ParseInt(r.URL.Query().Get("n"), 10, 64)
	if err != nil || len(viewer) < 16 {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	f, ok := s.meet(w, "input", n)
	if !ok {
		return
	}
	if ack, err := strconv.ParseInt(r.URL.Query().Get("ack"), 10, 64); err == nil {
		s.acknowledge(ack)
	}
	late := time.After(2 * time.Second)
	for {
		s.mu.Lock()
		expected, changed, held := s.next[viewer], s.changed, s.held
		s.mu.Unlock()
		if held != nil {
			select {
			case <-held:
			case <-r.Context().Done():
				return
			}
		}
		if n <= expected {
			break
		}
		select {
		case <-changed:
		case <-r.Context().Done():
			return
		case <-late:
			s.change(func() { s.rejected++ })
			w.WriteHeader(http.StatusConflict)
			fmt.Fprintf(w, `{"error": "gap", "expected": %d}`, expected)
			return
		}
	}
	s.change(func() {
		if s.next[viewer] == n { // else it is a repeat
			s.next[viewer]++
			s.typed = append(s.typed, body...)
		}
	})
	s.answer(w, f)
}

func (s *script) follow(w http.ResponseWriter, r *http.Request) {
	from, _ := strconv.ParseInt(r.FormValue("from"), 10, 64)
	s.mu.Lock()
	conn := s.conn
	s.mu.Unlock()
	if conn == nil || conn.id != r.PathValue("stream") {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	s.change(func() { s.follows = append(s.follows, from) })
	conn.jump <- from
	w.WriteHeader(http.StatusNoContent)
}

// stream is the event stream. Its one goroutine sends everything.
func (s *script) stream(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	refused, beat, window := s.refuse, s.beat, s.window
	s.mu.Unlock()
	if refused {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	c := &stream{id: rand.Text(), from: -1, jump: make(chan int64, 16)}
	following := false
	for _, asked := range r.URL.Query()["shell"] {
		cut := strings.LastIndex(asked, "@")
		c.from, _ = strconv.ParseInt(asked[cut+1:], 10, 64)
		following = true
		s.change(func() { s.follows = append(s.follows, c.from) })
	}
	s.change(func() { s.conn, s.streams = c, s.streams+1 })
	w.Header().Set("Content-Type", "text/event-stream")
	send := func(event string, data any) bool {
		text, ok := data.(string)
		if !ok {
			encoded, err := json.Marshal(data)
			if err != nil {
				s.t.Error(err)
			}
			text = string(encoded)
		}
		if _, err := fmt.Fprintf(w, "event: %s\ndata: %s\n\n", event, text); err != nil {
			return false
		}
		return http.NewResponseController(w).Flush() == nil
	}
	send("hello", map[string]any{"stream": c.id, "node": node, "build": assets.Build(), "window": window, "heartbeat": beat})
	hearts := time.NewTicker(time.Duration(beat) * time.Second)
	defer hearts.Stop()
	at := c.from
	if following {
		at = s.begin(c, send)
	}
	for {
		s.mu.Lock()
		changed := s.changed
		s.mu.Unlock()
		for following {
			next, ok := s.step(c, at, send)
			if !ok {
				break
			}
			at = next
		}
		select {
		case <-changed:
		case c.from = <-c.jump:
			following = true
			at = s.begin(c, send)
		case <-hearts.C:
			send("hb", strconv.FormatInt(time.Now().UnixMilli(), 10))
		case <-r.Context().Done():
			return
		}
	}
}

// begin sends what a follow begins with, and returns the offset to go on from.
func (s *script) begin(c *stream, send func(string, any) bool) int64 {
	s.mu.Lock()
	at := c.from
	reset := at < s.oldest || at > int64(len(s.out))
	if reset {
		at = s.oldest
	}
	c.grant, c.sent = at, 0
	inForce := map[string]any{"shell": key, "off": at, "rows": 24, "cols": 80}
	for _, m := range s.marks {
		if m.off < at || m.off == at && m.name == "size" {
			c.sent++
		}
		if m.off <= at && m.name == "size" {
			inForce = m.data
		}
	}
	s.mu.Unlock()
	if reset {
		send("reset", map[string]any{"shell": key, "off": at})
	}
	send("size", inForce)
	return at
}

// step sends the next event: a mark that is due, or output up to the next mark, as far as the window allows. It
// reports false if there is nothing to send.
func (s *script) step(c *stream, at int64, send func(string, any) bool) (int64, bool) {
	s.mu.Lock()
	end := min(int64(len(s.out)), at+32<<10, max(c.grant, s.acked)+s.window)
	if c.sent < len(s.marks) {
		m := s.marks[c.sent]
		if m.off <= at {
			c.sent++
			s.mu.Unlock()
			return at, send(m.name, m.data)
		}
		end = min(end, m.off)
	}
	if end <= at {
		s.mu.Unlock()
		return at, false
	}
	piece := s.out[at:end:end]
	s.ahead = max(s.ahead, end-max(c.grant, s.acked))
	garble := s.garble
	s.mu.Unlock()
	for _, part := range garble.apply(at, piece) {
		if !send("output", fmt.Sprintf("%s %d %s", key, part.off, base64.StdEncoding.EncodeToString(part.bytes))) {
			return at, false
		}
	}
	return end, true
}

// open opens the script's page, by way of addr if it is not empty, and waits for the stream.
func (s *script) open(b *browser.Browser, addr string) *browser.Page {
	s.t.Helper()
	if addr == "" {
		addr = s.addr()
	}
	p := b.Open(s.t, "http://"+addr+"/")
	p.Wait(`window.test?.stream.state === "open"`)
	return p
}
