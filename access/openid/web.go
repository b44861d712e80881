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
	// maxAnswer and maxHeader bound each response of a provider, in bytes.
	maxAnswer = 1 << 20
	maxHeader = 64 << 10
	// maxDescription bounds what is shown of a provider's error, in bytes.
	maxDescription = 200
)

// newClient returns a client with limits on time and size, without redirects, which could take the client's secret
// elsewhere, and without idle connections.
func newClient() *http.Client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.DisableKeepAlives = true
	transport.MaxResponseHeaderBytes = maxHeader
	return &http.Client{Transport: limitedTransport{transport}, Timeout: requestTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

var errLarge = fmt.Errorf("an answer has more than %d bytes", maxAnswer)

// limitedTransport makes it an error to read more than maxAnswer bytes of a response.
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

// redacted returns an error that may be logged: without the URL of the request, and sanitized.
func redacted(err error) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("it has not answered within %v", requestTimeout.Round(time.Second))
	}
	if asked, ok := errors.AsType[*url.Error](err); ok {
		err = asked.Err
	}
	return sanitized(err)
}

// sanitized returns an error of limited length, in printable ASCII.
func sanitized(err error) error { return errors.New(asciiOnly(err.Error())) }

// describeRefusal returns a provider's error, which is hostile, in the characters that RFC 6749 (4.1.2.1) allows.
func describeRefusal(code, description string) string {
	if description = asciiOnly(description); description != "" {
		return fmt.Sprintf("“%s” (%s)", strings.TrimRight(description, ". "), asciiOnly(code))
	}
	return asciiOnly(code)
}

// asciiOnly returns the printable ASCII characters of a text, up to maxDescription.
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
