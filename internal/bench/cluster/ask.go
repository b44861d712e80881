package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"convoy/internal/bench/stats"
	"convoy/peer"
)

// Ways between two nodes.
const (
	wayConvoy = "convoy"
	wayHTTP2  = "bare HTTP/2"
	wayTLS    = "bare TLS 1.3"
)

const (
	chunkBytes = 32 << 10 // of one write to a stream, and of one read
	warmUp     = 100 * time.Millisecond
)

var errEcho = errors.New("a call came back with something else")

// asker asks another node, one way.
type asker interface {
	call(ctx context.Context) error // brings a short text there and back
	open(ctx context.Context) (io.ReadCloser, error)
	close()
}

func (n *nodeProcess) asker(o order) (asker, error) {
	switch o.Way {
	case wayConvoy:
		return convoyAsker{n.cluster, o.Node}, nil
	case wayHTTP2:
		return newHTTP2Asker(o.Bare)
	case wayTLS:
		config, err := o.Bare.client()
		return tlsAsker{o.Bare.TLS, config}, err
	}
	return nil, fmt.Errorf("no way %q", o.Way)
}

// convoyAsker asks through the cluster.
type convoyAsker struct {
	cluster *peer.Cluster
	node    string
}

// echo is the function that is called.
func echo(_ context.Context, args peer.Args) (any, error) {
	var text string
	err := args.Scan(&text)
	return text, err
}

const (
	echoText = "a short text"
	echoJSON = `"` + echoText + `"`
)

func (a convoyAsker) call(ctx context.Context) error {
	answer, err := a.cluster.Call(ctx, a.node, "bench.echo", echoText)
	if err == nil && string(answer) != echoJSON {
		err = errEcho
	}
	return err
}

func (a convoyAsker) open(ctx context.Context) (io.ReadCloser, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "/stream", nil)
	if err != nil {
		return nil, err
	}
	answer, err := a.cluster.Do(a.node, r)
	if err != nil {
		return nil, err
	}
	return answer.Body, nil
}

func (convoyAsker) close() {}

// http2Asker asks a server of net/http, as net/http does by itself.
type http2Asker struct {
	transport *http.Transport
	url       string
}

func newHTTP2Asker(b bare) (asker, error) {
	config, err := b.client()
	if err != nil {
		return nil, err
	}
	p := new(http.Protocols)
	p.SetHTTP2(true)
	return http2Asker{
		&http.Transport{TLSClientConfig: config, Protocols: p, DisableCompression: true},
		"https://" + b.HTTP2,
	}, nil
}

func (a http2Asker) call(ctx context.Context) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, a.url+"/echo", bytes.NewReader([]byte(echoJSON)))
	if err != nil {
		return err
	}
	answer, err := a.transport.RoundTrip(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err == nil && string(text) != echoJSON {
		err = errEcho
	}
	return err
}

func (a http2Asker) open(ctx context.Context) (io.ReadCloser, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, a.url+"/stream", nil)
	if err != nil {
		return nil, err
	}
	answer, err := a.transport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	return answer.Body, nil
}

func (a http2Asker) close() { a.transport.CloseIdleConnections() }

// tlsAsker opens a connection for each stream.
type tlsAsker struct {
	addr   string
	config *tls.Config
}

func (tlsAsker) call(context.Context) error { return errors.ErrUnsupported }

func (a tlsAsker) open(ctx context.Context) (io.ReadCloser, error) {
	d := tls.Dialer{Config: a.config}
	return d.DialContext(ctx, "tcp", a.addr)
}

func (tlsAsker) close() {}

// client trusts the bare servers' certificate.
func (b bare) client() (*tls.Config, error) {
	cert, err := x509.ParseCertificate(b.Cert)
	if err != nil {
		return nil, fmt.Errorf("certificate of the bare server: %w", err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(cert)
	return &tls.Config{RootCAs: roots, ServerName: bareName, MinVersion: tls.VersionTLS13}, nil
}

// result is what an order has come to.
type result struct {
	PerSecond float64 // calls
	P50, P99  float64 // µs that a call took
	Rate      float64 // MB/s of a stream
}

// callMany calls for a time, some calls at once.
func callMany(ctx context.Context, a asker, o order) (result, error) {
	if _, err := callFor(ctx, a, o.AtOnce, warmUp); err != nil {
		return result{}, err
	}
	began := time.Now()
	took, err := callFor(ctx, a, o.AtOnce, o.Time)
	if err != nil {
		return result{}, err
	}
	return result{
		PerSecond: float64(len(took)) / time.Since(began).Seconds(),
		P50:       stats.Percentile(took, 50), P99: stats.Percentile(took, 99),
	}, nil
}

// callFor gives how long each call took, in µs.
func callFor(ctx context.Context, a asker, atOnce int, d time.Duration) (all []float64, failed error) {
	end := time.Now().Add(d)
	var mu sync.Mutex
	var group sync.WaitGroup
	for range atOnce {
		group.Go(func() {
			var took []float64
			var err error
			for began := time.Now(); began.Before(end) && err == nil; {
				err = a.call(ctx)
				now := time.Now()
				took = append(took, float64(now.Sub(began))/float64(time.Microsecond))
				began = now
			}
			mu.Lock()
			defer mu.Unlock()
			all, failed = append(all, took...), errors.Join(failed, err)
		})
	}
	group.Wait()
	return all, failed
}

// readStream reads a stream for a time, after it has got going.
func readStream(ctx context.Context, a asker, d time.Duration) (result, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := a.open(ctx)
	if err != nil {
		return result{}, err
	}
	defer stream.Close()
	buffer := make([]byte, chunkBytes)
	count := func(d time.Duration) (bytes int, took time.Duration, err error) {
		began := time.Now()
		for took < d && err == nil {
			var n int
			n, err = stream.Read(buffer)
			bytes += n
			took = time.Since(began)
		}
		return bytes, took, err
	}
	if _, _, err := count(warmUp); err != nil {
		return result{}, err
	}
	bytes, took, err := count(d)
	if err != nil {
		return result{}, err
	}
	return result{Rate: float64(bytes) / 1e6 / took.Seconds()}, nil
}
