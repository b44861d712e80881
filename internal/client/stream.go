package client

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
)

// Event is one event of a stream.
type Event struct {
	Name string
	Data []byte
	Text bool // a text event, whose Name is output here
}

// Stream is an open event stream. One goroutine may read it.
type Stream struct {
	ID     string // from hello
	Window int64
	body   io.ReadCloser
	in     *bufio.Reader
}

// Stream opens an event stream and reads its hello. query may name shells, logs and wanted events; the viewer is the
// client's. The stream ends with ctx.
func (c *Client) Stream(ctx context.Context, query url.Values) (*Stream, error) {
	if query == nil {
		query = url.Values{}
	}
	query.Set("viewer", c.Viewer)
	query.Set("text", "1")
	return c.events(ctx, "/stream?"+query.Encode())
}

// Carrier opens a carrier for the streams of several viewers.
func (c *Client) Carrier(ctx context.Context) (*Stream, error) { return c.events(ctx, "/carrier") }

// events opens what a path answers with, and reads its hello.
func (c *Client) events(ctx context.Context, path string) (*Stream, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, c.Base+path, nil)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Authorization", "Bearer "+c.Token)
	if !c.Page {
		r.Header.Set("Accept", "application/json")
	}
	answer, err := c.HTTP.Do(r)
	if err != nil {
		return nil, err
	}
	if answer.StatusCode != http.StatusOK {
		answer.Body.Close()
		return nil, fmt.Errorf("stream: %s", answer.Status)
	}
	s := &Stream{body: answer.Body, in: bufio.NewReaderSize(answer.Body, cmp.Or(c.Buffer, 128<<10))}
	hello, err := s.Next()
	if err != nil || hello.Name != "hello" {
		s.Close()
		return nil, fmt.Errorf("stream: first event is %q, %w", hello.Name, errors.Join(err))
	}
	var said struct {
		Stream, Carrier string
		Window          int64
	}
	if err := json.Unmarshal(hello.Data, &said); err != nil {
		return nil, err
	}
	s.ID, s.Window = cmp.Or(said.Stream, said.Carrier), said.Window
	return s, nil
}

// Follow opens an event stream of one shell only, from an offset; -1 is from the oldest byte that the node has.
func (c *Client) Follow(ctx context.Context, s Shell, from int64) (*Stream, error) {
	return c.Stream(ctx, url.Values{"want": {"none"}, "shell": {fmt.Sprintf("%s@%d", s.Key(), from)}})
}

// Close ends the stream.
func (s *Stream) Close() { s.body.Close() }

// Next reads the next event (HTML living standard, section 9.2.6).
func (s *Stream) Next() (e Event, err error) {
	e.Name = "message"
	some := false
	for {
		line, err := s.in.ReadBytes('\n')
		if err != nil {
			return e, err
		}
		line = bytes.TrimSuffix(line, []byte("\n"))
		if len(line) == 0 {
			if some {
				return e, nil
			}
			continue
		}
		field, value, _ := bytes.Cut(line, []byte(":"))
		value = bytes.TrimPrefix(value, []byte(" "))
		switch string(field) {
		case "event":
			if e.Name = string(value); e.Name == "text" {
				e.Name, e.Text = "output", true
			}
		case "data":
			if some {
				value = append(append(e.Data, '\n'), value...)
			}
			e.Data, some = value, true
		}
	}
}

// Output is a decoded output event.
type Output struct {
	Shell string
	Off   int64
	Bytes []byte
}

// ParseOutput decodes an output event.
func ParseOutput(e Event) (o Output, err error) {
	words := bytes.SplitN(e.Data, []byte(" "), 3)
	if len(words) != 3 {
		return o, fmt.Errorf("output has %d words", len(words))
	}
	o.Shell = string(words[0])
	if o.Off, err = strconv.ParseInt(string(words[1]), 10, 64); err != nil {
		return o, err
	}
	if e.Text {
		o.Bytes, err = unescape(words[2])
	} else {
		o.Bytes, err = base64.StdEncoding.AppendDecode(nil, words[2])
	}
	return o, err
}

// escapes are the characters that a text event escapes, by the letter after U+001F.
var escapes = map[byte]byte{'n': '\n', 'r': '\r', 'e': 0x1e, 'f': 0x1f}

func unescape(text []byte) (out []byte, err error) {
	if bytes.IndexByte(text, 0x1f) < 0 {
		return bytes.ReplaceAll(text, []byte{0x1e}, []byte("\r\n")), nil
	}
	for rest := text; len(rest) > 0; {
		i := bytes.IndexAny(rest, "\x1e\x1f")
		switch {
		case i < 0:
			return append(out, rest...), nil
		case rest[i] == 0x1e:
			out, rest = append(append(out, rest[:i]...), "\r\n"...), rest[i+1:]
		case i+1 < len(rest) && escapes[rest[i+1]] != 0:
			out, rest = append(append(out, rest[:i]...), escapes[rest[i+1]]), rest[i+2:]
		default:
			return nil, fmt.Errorf("text with a wrong escape: %q", rest[i:min(len(rest), i+2)])
		}
	}
	return out, nil
}
