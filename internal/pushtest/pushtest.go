// Package pushtest is a push service, and the browsers that subscribe to it: it decrypts what it gets (RFC 8291) and
// verifies who sent it (RFC 8292), with nothing of the code that it tests.
package pushtest

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// Message is what a browser got.
type Message struct {
	Browser             *Browser
	Text                []byte
	TTL, Urgency, Topic string
	Subject             string // the contact of the sender
}

// Browser is a subscription with its secrets.
type Browser struct {
	Endpoint string
	private  *ecdh.PrivateKey
	auth     []byte
	server   string // the VAPID key that it subscribed with
}

// P256DH is the browser's public key, as base64url; so is Auth.
func (b *Browser) P256DH() string { return encode(b.private.PublicKey().Bytes()) }

// Auth is the browser's secret.
func (b *Browser) Auth() string { return encode(b.auth) }

// Service is a push service on a loopback address, with TLS.
type Service struct {
	*httptest.Server
	Got chan Message // what browsers got

	t        testing.TB
	mu       sync.Mutex
	browsers map[string]*Browser // by path
	answers  []int
}

// New starts a service, which the end of the test stops.
func New(t testing.TB) *Service {
	s := &Service{t: t, Got: make(chan Message, 64), browsers: map[string]*Browser{}}
	s.Server = httptest.NewTLSServer(http.HandlerFunc(s.receive))
	t.Cleanup(s.Close)
	return s
}

// Answer makes the service answer the next requests with these statuses instead of delivering them.
func (s *Service) Answer(statuses ...int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answers = statuses
}

// Subscribe makes a subscription with the public key of a sender, as a browser does.
func (s *Service) Subscribe(key string) *Browser {
	s.t.Helper()
	private, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		s.t.Fatal(err)
	}
	path, auth := "/push/"+rand.Text(), make([]byte, 16)
	rand.Read(auth) //nolint:errcheck // it never fails
	b := &Browser{s.URL + path, private, auth, key}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.browsers[path] = b
	return b
}

func (s *Service) receive(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	browser, status := s.browsers[r.URL.Path], http.StatusCreated
	if len(s.answers) > 0 {
		status, s.answers = s.answers[0], s.answers[1:]
	}
	s.mu.Unlock()
	if browser == nil || r.Method != http.MethodPost {
		status = http.StatusNotFound
	}
	if status != http.StatusCreated {
		w.Header().Set("Location", s.URL+"/elsewhere")
		w.WriteHeader(status)
		return
	}
	subject, err := browser.verify(s.URL, r.Header.Get("Authorization"))
	var text []byte
	if err == nil && r.Header.Get("Content-Encoding") == "aes128gcm" {
		text, err = browser.decrypt(io.LimitReader(r.Body, 1<<20))
	}
	if err != nil {
		s.t.Errorf("push service: %v", err)
		w.WriteHeader(http.StatusForbidden)
		return
	}
	head := r.Header
	s.Got <- Message{browser, text, head.Get("TTL"), head.Get("Urgency"), head.Get("Topic"), subject}
	w.WriteHeader(http.StatusCreated)
}

// verify checks the sender's signed token.
func (b *Browser) verify(service, authorization string) (subject string, err error) {
	var token, key string
	fields := strings.NewReplacer(",", " ", "t=", "", "k=", "").Replace(strings.TrimPrefix(authorization, "vapid "))
	if _, err := fmt.Sscan(fields, &token, &key); err != nil || key != b.server {
		return "", fmt.Errorf("the sender's key is %q, the browser subscribed with %q", key, b.server)
	}
	part := strings.Split(token, ".")
	point, err := decode(key)
	if err != nil || len(part) != 3 {
		return "", fmt.Errorf("authorization %q", authorization)
	}
	public, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256([]byte(part[0] + "." + part[1]))
	signature, err := decode(part[2])
	if err != nil || len(signature) != 64 || !ecdsa.Verify(public, sum[:], new(big.Int).SetBytes(signature[:32]),
		new(big.Int).SetBytes(signature[32:])) {
		return "", errors.New("the token's signature is wrong")
	}
	var claims struct {
		Aud, Sub string
		Exp      int64
	}
	body, err := decode(part[1])
	if err := errors.Join(err, json.Unmarshal(body, &claims)); err != nil {
		return "", err
	}
	left := time.Until(time.Unix(claims.Exp, 0))
	if claims.Aud != service || left < 0 || left > 24*time.Hour {
		return "", fmt.Errorf("the token has the claims %s", body)
	}
	return claims.Sub, nil
}

// decrypt decrypts a body of one record (RFC 8188, RFC 8291).
func (b *Browser) decrypt(body io.Reader) ([]byte, error) {
	whole, err := io.ReadAll(body)
	if err != nil || len(whole) < 86 || len(whole) > 4096 || whole[20] != 65 {
		return nil, fmt.Errorf("a body of %d bytes: %w", len(whole), err)
	}
	salt, sender, sealed := whole[:16], whole[21:86], whole[86:]
	if size := binary.BigEndian.Uint32(whole[16:]); int(size) < len(sealed) {
		return nil, fmt.Errorf("records of %d bytes", size)
	}
	point, err := ecdh.P256().NewPublicKey(sender)
	if err != nil {
		return nil, err
	}
	shared, err := b.private.ECDH(point)
	if err != nil {
		return nil, err
	}
	info := "WebPush: info\x00" + string(b.private.PublicKey().Bytes()) + string(sender)
	secret := derive(shared, b.auth, info, 32)
	block, err := aes.NewCipher(derive(secret, salt, "Content-Encoding: aes128gcm\x00", 16))
	if err != nil {
		return nil, err
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	plain, err := gcm.Open(nil, derive(secret, salt, "Content-Encoding: nonce\x00", 12), sealed, nil)
	if err != nil {
		return nil, err
	}
	text := strings.TrimRight(string(plain), "\x00") // the padding
	if !strings.HasSuffix(text, "\x02") {
		return nil, errors.New("the last record has no end")
	}
	return []byte(strings.TrimSuffix(text, "\x02")), nil
}

func derive(secret, salt []byte, info string, bytes int) []byte {
	key, err := hkdf.Key(sha256.New, secret, salt, info, bytes)
	if err != nil {
		panic(err) // the sizes are ours
	}
	return key
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func decode(text string) ([]byte, error) { return base64.RawURLEncoding.DecodeString(text) }
