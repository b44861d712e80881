package assets_test

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"convoy/assets"
)

func (s *script) page(w http.ResponseWriter, _ *http.Request) {
	nonce := rand.Text()
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().
		Set("Content-Security-Policy", fmt.Sprintf("default-src 'none'; script-src 'self' 'nonce-%s'; style-src 'self' "+
			"'nonce-%s'; img-src 'self' data:; "+
			"font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'", nonce, nonce))
	pageText.Execute(w, map[string]any{
		"Nonce": nonce,
		"Node":  node,
		"ID":    id,
		"CSS": []string{
			assets.URL("css/tokens.css"),
			assets.URL("css/base.css"),
			assets.URL("vendor/xterm/xterm.css"),
			assets.URL("css/shell.css"),
		},
		"Stream": assets.URL("js/stream.js"),
		"Shell":  assets.URL("js/shell.js"),
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

// putFile keeps a file. A name that begins with "full" finds no room; one that begins with "slow" blocks until it is
// cancelled.
func (s *script) putFile(w http.ResponseWriter, r *http.Request) {
	name := r.FormValue("name")
	body, err := io.ReadAll(r.Body)
	if strings.HasPrefix(name, "slow") {
		s.change(func() { s.uploads[name] = "begun" })
		<-r.Context().Done()
		s.change(func() { s.uploads[name] = "given up" })
		return
	}
	if err != nil || len(r.FormValue("viewer")) < 16 {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	if strings.HasPrefix(name, "full") {
		w.WriteHeader(http.StatusInsufficientStorage)
		io.WriteString(w, `{"error": "no space left on device", "hint": "the disk of the node is full"}`)
		return
	}
	s.change(func() { s.uploads[name] = string(body) })
	w.WriteHeader(http.StatusCreated)
	json.NewEncoder(w).Encode(map[string]any{"name": name, "dir": "/srv/app", "bytes": len(body)})
}

// getFile returns a kept file.
func (s *script) getFile(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	body, ok := s.uploads[r.FormValue("path")]
	if !ok {
		w.WriteHeader(http.StatusNotFound)
		io.WriteString(w, `{"error": "there is no such file", "hint": "look again"}`)
		return
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	io.WriteString(w, body)
}

func (s *script) info(w http.ResponseWriter, r *http.Request) {
	if _, ok := s.meet(w, r.URL.Path, 0); !ok {
		return
	}
	s.change(func() { s.infos++ })
	s.mu.Lock()
	defer s.mu.Unlock()
	fmt.Fprintf(w, `{"id": %q, "end": %d, "dir": "/srv/app"}`, id, len(s.out))
}

// meet applies a request's fault. It returns false if the request is over.
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
		s.asked = append(s.asked, r.FormValue("claim"))
		s.room = map[string]any{"rows": rows, "cols": cols}
		if r.FormValue("claim") != "offer" {
			s.addMark("size", s.room)
		}
	})
	w.WriteHeader(http.StatusNoContent)
}

func (s *script) answer(w http.ResponseWriter, f fault) {
	if f == lose {
		panic(http.ErrAbortHandler)
	}
	s.mu.Lock()
	echo := s.echo
	s.mu.Unlock()
	if echo != "" {
		w.Header().Set("Convoy-Echo", echo)
		w.Header().Set("Server-Timing", "node;dur=12.0")
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
	late := time.After(s.gap)
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
			if s.slow != nil {
				<-s.slow
			}
			w.WriteHeader(http.StatusConflict)
			fmt.Fprintf(w, `{"error": "gap", "expected": %d}`, expected)
			return
		}
	}
	s.change(func() {
		if s.next[viewer] == n { // otherwise it is a repeat
			s.next[viewer]++
			s.typed = append(s.typed, body...)
			if s.room != nil && s.size != sizeOf(s.room) {
				s.addMark("size", s.room)
			}
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
	refused := false
	s.change(func() {
		s.follows = append(s.follows, from)
		refused = from == -3 && s.whole == ""
	})
	if refused {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	conn.jump <- from
	w.WriteHeader(http.StatusNoContent)
}

// stream serves the event stream. It alone sends events.
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
	s.change(func() {
		s.conn, s.streams = c, s.streams+1
		s.names = append(s.names, r.URL.Query().Get("name"))
	})
	w.Header().Set("Content-Type", "text/event-stream")
	send := func(event string, data any) bool { return s.sendEvent(w, event, data) }
	send("hello", map[string]any{
		"stream": c.id, "node": node, "build": assets.Build(), "window": window, "heartbeat": beat,
	})
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

// sendEvent sends an event, with data as JSON unless it is a string, and reports whether that succeeded.
func (s *script) sendEvent(w http.ResponseWriter, event string, data any) bool {
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

// begin sends the start of a follow, and returns the offset to continue from.
func (s *script) begin(c *stream, send func(string, any) bool) int64 {
	s.mu.Lock()
	at, screen := c.from, ""
	reset := at < s.oldest || at > int64(len(s.out))
	switch {
	case at == -3:
		at, screen = int64(len(s.out)), s.whole
	case reset:
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
	if screen != "" {
		send("size", inForce)
		send("reset", map[string]any{"shell": key, "off": at, "screen": []byte(screen)})
		return at
	}
	if reset {
		send("reset", map[string]any{"shell": key, "off": at})
	}
	send("size", inForce)
	return at
}

// step sends the next event: a due mark, or output up to the next mark, as far as the window allows. It returns false
// if there is nothing to send.
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
