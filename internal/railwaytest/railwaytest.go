// Package railwaytest is a fake of Railway's API for tests: GraphQL over HTTP
// and over graphql-transport-ws, with the state of one project.
//
// Every operation and its variables are validated against the project's own
// part of Railway's schema, and against the whole of it where that is at hand.
// An operation that does not fit, or that the fake does not know, fails the
// test. The fake imitates what Railway documents, or what was measured of it:
// deployments that change their status on their own, tokens that are wrong
// and not rejected, errors with HTTP 200, deletes that take seconds, sockets
// that fail, limits. [Server.Fail] injects errors.
//
// It runs on an in-memory network, so that tests can use testing/synctest, and
// on the loopback as well if asked.
package railwaytest

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"time"
)

// The valid tokens. Every other Bearer token belongs to no user, and every other project token is refused.
const (
	AccountToken   = "account-token-4f1d8a6e"
	WorkspaceToken = "workspace-token-9b2c7d05"
	ProjectToken   = "project-token-1c3e5a7f"
)

// The ids of the one project.
const (
	Project     = "11111111-0000-4000-8000-000000000001"
	Environment = "22222222-0000-4000-8000-000000000002"
	Control     = "33333333-0000-4000-8000-000000000003" // the service named convoy
)

// Options are how the fake behaves.
type Options struct {
	Script   func(service string, n int) []Stage // what the n-th deployment of a service goes through; nil: Image
	Deletes  time.Duration                       // how long a delete takes
	PageSize int                                 // most that a page has; 0: 100
	Plan     string                              // of the project; empty: hobby
	Limit    int                                 // calls in an hour, then 429; 0: any number
	Headers  bool                                // send X-RateLimit-Limit and -Remaining

	AutoDeploy    bool // an update with a source deploys at once
	NoSockets     bool // refuse WebSockets
	ProjectLimits bool // project tokens may not make or delete services
	LooseNobody   bool // an invalid token gets an empty list of workspaces instead of an error
	Loopback      bool // listen on 127.0.0.1 too

	// Run is what a deployed container does, if not nil: it is called when a deployment reaches DEPLOYING, with the
	// service's variables as its environment, references resolved. ctx ends when the container is to stop.
	Run func(ctx context.Context, service string, env map[string]string)
}

// Server is the fake. Its methods may be called from any goroutine.
type Server struct {
	t       testing.TB
	opts    Options
	schemas []schema
	http    *http.Server
	pipe    *pipe
	addr    string
	ctx     context.Context
	cancel  context.CancelFunc
	group   sync.WaitGroup

	mu      sync.Mutex
	closed  bool
	revoked bool
	state   state
	faults  map[string][]Fault
	calls   []string // by operation
	times   []time.Time
	sockets map[*peer]bool
}

// New starts a fake that lasts as long as the test.
func New(t testing.TB, opts Options) *Server {
	t.Helper()
	if opts.Script == nil {
		opts.Script = func(string, int) []Stage { return Image() }
	}
	if opts.PageSize == 0 {
		opts.PageSize = 100
	}
	if opts.Plan == "" {
		opts.Plan = "hobby"
	}
	s := &Server{
		t:       t,
		opts:    opts,
		schemas: schemas(t),
		pipe:    newPipe(),
		faults:  map[string][]Fault{},
		sockets: map[*peer]bool{},
	}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.state = newState()
	s.http = &http.Server{Handler: http.HandlerFunc(s.serve)}
	s.listen(s.pipe)
	if opts.Loopback {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		s.addr = l.Addr().String()
		s.listen(l)
	}
	t.Cleanup(s.close)
	return s
}

func (s *Server) listen(l net.Listener) {
	s.group.Go(func() {
		if err := s.http.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			s.t.Errorf("railwaytest: %v", err)
		}
	})
}

func (s *Server) close() {
	s.mu.Lock()
	s.closed = true
	for _, d := range s.state.deployments {
		d.end()
	}
	s.mu.Unlock()
	s.cancel()
	s.Drop()
	s.http.Close() //nolint:errcheck // the test is over
	s.group.Wait()
}

// Endpoint is the address of the API, on the loopback if there is one, else in memory: see [Server.Client].
func (s *Server) Endpoint() string {
	if s.addr != "" {
		return "http://" + s.addr + "/graphql/v2"
	}
	return "http://127.0.0.1:1/graphql/v2"
}

// Client connects to the fake in memory.
func (s *Server) Client() *http.Client {
	return &http.Client{Transport: &http.Transport{DialContext: s.pipe.dial}}
}

// Revoke makes all tokens invalid.
func (s *Server) Revoke() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.revoked = true
}

// Calls returns the names of all operations so far, subscriptions included.
func (s *Server) Calls() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.calls...)
}

// Count returns how many of these operations there were; without names all.
func (s *Server) Count(names ...string) int {
	n := 0
	for _, call := range s.Calls() {
		if len(names) == 0 {
			n++
		}
		for _, name := range names {
			if call == name {
				n++
			}
		}
	}
	return n
}

// note counts a call and reports whether the limit is reached, and how many calls remain.
func (s *Server) note(op string) (remaining int, wait time.Duration) {
	now := time.Now()
	s.calls = append(s.calls, op)
	for len(s.times) > 0 && now.Sub(s.times[0]) >= time.Hour {
		s.times = s.times[1:]
	}
	if s.opts.Limit > 0 && len(s.times) >= s.opts.Limit {
		return 0, time.Hour - now.Sub(s.times[0])
	}
	s.times = append(s.times, now)
	return s.opts.Limit - len(s.times), 0
}

// Fault is how one call goes wrong.
type Fault struct {
	Act     bool          // carry out the operation nevertheless
	Cut     bool          // break the connection instead of answering
	Status  int           // of HTTP, without GraphQL in it; 429 with Retry-After
	Retry   time.Duration // that header
	Message string        // of a GraphQL error with HTTP 200; with Act the data comes too
	Trace   string        // its traceId
	Body    string        // answer exactly this
	Hook    func()        // called after acting and before answering
}

// Fail has the next call of that operation go wrong; several faults hit several calls.
func (s *Server) Fail(operation string, faults ...Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults[operation] = append(s.faults[operation], faults...)
}

// fault takes the next fault of an operation.
func (s *Server) fault(op string) (f Fault, ok bool) {
	if list := s.faults[op]; len(list) > 0 {
		s.faults[op] = list[1:]
		return list[0], true
	}
	return f, false
}

// Unused returns the operations whose faults were not hit.
func (s *Server) Unused() (ops []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for op, list := range s.faults {
		if len(list) > 0 {
			ops = append(ops, op)
		}
	}
	return ops
}

// limits writes the headers of the rate limit.
func (s *Server) limits(w http.ResponseWriter, remaining int) {
	if s.opts.Headers && s.opts.Limit > 0 {
		w.Header().Set("X-RateLimit-Limit", strconv.Itoa(s.opts.Limit))
		w.Header().Set("X-RateLimit-Remaining", strconv.Itoa(remaining))
	}
}

// pipe is a network in memory: a listener with its own dialler.
type pipe struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func newPipe() *pipe { return &pipe{conns: make(chan net.Conn), done: make(chan struct{})} }

func (p *pipe) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	here, there := net.Pipe()
	select {
	case p.conns <- there:
		return here, nil
	case <-p.done:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (p *pipe) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p *pipe) Close() error {
	p.once.Do(func() { close(p.done) })
	return nil
}

func (*pipe) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1} }
