package openid

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"
)

const (
	// maxAnswer and maxHeader bound each answer of a provider, in bytes.
	maxAnswer = 1 << 20
	maxHeader = 64 << 10
	// maxSaid bounds what of a provider's words is shown, in bytes.
	maxDescription = 200
)

// newClient asks providers: bounded in time and size, without redirects, which would take a client's secret elsewhere,
// and without connections that outlive their request.
func newClient() *http.Client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.DisableKeepAlives = true
	transport.MaxResponseHeaderBytes = maxHeader
	return &http.Client{Transport: limitedTransport{transport}, Timeout: requestTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

var errLarge = fmt.Errorf("an answer has more than %d bytes", maxAnswer)

// bounded makes reading on behind maxAnswer bytes of an answer an error.
type limitedTransport struct{ http.RoundTripper }

func (b limitedTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := b.RoundTripper.RoundTrip(r)
	if err == nil {
		answer.Body = &limitedBody{answer.Body, maxAnswer}
	}
	return answer, err
}

type limitedBody struct {
	io.ReadCloser
	left int64
}

func (b *limitedBody) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errLarge
	}
	n, err := b.ReadCloser.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	return n, err
}

// reason is what an error says that may be logged: without the URL that was asked, and in a bounded form.
func redacted(err error) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("it has not answered within %v", requestTimeout.Round(time.Second))
	}
	if asked, ok := errors.AsType[*url.Error](err); ok {
		err = asked.Err
	}
	return sanitized(err)
}

// cleaned is an error in a bounded form, without what does not belong into a line.
func sanitized(err error) error { return errors.New(asciiOnly(err.Error())) }

// said is what a provider says of its refusal: hostile text, so that only what RFC 6749 (4.1.2.1) allows is left of it.
func describeRefusal(code, description string) string {
	if description = asciiOnly(description); description != "" {
		return fmt.Sprintf("“%s” (%s)", strings.TrimRight(description, ". "), asciiOnly(code))
	}
	return asciiOnly(code)
}

// printable is what can be printed of a text in ASCII, bounded.
func asciiOnly(text string) string {
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return -1
		}
		return r
	}, text[:min(len(text), 4*maxDescription)])
	return strings.TrimSpace(text[:min(len(text), maxDescription)])
}

func isLoopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.Unmap().IsLoopback()
}
