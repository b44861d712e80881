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

// Console is a node that is asked by way of its console.
type Console struct {
	Name  string // of the node
	http  *http.Client
	url   string
	token string
	id    string // of this shell, for its mailbox
}

// Connect finds the console at address and asks it for its name. ca is who vouches for its certificate, nil whom this
// machine trusts.
func Connect(ctx context.Context, address, token string, ca *x509.CertPool) (*Console, error) {
	at, err := url.Parse(address)
	if err != nil || at.Host == "" || at.Scheme != "http" && at.Scheme != "https" {
		return nil, fmt.Errorf("%q is no address such as https://convoy.example", address)
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
		url:   strings.TrimSuffix(at.String(), "/") + "/api/shell",
		token: token,
		id:    strings.ToLower(rand.Text()[:16]),
	}
	raw, err := c.Call(ctx, "node.self")
	if err != nil {
		return nil, err
	}
	return c, json.Unmarshal(raw, &c.Name)
}

// Call does as [Node] says.
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
	answer, err := c.http.Do(r)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, wire.MaxMessage+1))
	if err != nil {
		return nil, err
	}
	return decodeAnswer(answer.StatusCode, text)
}

// decodeAnswer reads {"value": …} or {"error": …, "hint": …}.
func decodeAnswer(status int, text []byte) (json.RawMessage, error) {
	var said struct {
		Value json.RawMessage
		Error string
		Hint  string
	}
	switch err := json.Unmarshal(text, &said); {
	case len(text) > wire.MaxMessage:
		return nil, fmt.Errorf("the answer is too large, at most %d bytes can travel", wire.MaxMessage)
	case err != nil:
		return nil, fmt.Errorf("the console answered %d, and no JSON", status)
	case said.Error != "" && said.Hint != "":
		return nil, errors.New(said.Error + " (" + said.Hint + ")")
	case said.Error != "":
		return nil, errors.New(said.Error)
	case status != http.StatusOK:
		return nil, fmt.Errorf("the console answered %d", status)
	}
	return said.Value, nil
}
