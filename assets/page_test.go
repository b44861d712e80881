package assets_test

import (
	"fmt"
	"html/template"
	"maps"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"testing"
	"time"

	"convoy/assets"
	"convoy/internal/browser"
	"convoy/internal/faultproxy"
)

// Node and shell of every page in these tests.
const (
	node  = "convoy@convoy-test.convoy.internal"
	id    = "9k2m4x7qpa"
	key   = node + "/" + id
	place = "/nodes/" + node + "/shells/" + id
	// shared is the path of a share link to the shell.
	shared = "/share/token"
)

// script is a server that speaks docs/protocol.md for one shell. The test controls its output and faults. It records
// what the page did.
type script struct {
	t      testing.TB
	server *httptest.Server

	mu       sync.Mutex
	changed  chan struct{} // closed and replaced on every change
	out      []byte        // all output of the shell
	marks    []mark        // events besides output, ordered by offset
	garble   garbler       // splits output like a bad network
	oldest   int64         // offset of the oldest kept byte
	window   int64
	beat     int           // heartbeat, in seconds
	gap      time.Duration // until input that has no predecessor is refused
	typed    []byte
	next     map[string]int64 // by viewer
	acked    int64
	acks     int
	ahead    int64          // the maximum of unacknowledged bytes
	asked    []string       // claims to the size
	size     string         // current size
	room     map[string]any // reported by the page: rows and cols
	follows  []int64        // requested offsets
	streams  int            // opened so far
	names    []string       // of the streams' viewers
	refuse   bool           // answer 401
	whole    string         // the screen with its history; "": such a request is refused
	conn     *stream
	fault    func(what string, n int64) fault // the fault of a request
	held     chan struct{}                    // input is not written until it is closed
	echo     string                           // who echoes, in the answer to input; "": not said
	rejected int
	uploads  map[string]string // by name
	infos    int               // requests for the shell's info
	slow     chan struct{}     // gap responses are held until it is closed
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

// garbler splits output into events; nil makes one.
type garbler func(off int64, piece []byte) []part

func (g garbler) apply(off int64, piece []byte) []part {
	if g == nil {
		return []part{{off, piece}}
	}
	return g(off, piece)
}

// fault is the fault of one request.
type fault int

const (
	none   fault = iota
	lose         // done, but the response is lost
	drop         // lost before it is done
	refuse       // answered with 400
)

// stream is one open event stream.
type stream struct {
	id    string
	from  int64
	jump  chan int64 // offsets to continue from
	grant int64
	sent  int // sent marks
}

// icon is the template function of that name.
func icon(name string) template.HTML {
	return template.HTML(`<svg class="icon"><use href="` + assets.URL("icons.svg#"+name) + `"/></svg>`)
}

var paneText = template.Must(
	template.New("").Funcs(template.FuncMap{"icon": icon}).ParseFiles("../templates/shell_pane.html"),
)

var pageText = template.Must(paneText.New("page").Parse(`<!doctype html>
<html><head><meta charset="utf-8"><title>script</title>
<link rel="icon" href="data:,">
{{range .CSS}}<link rel="stylesheet" href="{{.}}">{{end}}
<style nonce="{{.Nonce}}">
body { margin: 0 } #frame { height: 400px; width: 800px } #pane { display: flex; flex-direction: column; height: 100% }
.shell-screen { flex: 1; min-height: 0; overflow: auto }
</style></head>
<body>{{template "shell_pane.html" true}}<button id="other">other</button><div id="frame"><div id="pane"></div></div>
<script type="module" nonce="{{.Nonce}}">
import { Stream, newViewer } from '{{.Stream}}';
import { ShellPane } from '{{.Shell}}';
const states = [], events = [], notes = [];
const viewer = newViewer();
const query = new URLSearchParams(location.search);
const stream = new Stream({ viewer, name: query.get('name') ?? '', watch: query.has('watch'), onState: (state,
	ms) => states.push(state), want: 'none' });
for (const name of ['shell-ended', 'shell-leave', 'shell-trouble'])
  document.addEventListener(name, e => events.push(name + ' ' + (e.detail.text ?? '')));
document.addEventListener('shell-note', e => notes.push([e.detail.level, e.detail.text,
	e.detail.hint].filter(Boolean).join(' ')));
const show = (more) => new ShellPane({ element: document.getElementById('pane'), node: '{{.Node}}', shell: '{{.ID}}',
	viewer, stream, ...more });
window.test = { stream, states, events, notes, show, pane: show({}) };
</script></body></html>`))

// newScript starts the server. Its shell has no output.
func newScript(t testing.TB) *script {
	s := &script{
		t:       t,
		changed: make(chan struct{}),
		next:    map[string]int64{},
		uploads: map[string]string{},
		window:  256 << 10,
		beat:    60,
		gap:     20 * time.Second, // less than a page's patience
	}
	mux := http.NewServeMux()
	mux.Handle("/assets/", assets.Handler())
	mux.HandleFunc("GET /{$}", s.page)
	mux.HandleFunc("GET /nodes", s.nodes)
	mux.HandleFunc("GET /stream", s.stream)
	mux.HandleFunc("POST /streams/{stream}/shells/{node}/{shell}", s.follow)
	mux.HandleFunc(
		"DELETE /streams/{stream}/shells/{node}/{shell}", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) },
	)
	mux.HandleFunc("GET "+place, s.info)
	mux.HandleFunc("GET "+shared, s.info)
	mux.HandleFunc("POST "+place+"/input", s.input)
	mux.HandleFunc("POST "+place+"/ack", s.ack)
	mux.HandleFunc("POST "+place+"/size", s.resize)
	mux.HandleFunc("POST "+place+"/files", s.putFile)
	mux.HandleFunc("GET "+place+"/files", s.getFile)
	mux.HandleFunc("GET "+place+"/files/info", s.getFile)
	s.server = httptest.NewServer(mux)
	t.Cleanup(func() {
		s.server.CloseClientConnections()
		s.server.Close()
	})
	return s
}

// addr is the server's "host:port".
func (s *script) addr() string { return s.server.Listener.Addr().String() }

// change modifies the state and wakes those who wait for it.
func (s *script) change(do func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	do()
	close(s.changed)
	s.changed = make(chan struct{})
}

// put adds output.
func (s *script) put(text string) { s.change(func() { s.out = append(s.out, text...) }) }

// mark sends an event at the current end of the output.
func (s *script) mark(name string, data map[string]any) {
	s.change(func() { s.addMark(name, data) })
}

func (s *script) addMark(name string, data map[string]any) {
	off := int64(len(s.out))
	data = maps.Clone(data)
	data["shell"], data["off"] = key, off
	s.marks = append(s.marks, mark{off, name, data})
	if name == "size" {
		s.size = sizeOf(data)
	}
}

func sizeOf(data map[string]any) string { return fmt.Sprint(data["rows"], "x", data["cols"]) }

// until waits for a condition on the state.
func (s *script) until(what string, ok func() bool) {
	s.t.Helper()
	late := time.After(2 * time.Minute)
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

// typedSoFar returns the input.
func (s *script) typedSoFar() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return string(s.typed)
}

// end returns the offset after the last byte.
func (s *script) end() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return int64(len(s.out))
}

// untilTyped waits until the input is exactly text.
func (s *script) untilTyped(text string) {
	s.t.Helper()
	s.until("typed "+strconv.Quote(text), func() bool { return len(s.typed) >= len(text) })
	s.mu.Lock()
	defer s.mu.Unlock()
	if string(s.typed) != text {
		s.t.Fatalf("typed %q, want %q", s.typed, text)
	}
}

// open opens the page, in a tab to which prepare has been done, and waits for the stream.
func (s *script) open(b *browser.Browser, prepare ...func(*browser.Page)) *browser.Page {
	s.t.Helper()
	return s.openAs(b, s.addr(), "", prepare...)
}

// openByProxy opens the page through a proxy.
func (s *script) openByProxy(b *browser.Browser) (*browser.Page, *faultproxy.Proxy) {
	s.t.Helper()
	proxy := faultproxy.Start(s.t, s.addr())
	return s.openAs(b, proxy.Addr(), ""), proxy
}

// openAs opens it with a query, such as "name=Ada".
func (s *script) openAs(b *browser.Browser, addr, query string, prepare ...func(*browser.Page)) *browser.Page {
	s.t.Helper()
	p := b.Open(s.t, "http://"+addr+"/?"+query, prepare...)
	p.Wait(`window.test?.stream.state === "open"`)
	return p
}
