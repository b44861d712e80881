package repl

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"convoy/repl/wire"
)

// Console calls functions of a node through its console.
type Console struct {
	Name  string // of the node
	http  *http.Client
	url   string
	token string
	id    string // of this shell's mailbox
}

// Connect opens a session with the console at address and asks for the node's name. ca verifies its certificate; nil is
// the system's pool.
func Connect(ctx context.Context, address, token string, ca *x509.CertPool) (*Console, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("%q is not an address like https://convoy.example", address)
	}
	web := &http.Client{
		Transport: &http.Transport{
			Proxy:             http.ProxyFromEnvironment,
			ForceAttemptHTTP2: true,
			TLSClientConfig:   &tls.Config{RootCAs: ca, MinVersion: tls.VersionTLS12},
		},
	}
	c := &Console{
		http:  web,
		url:   strings.TrimSuffix(u.String(), "/") + "/api/shell",
		token: token,
		id:    strings.ToLower(rand.Text()[:16]),
	}
	raw, err := c.Call(ctx, "node.self")
	if err != nil {
		return nil, err
	}
	return c, json.Unmarshal(raw, &c.Name)
}

// Call implements [Node].
func (c *Console) Call(ctx context.Context, fn string, args ...any) (json.RawMessage, error) {
	if args == nil {
		args = []any{}
	}
	body, err := json.Marshal(map[string]any{"fn": fn, "args": args})
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Authorization", "Bearer "+c.token)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Convoy-Shell", c.id)
	resp, err := c.http.Do(r)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, wire.MaxMessage+1))
	if err != nil {
		return nil, err
	}
	return decodeResponse(resp.StatusCode, text)
}

// decodeResponse reads {"value": …} or {"error": …, "hint": …}.
func decodeResponse(status int, text []byte) (json.RawMessage, error) {
	var body struct {
		Value json.RawMessage
		Error string
		Hint  string
	}
	switch err := json.Unmarshal(text, &body); {
	case len(text) > wire.MaxMessage:
		return nil, fmt.Errorf("the answer is too large, at most %d bytes are allowed", wire.MaxMessage)
	case err != nil:
		return nil, fmt.Errorf("the console answered %d without JSON", status)
	case body.Error != "" && body.Hint != "":
		return nil, errors.New(body.Error + " (" + body.Hint + ")")
	case body.Error != "":
		return nil, errors.New(body.Error)
	case status != http.StatusOK:
		return nil, fmt.Errorf("the console answered %d", status)
	}
	return body.Value, nil
}
