package railway

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"sync/atomic"
	"time"

	"github.com/Khan/genqlient/graphql"
)

const (
	userAgent       = "convoy/1" // Railway's edge may reject net/http's default
	queryTimeout    = 30 * time.Second
	mutationTimeout = 90 * time.Second // a delete alone takes up to 7 s
	queryTries      = 3
	maxBodyBytes    = 16 << 20
	maxWords        = 80              // bytes of an answer that is not Railway's
	maxRateWait     = 2 * time.Minute // longer waits are reported instead
)

// TokenKind is how a token is sent to Railway.
type TokenKind string

// The kinds of tokens.
const (
	Bearer       TokenKind = "bearer"  // of an account or a workspace
	ProjectToken TokenKind = "project" // of one environment of one project
)

// client sends operations to Railway's API. It implements graphql.Client for the generated code.
type client struct {
	endpoint *url.URL
	token    string
	kind     atomic.Value // TokenKind: a token may turn out to be of the other kind
	http     *http.Client
	log      *slog.Logger
	budget   *budget
	retry    func(try int) time.Duration
}

// newClient returns a client of the API. The token is sent nowhere else: not over plain HTTP, except to this machine,
// and not after a redirect.
func newClient(cfg Config) (*client, error) {
	endpoint, err := parseEndpoint(cfg.Endpoint)
	if err != nil {
		return nil, err
	}
	own := http.Client{}
	if cfg.HTTP != nil {
		own = *cfg.HTTP
	} else {
		transport := http.DefaultTransport.(*http.Transport).Clone()
		transport.IdleConnTimeout = 50 * time.Second // Railway's edge closes after 60 s
		own.Transport = transport
	}
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	c := &client{endpoint: endpoint, token: cfg.Token, http: &own, log: cfg.Log, budget: newBudget(), retry: backoff}
	c.kind.Store(cfg.TokenKind)
	return c, nil
}

func parseEndpoint(text string) (*url.URL, error) {
	u, err := url.Parse(cmp.Or(text, DefaultEndpoint))
	if err != nil || u.Host == "" || u.User != nil {
		return nil, fmt.Errorf("railway endpoint %q is not a URL such as %s", text, DefaultEndpoint)
	}
	switch {
	case u.Scheme == "https":
	case u.Scheme == "http" && isLoopback(u.Hostname()):
	default:
		return nil, fmt.Errorf("railway endpoint %q must begin with https://, or the token could be read on the way", text)
	}
	return u, nil
}

func isLoopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || (err == nil && addr.IsLoopback())
}

// backoff is the pause before the next try of a query.
func backoff(try int) time.Duration { return 500 * time.Millisecond << try }

// header returns the headers of every request, including WebSocket upgrades.
func (c *client) header() http.Header {
	h := http.Header{"User-Agent": {userAgent}}
	switch {
	case c.token == "":
	case c.kind.Load() == ProjectToken:
		h.Set("Project-Access-Token", c.token)
	default:
		h.Set("Authorization", "Bearer "+c.token)
	}
	return h
}

// MakeRequest sends one operation. Queries without an answer are retried, and wait for the rate limit. Mutations return
// immediately: they may have taken effect, see [Error.Ambiguous], and users want to know why nothing happens.
func (c *client) MakeRequest(ctx context.Context, req *graphql.Request, resp *graphql.Response) error {
	mutation := strings.HasPrefix(strings.TrimSpace(req.Query), "mutation")
	timeout := queryTimeout
	if mutation {
		timeout = mutationTimeout
	}
	for try := 0; ; try++ {
		if err := c.budget.wait(ctx, !mutation); err != nil {
			return c.rateLimited(req.OpName, 0, err.Error(), err)
		}
		began := time.Now()
		err := c.once(ctx, timeout, req, resp)
		var failure *Error
		if errors.As(err, &failure) {
			c.log.Debug("railway call failed", "operation", req.OpName, "took", time.Since(began), "err", err)
		}
		limited := failure != nil && failure.Code == RateLimited
		again := failure != nil && !mutation && (limited || failure.Ambiguous())
		if !again || try+1 >= queryTries || ctx.Err() != nil {
			return err
		}
		if !limited && !sleep(ctx, c.retry(try)) {
			return err
		}
	}
}

// once sends an operation once.
func (c *client) once(ctx context.Context, timeout time.Duration, req *graphql.Request, resp *graphql.Response) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	body, err := json.Marshal(req)
	if err != nil {
		return fmt.Errorf("encode %s: %w", req.OpName, err)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.endpoint.String(), bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header = c.header()
	r.Header.Set("Content-Type", "application/json")
	c.budget.count()
	answer, err := c.http.Do(r)
	if err != nil {
		return c.unavailable(req.OpName, 0, "no answer: "+c.redact(rootCause(err).Error()), err)
	}
	defer answer.Body.Close() //nolint:errcheck // it was only read
	c.budget.read(answer)
	text, err := io.ReadAll(io.LimitReader(answer.Body, maxBodyBytes+1))
	if err != nil || len(text) > maxBodyBytes {
		return c.unavailable(req.OpName, answer.StatusCode, "the answer was cut off", err)
	}
	return c.decode(req.OpName, answer.StatusCode, text, resp)
}

// decode decodes a response. Errors are final even with HTTP 200 and partial data: missing data could be mistaken for
// deleted.
func (c *client) decode(op string, status int, text []byte, resp *graphql.Response) error {
	var answer struct {
		Data   json.RawMessage `json:"data"`
		Errors []wireError     `json:"errors"`
	}
	err := json.Unmarshal(text, &answer)
	switch {
	case err == nil && len(answer.Errors) > 0:
		return c.failure(op, status, answer.Errors)
	case status == http.StatusTooManyRequests:
		return c.rateLimited(op, status, "too many requests", nil)
	case status != http.StatusOK: // of a proxy on the way: Railway says in errors what it thinks of a token
		return c.unavailable(op, status, strings.TrimSuffix(http.StatusText(status)+": "+c.firstWords(text), ": "), err)
	case err != nil:
		return c.unavailable(op, status, "the answer is not JSON: "+c.firstWords(text), err)
	case len(answer.Data) == 0 || bytes.Equal(answer.Data, []byte("null")):
		return c.unavailable(op, status, "the answer is empty", nil)
	}
	if err := json.Unmarshal(answer.Data, resp.Data); err != nil {
		return &Error{Operation: op, Code: Refused, Status: status, Message: "the answer has an unexpected shape", cause: err}
	}
	return nil
}

// unavailable is the error of an operation without an answer of Railway's.
func (*client) unavailable(op string, status int, message string, cause error) *Error {
	return &Error{Operation: op, Code: Unavailable, Status: status, Message: message, cause: cause}
}

// rateLimited is the error of an operation that was not carried out because of the rate limit.
func (c *client) rateLimited(op string, status int, message string, cause error) *Error {
	return &Error{
		Operation: op, Code: RateLimited, Status: status, Message: message, RetryAfter: c.budget.pause(), cause: cause,
	}
}

// eachPage queries the pages of a list, in order. query returns what follows the page after a cursor.
func eachPage(query func(after string) (pageFields, error)) error {
	after := ""
	for range maxPages {
		page, err := query(after)
		if err != nil || !page.HasNextPage || page.EndCursor == "" || page.EndCursor == after {
			return err
		}
		after = page.EndCursor
	}
	return nil
}

// firstWords is the beginning of an answer without its HTML.
func (c *client) firstWords(answer []byte) string {
	words := markup.ReplaceAllString(string(answer[:min(len(answer), 4<<10)]), " ")
	return truncate(c.redact(words), maxWords)
}

// markup is what a page of HTML has before and between its words.
var markup = regexp.MustCompile(`(?s)<(script|style)\b.*?</(script|style)>|<[^>]*>`)

// redact removes the token from external text.
func (c *client) redact(text string) string {
	if len(c.token) < 4 {
		return text
	}
	return strings.ReplaceAll(text, c.token, "[token]")
}

// rootCause is the part of a transport error that describes the cause, without the address of the API.
func rootCause(err error) error {
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		return dns
	}
	if u, ok := errors.AsType[*url.Error](err); ok {
		return u.Err
	}
	return err
}

// sleep waits for d, and returns false if ctx ended first.
func sleep(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}
