package main

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"time"
)

const bareName = "bare.convoy.internal"

// bare is where a node serves without a cluster, for comparison: net/http's HTTP/2 with its own settings, and TLS 1.3
// alone, both with a certificate of the kind that nodes have.
type bare struct {
	HTTP2, TLS string // addresses
	Cert       []byte // DER
}

// serveBare serves as long as the process lives.
func serveBare() (bare, error) {
	cert, err := newCertificate()
	if err != nil {
		return bare{}, fmt.Errorf("serve bare: %w", err)
	}
	config := &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS13}
	web, err := net.Listen("tcp", "[::1]:0")
	if err != nil {
		return bare{}, fmt.Errorf("serve bare: %w", err)
	}
	raw, err := tls.Listen("tcp", "[::1]:0", config.Clone())
	if err != nil {
		return bare{}, fmt.Errorf("serve bare: %w", err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /stream", streamForever{})
	mux.HandleFunc("POST /echo", func(w http.ResponseWriter, r *http.Request) {
		text, err := io.ReadAll(r.Body)
		if err == nil {
			w.Write(text) //nolint:errcheck // the caller notices
		}
	})
	server := &http.Server{
		Handler:           mux,
		TLSConfig:         config,
		Protocols:         new(http.Protocols),
		ReadHeaderTimeout: 5 * time.Second,
	}
	server.Protocols.SetHTTP2(true)
	go server.ServeTLS(web, "", "") //nolint:errcheck // it ends with the process
	go serveTLS(raw)
	return bare{web.Addr().String(), raw.Addr().String(), cert.Certificate[0]}, nil
}

func serveTLS(l net.Listener) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer conn.Close()
			writeForever(conn)
		}()
	}
}

// streamForever answers with a stream that ends with its reader.
type streamForever struct{}

func (streamForever) ServeHTTP(w http.ResponseWriter, _ *http.Request) { writeForever(w) }

func writeForever(w io.Writer) {
	chunk := make([]byte, chunkBytes)
	rand.Read(chunk) //nolint:errcheck // never fails
	for {
		if _, err := w.Write(chunk); err != nil {
			return
		}
	}
}

func newCertificate() (tls.Certificate, error) {
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		return tls.Certificate{}, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{bareName},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, public, private)
	if err != nil {
		return tls.Certificate{}, err
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: private}, nil
}
