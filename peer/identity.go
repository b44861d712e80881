package peer

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"math/big"
	"net/url"
	"time"
)

// A certificate lives as long as its process. It is valid for years, so that it never needs renewal, and from an hour
// ago, to tolerate clock skew.
const (
	certificateYears = 10
	clockSkew        = time.Hour
	alpn             = "h2"
)

// identity proves this instance's membership, and verifies that of others.
type identity struct {
	certificate tls.Certificate
	trusted     *x509.CertPool // the authorities of all cookies
}

// newIdentity certifies a new key for self with the first cookie.
func newIdentity(self Caller, cookies []string) (*identity, error) {
	id := &identity{trusted: x509.NewCertPool()}
	for i, cookie := range cookies {
		ca, key, err := authority(cookie)
		if err != nil {
			return nil, err
		}
		id.trusted.AddCert(ca)
		if i > 0 {
			continue
		}
		if id.certificate, err = certify(self, ca, key); err != nil {
			return nil, err
		}
	}
	return id, nil
}

// authority is the same in every process that has the cookie: its key derives from the cookie, and its certificate is
// constant.
func authority(cookie string) (*x509.Certificate, crypto.Signer, error) {
	key := ed25519.NewKeyFromSeed(Key(cookie, "ca"))
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		Subject:               pkix.Name{CommonName: "convoy cluster"},
		NotBefore:             time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC),
		NotAfter:              time.Date(2120, 1, 1, 0, 0, 0, 0, time.UTC),
		IsCA:                  true,
		BasicConstraintsValid: true,
		MaxPathLenZero:        true,
		KeyUsage:              x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, nil, fmt.Errorf("create the cluster's authority: %w", err)
	}
	cert, err := x509.ParseCertificate(der)
	return cert, key, err
}

// certify signs a new key for one instance. Its DNS name is the instance id, so that the usual verification of a
// server's name verifies the instance.
func certify(self Caller, ca *x509.Certificate, caKey crypto.Signer) (tls.Certificate, error) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return tls.Certificate{}, err
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber: serial,
		NotBefore:    now.Add(-clockSkew),
		NotAfter:     now.AddDate(certificateYears, 0, 0),
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		DNSNames:     []string{self.Instance},
		URIs:         []*url.URL{self.uri()},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, ca, public, caKey)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("certify this instance: %w", err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: private}, nil
}

// server returns a configuration that the caller owns: net/http modifies it.
func (id *identity) server() *tls.Config {
	return &tls.Config{
		Certificates:           []tls.Certificate{id.certificate},
		ClientAuth:             tls.RequireAndVerifyClientCert,
		ClientCAs:              id.trusted,
		MinVersion:             tls.VersionTLS13,
		NextProtos:             []string{alpn},
		SessionTicketsDisabled: true,
		VerifyConnection:       verifyMember,
	}
}

// client returns the configuration for a connection to one instance only.
func (id *identity) client(instance string) *tls.Config {
	return &tls.Config{
		Certificates:           []tls.Certificate{id.certificate},
		RootCAs:                id.trusted,
		ServerName:             instance,
		MinVersion:             tls.VersionTLS13,
		NextProtos:             []string{alpn},
		SessionTicketsDisabled: true,
		VerifyConnection:       verifyMember,
	}
}

// verifyMember runs after the chain has been verified, on both sides.
func verifyMember(state tls.ConnectionState) error {
	if state.NegotiatedProtocol != alpn {
		return errors.New("the other side does not speak h2")
	}
	_, err := memberOf(state)
	return err
}

// memberOf identifies the other side by its certificate.
func memberOf(state tls.ConnectionState) (Caller, error) {
	if len(state.PeerCertificates) == 0 || len(state.PeerCertificates[0].URIs) != 1 {
		return Caller{}, errors.New("not a member's certificate")
	}
	return parseURI(state.PeerCertificates[0].URIs[0])
}
