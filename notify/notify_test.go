package notify

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"convoy/internal/testkit"
)

// request is what a server got.
type request struct {
	head http.Header
	body string
}

// serve starts a server that answers with the statuses in turn, then 200, and a Sender that posts there.
func serve(t *testing.T, format string, statuses ...int) (*Sender, <-chan request) {
	t.Helper()
	got := make(chan request, 16)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got <- request{r.Header, string(body)}
		if len(statuses) > 0 {
			w.Header().Set("Location", "/elsewhere")
			w.WriteHeader(statuses[0])
			statuses = statuses[1:]
		}
	}))
	t.Cleanup(server.Close)
	target, err := ParseTarget(format + server.URL + "/topic")
	testkit.Must(t, err)
	s := New(target, slog.New(slog.DiscardHandler))
	s.pause = time.Millisecond
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		s.Run(ctx)
	}()
	t.Cleanup(func() { cancel(); <-ended })
	return s, got
}

var message = Message{
	Event: "waits", Title: "bash on k3fz wartet…\r\nX-Evil: 1", Text: "<!channel> Continue? [y/N] & more",
	Node: "convoy@k3fz", Shell: "9k2m4x7qpa", User: "ann", At: time.Unix(1e9, 0).UTC(),
}

func TestSender_Formats(t *testing.T) {
	t.Parallel()
	s, got := serve(t, "")
	s.Send(message)
	var back Message
	testkit.Must(t, json.Unmarshal([]byte((<-got).body), &back))
	if back != message {
		t.Errorf("the JSON has %+v", back)
	}

	s, got = serve(t, "ntfy+")
	s.Send(message)
	r := <-got
	title, err := new(mime.WordDecoder).DecodeHeader(r.head.Get("Title"))
	if err != nil || title != message.Title || r.body != message.Text || r.head.Get("X-Evil") != "" {
		t.Errorf("ntfy got the title %q (%v) and %q", title, err, r.body)
	}

	s, got = serve(t, "slack+")
	s.Send(message)
	if r := <-got; strings.Contains(r.body, "<!channel>") || !strings.Contains(r.body, `Continue? [y/N]`) {
		t.Errorf("Slack got %s", r.body)
	}
}

// A server that fails is asked again; one that refuses or redirects is not.
func TestSender_Retries(t *testing.T) {
	t.Parallel()
	s, got := serve(t, "", 500, 429, 200)
	s.Send(message)
	for range 3 {
		<-got
	}
	for _, refusal := range []int{404, 302} {
		s, got := serve(t, "", refusal)
		s.Send(message)
		s.Send(Message{Title: "the next"})
		<-got
		if r := <-got; !strings.Contains(r.body, "the next") {
			t.Errorf("after %d it posts %s", refusal, r.body)
		}
	}
}

func TestSender_NeverBlocks(t *testing.T) {
	t.Parallel()
	s := New(Target{}, slog.New(slog.DiscardHandler))
	for range 10 * queued {
		s.Send(message)
	}
}

func TestParseTarget(t *testing.T) {
	t.Parallel()
	for text, ok := range map[string]bool{
		"https://example.org/hook": true, "http://localhost:8080": true, "ntfy+https://ntfy.sh/topic": true,
		"slack+https://hooks.slack.com/services/x": true, "": false, "example.org": false, "ftp://example.org": false,
		"irc+https://example.org": false, "https://": false, "ntfy+file:///etc/passwd": false, "https://a b/secret": false,
	} {
		_, err := ParseTarget(text)
		if (err == nil) != ok {
			t.Errorf("%q: %v", text, err)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("the error has the address: %v", err)
		}
	}
}
