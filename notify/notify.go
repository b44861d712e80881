// Package notify posts short messages to one address that the operator chose: as JSON, to ntfy, or to Slack.
package notify

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	queued   = 64 // messages; more are dropped
	tries    = 4
	pause    = time.Second // before the second try; it doubles
	timeout  = 10 * time.Second
	maxReply = 64 << 10 // bytes of an answer that are read
)

// Target is where messages go, and in which format. The zero value is none.
type Target struct {
	format string // "", ntfy, slack
	url    string
}

// ParseTarget reads an address: https://… gets JSON, ntfy+https://HOST/TOPIC and slack+https://… what these services
// accept. http works too.
func ParseTarget(text string) (Target, error) {
	u, err := url.Parse(text)
	if err != nil {
		return Target{}, errors.New("it is no URL") // without the URL, which may contain a secret
	}
	format, scheme, both := strings.Cut(u.Scheme, "+")
	if !both {
		format, scheme = "", u.Scheme
	}
	switch {
	case scheme != "https" && scheme != "http" || u.Host == "":
		return Target{}, errors.New("it begins with none of https://, ntfy+https:// and slack+https://")
	case format != "" && format != "ntfy" && format != "slack":
		return Target{}, fmt.Errorf("it has the unknown format %q", format)
	}
	u.Scheme = scheme
	return Target{format, u.String()}, nil
}

// Message is what is posted. Text may be empty.
type Message struct {
	Event string    `json:"event"` // waits, command, text, ends
	Title string    `json:"title"`
	Text  string    `json:"text"`
	Node  string    `json:"node"`
	Shell string    `json:"shell"`
	User  string    `json:"user"` // who asked for it
	At    time.Time `json:"at"`
}

// Sender posts messages in the order in which they were sent.
type Sender struct {
	target Target
	log    *slog.Logger
	queue  chan Message
	client *http.Client
	pause  time.Duration
}

// New returns a Sender, which posts while Run runs.
func New(target Target, log *slog.Logger) *Sender {
	client := &http.Client{
		Timeout:       timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return &Sender{target: target, log: log, queue: make(chan Message, queued), client: client, pause: pause}
}

// Send queues a message, and never blocks: if too many wait, it drops the message and logs that.
func (s *Sender) Send(m Message) {
	select {
	case s.queue <- m:
	default:
		s.log.Warn("notification dropped: too many are queued", "event", m.Event, "shell", m.Shell, "user", m.User)
	}
}

// Run posts messages until ctx ends.
func (s *Sender) Run(ctx context.Context) {
	Serve(ctx, s.queue, s.log, func(m Message) {
		err := Retry(ctx, tries, s.pause, func() (again bool, err error) { return s.try(ctx, m) })
		if err != nil {
			s.log.Warn("notification not sent", "event", m.Event, "shell", m.Shell, "user", m.User, "err", err)
		}
	})
}

// try posts once, and reports whether to try again.
func (s *Sender) try(ctx context.Context, m Message) (again bool, err error) {
	request, err := s.target.request(ctx, m)
	if err != nil {
		return false, err
	}
	answer, err := s.client.Do(request)
	if err != nil {
		if u, ok := errors.AsType[*url.Error](err); ok {
			err = u.Err // without the URL
		}
		return true, err
	}
	defer answer.Body.Close()
	io.CopyN(io.Discard, answer.Body, maxReply) //nolint:errcheck // it lets the connection be used again
	switch code := answer.StatusCode; {
	case code < http.StatusMultipleChoices:
		return false, nil
	case code == http.StatusTooManyRequests, code >= http.StatusInternalServerError:
		return true, fmt.Errorf("the answer was %s", answer.Status)
	}
	return false, fmt.Errorf("the answer was %s", answer.Status)
}

// slackText escapes what has a meaning in Slack's messages, such as mentions.
var slackText = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

// request is the request in the target's format.
func (t Target) request(ctx context.Context, m Message) (*http.Request, error) {
	var body []byte
	var err error
	switch t.format {
	case "ntfy":
		body = []byte(m.Text)
	case "slack":
		text := slackText.Replace(strings.TrimSpace(m.Title + "\n" + m.Text))
		body, err = json.Marshal(map[string]any{"text": text, "mrkdwn": false})
	default:
		body, err = json.Marshal(m)
	}
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, t.url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("User-Agent", "convoy")
	r.Header.Set("Content-Type", "application/json")
	if t.format == "ntfy" {
		r.Header.Set("Content-Type", "text/plain; charset=utf-8")
		r.Header.Set("Title", mime.QEncoding.Encode("utf-8", m.Title))
	}
	return r, nil
}
