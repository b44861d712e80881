package railway

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"convoy/fleet"
	"convoy/internal/railwaytest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const nodeName = "convoy@convoy-k3fz.railway.internal"

// kit is a provider with a fake Railway.
type kit struct {
	t *testing.T
	s *railwaytest.Server
	p *Provider

	wire *wire

	mu    sync.Mutex
	steps []fleet.Step
	said  []Notice
	log   strings.Builder
}

// config is the configuration of a control plane on Railway.
func config(s *railwaytest.Server) Config {
	return Config{
		Endpoint:      s.Endpoint(),
		HTTP:          s.Client(),
		Token:         railwaytest.AccountToken,
		Project:       railwaytest.Project,
		Environment:   railwaytest.Environment,
		Service:       railwaytest.Control,
		ServiceName:   "convoy",
		PrivateDomain: "convoy.railway.internal",
		Variables: func(name string) map[string]string {
			return map[string]string{"CONVOY_QUERY": "convoy.railway.internal", "CONVOY_PROVIDER": "none"}
		},
		References: []string{"CONVOY_COOKIE", "CONVOY_TOKEN"},
	}
}

// inBubble runs test with a started provider, in a synctest bubble.
func inBubble(t *testing.T, opts railwaytest.Options, change func(*Config), test func(t *testing.T, k *kit)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		k := newKit(t, railwaytest.New(t, opts), change)
		k.start()
		test(t, k)
		k.checkSecrets()
	})
}

func newKit(t *testing.T, s *railwaytest.Server, change func(*Config)) *kit {
	t.Helper()
	k := &kit{t: t, s: s}
	cfg := config(s)
	k.wire = &wire{RoundTripper: cfg.HTTP.Transport}
	cfg.HTTP.Transport = k.wire
	cfg.Log = slog.New(slog.NewTextHandler(&locked{mu: &k.mu, w: &k.log}, &slog.HandlerOptions{Level: slog.LevelDebug}))
	cfg.Notice = func(n Notice) {
		k.mu.Lock()
		defer k.mu.Unlock()
		k.said = append(k.said, n)
	}
	if change != nil {
		change(&cfg)
	}
	p, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	k.p = p
	return k
}

func (k *kit) start() {
	k.t.Helper()
	if err := k.p.Start(context.Background()); err != nil {
		k.t.Fatal(err)
	}
	k.t.Cleanup(k.stop)
}

func (k *kit) stop() {
	if err := k.p.Close(context.Background()); err != nil {
		k.t.Error(err)
	}
}

// locked is a writer for concurrent use.
type locked struct {
	mu *sync.Mutex
	w  io.Writer
}

func (l *locked) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(b)
}

// step collects steps as the fleet does.
func (k *kit) step(s fleet.Step) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for i := range k.steps {
		if k.steps[i].Name == s.Name && k.steps[i].At.Equal(s.At) {
			k.steps[i] = s
			return
		}
	}
	k.steps = append(k.steps, s)
}

func (k *kit) stepNames() string {
	k.mu.Lock()
	defer k.mu.Unlock()
	var names []string
	for _, s := range k.steps {
		name := s.Name
		if s.Error != "" {
			name += "!"
		}
		names = append(names, name)
	}
	return strings.Join(names, ", ")
}

func (k *kit) spawn() error { return k.p.Spawn(k.t.Context(), nodeName, k.step) }

func (k *kit) mustSpawn() {
	k.t.Helper()
	if err := k.spawn(); err != nil {
		k.t.Fatalf("spawn: %v\n%s", err, k.logged())
	}
}

func (k *kit) logged() string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.log.String()
}

// listed is what Watch currently reports.
func (k *kit) listed() []fleet.Service {
	k.p.mu.Lock()
	defer k.p.mu.Unlock()
	return k.p.list(time.Now())
}

// one is the only service that Watch lists.
func (k *kit) one() fleet.Service {
	k.t.Helper()
	list := k.listed()
	if len(list) != 1 {
		k.t.Fatalf("listed are %+v, want one service\n%s", list, k.logged())
	}
	return list[0]
}

// pass lets synthetic time pass.
func pass(d time.Duration) {
	time.Sleep(d) // synthetic
	synctest.Wait()
}

// checkSecrets searches for secrets where they must not be.
func (k *kit) checkSecrets() {
	k.t.Helper()
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, secret := range []string{railwaytest.AccountToken, railwaytest.WorkspaceToken, railwaytest.ProjectToken,
		"a-cookie-that-nobody-may-see"} {
		if strings.Contains(k.log.String(), secret) {
			k.t.Errorf("the log has a secret: %s", k.log.String())
		}
		for _, s := range k.steps {
			if strings.Contains(s.Error, secret) {
				k.t.Errorf("a step has a secret: %+v", s)
			}
		}
	}
	for _, s := range k.s.Services() {
		for key, value := range s.Variables {
			if value == railwaytest.AccountToken || strings.Contains(value, "a-cookie-that-nobody-may-see") {
				k.t.Errorf("service %s has a secret in %s", s.Name, key)
			}
		}
	}
}

// only returns the one service on Railway other than the control plane's.
func (k *kit) only() railwaytest.Seen {
	k.t.Helper()
	list := k.s.Services()
	if len(list) != 1 {
		k.t.Fatalf("Railway has %+v, want one service\n%s", list, k.logged())
	}
	return list[0]
}

func marked(extra map[string]string) map[string]string {
	all := map[string]string{MarkerVariable: railwaytest.Control + "/" + railwaytest.Environment}
	maps.Copy(all, extra)
	return all
}

// wire is a network that can be cut.
type wire struct {
	http.RoundTripper
	cut atomic.Bool
}

func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	if w.cut.Load() {
		return nil, errors.New("killed")
	}
	return w.RoundTripper.RoundTrip(r)
}

// CloseIdleConnections is called by http.Client.
func (w *wire) CloseIdleConnections() { w.RoundTripper.(*http.Transport).CloseIdleConnections() }

// inBubbleUnstarted leaves the start to the test.
func inBubbleUnstarted(t *testing.T, test func(t *testing.T, k *kit)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		k := newKit(t, railwaytest.New(t, railwaytest.Options{}), nil)
		test(t, k)
		k.checkSecrets()
	})
}
