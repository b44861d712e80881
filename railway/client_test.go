package railway

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/Khan/genqlient/graphql"

	"convoy/internal/railwaytest"
)

// TestErrors_Kinds: Railway's answers, and the resulting errors.
func TestErrors_Kinds(t *testing.T) {
	tests := []struct {
		fault railwaytest.Fault
		code  Code
		text  string
	}{
		{
			railwaytest.Fault{Message: "Not Authorized", Trace: "abc"},
			Unauthorized,
			"railway volumes: Not Authorized [trace abc]",
		},
		{railwaytest.Fault{Message: "Project Token not found"}, Unauthorized, "railway volumes: Project Token not found"},
		{
			railwaytest.Fault{Message: "Two Factor Authentication Required"},
			TwoFactor,
			"railway volumes: Two Factor Authentication Required",
		},
		{railwaytest.Fault{Message: "Service not found"}, NotFound, "railway volumes: Service not found"},
		{railwaytest.Fault{Message: "name must be unique"}, NameTaken, "railway volumes: name must be unique"},
		{railwaytest.Fault{Message: "Problem processing request"}, Refused, "railway volumes: Problem processing request"},
		{railwaytest.Fault{Message: "two\nlines\x1b"}, Refused, "railway volumes: two lines"},
		{railwaytest.Fault{Body: `{"errors":[{}]}`}, Refused, "railway volumes: refused without a reason"},
		{railwaytest.Fault{Body: `{"data":null}`}, Unavailable, "railway volumes: the answer is empty"},
		{railwaytest.Fault{Status: http.StatusTeapot}, Unavailable, "railway volumes: I'm a teapot: bad gateway (HTTP 418)"},
		{railwaytest.Fault{Status: 403}, Unavailable, "railway volumes: Forbidden: bad gateway (HTTP 403)"},
		{
			railwaytest.Fault{Status: 401, Body: `{"message":"Forbidden"}`},
			Unavailable,
			`railway volumes: Unauthorized: {"message":"Forbidden"} (HTTP 401)`,
		},
		{railwaytest.Fault{Status: 302}, Unavailable, "railway volumes: Found: bad gateway (HTTP 302)"},
		{railwaytest.Fault{Status: 502}, Unavailable, "railway volumes: Bad Gateway: bad gateway (HTTP 502)"},
		{
			railwaytest.Fault{Body: "<html><style>x{}</style>\n<h1>Just a moment</h1>"},
			Unavailable,
			"railway volumes: the answer is not JSON: Just a moment",
		},
		{railwaytest.Fault{Cut: true}, Unavailable, "railway volumes: no answer: EOF"},
		{
			railwaytest.Fault{Status: 429, Retry: 10 * time.Minute},
			RateLimited,
			"railway volumes: railway's rate limit is reached; try again in 10m0s",
		},
	}
	for _, test := range tests {
		inBubble(t, railwaytest.Options{}, nil, func(t *testing.T, k *kit) {
			for range queryTries {
				k.s.Fail("volumes", test.fault)
			}
			_, err := volumes(t.Context(), k.p.client, railwaytest.Environment, railwaytest.Project, 1, "")
			if !is(err, test.code) || !strings.HasPrefix(err.Error(), test.text) {
				t.Errorf("error is %v, want %s: %s", err, test.code, test.text)
			}
		})
	}
}

// TestClient_TokenGoesNowhereElse: not after a redirect.
func TestClient_TokenGoesNowhereElse(t *testing.T) {
	var got []string
	other := httptest.NewServer(
		http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = append(got, r.URL.Path) }),
	)
	defer other.Close()
	first := httptest.NewServer(http.RedirectHandler(other.URL, http.StatusTemporaryRedirect))
	defer first.Close()
	p, err := New(Config{Endpoint: first.URL, Token: "project-token", TokenKind: ProjectToken})
	if err != nil {
		t.Fatal(err)
	}
	defer p.client.http.CloseIdleConnections()
	if _, err := projectTokenContext(t.Context(), p.client); err == nil || len(got) > 0 {
		t.Errorf("after a redirect: %v, requests elsewhere: %v", err, got)
	}
}

func TestClient_Headers(t *testing.T) {
	for kind, want := range map[TokenKind][2]string{Bearer: {"Bearer tok", ""}, ProjectToken: {"", "tok"}} {
		p, err := New(Config{Token: " tok\n", TokenKind: kind})
		if err != nil {
			t.Fatal(err)
		}
		h := p.client.header()
		if got := [2]string{
			h.Get("Authorization"),
			h.Get("Project-Access-Token"),
		}; got != want || h.Get("User-Agent") != userAgent {
			t.Errorf("headers of a %s token are %v", kind, h)
		}
	}
}

func TestBudget_BurstAndHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBudget()
		began := time.Now()
		for range 3*burstCalls + 1 {
			if err := b.wait(t.Context(), true); err != nil {
				t.Fatal(err)
			}
			b.count()
		}
		if took := time.Since(began); took < 3*time.Second {
			t.Errorf("%d calls took %v, want at most %d a second", 3*burstCalls+1, took, burstCalls)
		}
		if got := b.snapshot(); got.Hour != 25 || got.Total != 25 || got.Remaining != -1 {
			t.Errorf("budget is %+v, want 25 calls", got)
		}
		time.Sleep(30 * time.Minute)
		b.count()
		time.Sleep(31 * time.Minute)
		if got := b.snapshot(); got.Hour != 1 || got.Total != 26 {
			t.Errorf("budget is %+v, want 1 call in the last hour", got)
		}
		time.Sleep(100 * time.Hour)
		if got := b.snapshot(); got.Hour != 0 {
			t.Errorf("budget is %+v, want none", got)
		}
	})
}

func TestBudget_ReadsHeaders(t *testing.T) {
	inBubble(t, railwaytest.Options{Plan: "pro", Limit: 4000, Headers: true}, nil, func(t *testing.T, k *kit) {
		if got := k.p.Budget(); got.Limit != 4000 || got.Remaining < 3900 {
			t.Errorf("budget is %+v, want what the headers say", got)
		}
	})
	for text, want := range map[string]time.Duration{"7": 7 * time.Second, "0": 0, "-3": defaultRateWait,
		"": defaultRateWait, "soon": defaultRateWait, "99999999": time.Hour,
		"Sun, 22 Nov 2026 12:00:30 GMT": 30 * time.Second, "Sun, 22 Nov 2026 11:00:30 GMT": 0} {
		if got := retryAfter(text, time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)); got != want {
			t.Errorf("Retry-After %q is %v, want %v", text, got, want)
		}
	}
}

func TestSocket_BigMessages(t *testing.T) {
	inBubble(t, railwaytest.Options{Script: func(string, int) []railwaytest.Stage {
		return append(railwaytest.Image(), railwaytest.Stage{After: time.Minute, Log: []string{strings.Repeat("x", 300<<10)}})
	}}, nil, func(t *testing.T, k *kit) {
		k.mustSpawn()
		ctx, cancel := context.WithCancel(t.Context())
		l := k.tail(ctx)
		pass(2 * time.Minute)
		cancel()
		<-l.done
		if n := len(l.lines[1].Message); n < logLineBytes || n > logLineBytes+8 {
			t.Errorf("a line of 300 KiB has %d bytes, want it cut at %d", n, logLineBytes)
		}
	})
}

func TestSocket_RefusedToken(t *testing.T) {
	inBubble(t, railwaytest.Options{NoSockets: true}, nil, func(t *testing.T, k *kit) {
		var e *Error
		if _, err := k.p.client.dial(t.Context()); !errors.As(err, &e) || e.Status != http.StatusForbidden {
			t.Errorf("error is %v, want HTTP 403", err)
		}
	})
}

func FuzzDecode(f *testing.F) {
	f.Add(
		200,
		`{"data":{"environment":{"id":"x",`+
			`"serviceInstances":{"edges":[{"node":{"serviceId":"s","latestDeployment":null}}]}}}}`,
	)
	f.Add(200, `{"errors":[{"message":"Not Authorized","extensions":{"traceId":"t"}}]}`)
	f.Add(502, `<html>`)
	f.Add(200, `{"data":{"environment":{"serviceInstances":{"edges":[{"node":{"createdAt":"yesterday"}}]}}}}`)
	p, err := New(Config{Token: "secret-token"})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, status int, text string) {
		var data inventoryResponse
		err := p.client.decode("inventory", status, []byte(text), &graphql.Response{Data: &data})
		if err == nil && status != http.StatusOK {
			t.Errorf("HTTP %d went well", status)
		}
		if err != nil && (strings.Contains(err.Error(), "secret-token") || strings.ContainsAny(err.Error(), "\n\r")) {
			t.Errorf("error text %q", err)
		}
	})
}

func FuzzMessage(f *testing.F) {
	f.Add(`{"id":"1","type":"next","payload":{"data":{"deployment":{"id":"d","status":"SUCCESS"}}}}`)
	f.Add(`{"id":"1","type":"error","payload":[{"message":"x"}]}`)
	f.Add(`{"type":"ping"}`)
	p, err := New(Config{Token: "secret-token"})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		m, err := decodeMessage([]byte(text))
		if err != nil {
			return
		}
		s := &socket{client: p.client, subs: map[string]func(json.RawMessage, error){}}
		if err := s.refusal(m.Payload); err == nil || strings.Contains(err.Error(), "secret-token") {
			t.Errorf("refusal is %v", err)
		}
		var data watchEventsResponse
		if p.client.payloadOf(m.Payload, &data) == nil {
			d := newDeployment("d", time.Now())
			d.addEvent(data.DeploymentEvents, time.Now())
			d.steps()
			d.reason()
		}
	})
}
