package node

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

const (
	// selfSignedLife is how long a self-signed certificate is valid; it is renewed when less than renewBefore is left.
	selfSignedLife = 397 * 24 * time.Hour // browsers reject more
	renewBefore    = 30 * 24 * time.Hour
)

// serverTLS returns the console's TLS configuration, or nil without TLS. Changed files are loaded again, so that a
// certificate can be renewed while the node runs.
func (n *node) serverTLS() (*tls.Config, error) {
	t := n.cfg.TLS
	if !t.Enabled() {
		return nil, nil
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if !t.SelfSigned {
		n.certs = &certFiles{cert: t.Cert, key: t.Key, log: n.logger("tls")}
		config.GetCertificate = func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return n.certs.load() }
		return config, nil
	}
	cert, file, err := selfSigned(n.cfg.Data, n.cfg.tlsNames(), time.Now())
	if err != nil {
		return nil, Hintf("-data sets the directory of the certificate", "-tls-self: %w", err)
	}
	sum := sha256.Sum256(cert.Certificate[0])
	n.log.Info("self-signed certificate", "file", file, "sha256", hex.EncodeToString(sum[:]))
	config.Certificates = []tls.Certificate{cert}
	return config, nil
}

// tlsNames returns the hostnames and addresses of the console.
func (cfg Config) tlsNames() []string {
	names := append([]string{"localhost", "127.0.0.1", "::1"}, cfg.Hosts...)
	if host, _, err := net.SplitHostPort(cfg.Addr); err == nil && host != "" && !slices.Contains(names, host) {
		names = append(names, host)
	}
	if own, err := os.Hostname(); err == nil && !slices.Contains(names, own) {
		names = append(names, strings.ToLower(own))
	}
	return names
}

// selfSigned returns a self-signed certificate. With a dir it is kept there, so that a browser has to trust it only
// once.
func selfSigned(dir string, names []string, now time.Time) (cert tls.Certificate, file string, err error) {
	if dir != "" {
		file = filepath.Join(dir, "tls.pem")
		if kept, err := tls.LoadX509KeyPair(file, file); err == nil && validFor(kept.Leaf, names, now) {
			return kept, file, nil
		}
	}
	text, err := newSelfSigned(names, now)
	if err != nil {
		return cert, "", err
	}
	if file != "" {
		if err := errors.Join(os.MkdirAll(dir, 0o700), writeSecret(file, text)); err != nil {
			return cert, "", err
		}
	}
	cert, err = tls.X509KeyPair(text, text)
	return cert, file, err
}

func validFor(leaf *x509.Certificate, names []string, now time.Time) bool {
	for _, name := range names {
		if leaf.VerifyHostname(name) != nil {
			return false
		}
	}
	return now.After(leaf.NotBefore) && now.Add(renewBefore).Before(leaf.NotAfter)
}

// newSelfSigned returns a new key and certificate in PEM.
func newSelfSigned(names []string, now time.Time) ([]byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber:          serial,
		Subject:               pkix.Name{CommonName: "Convoy"},
		NotBefore:             now.Add(-time.Hour),
		NotAfter:              now.Add(selfSignedLife - time.Hour),
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
	}
	for _, name := range names {
		if ip := net.ParseIP(name); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, name)
		}
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert})
	return append(text, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})...), nil
}

// writeSecret writes a file atomically that only its owner can read.
func writeSecret(file string, text []byte) error {
	temporary, err := os.CreateTemp(filepath.Dir(file), ".convoy-*") // mode 0600
	if err != nil {
		return err
	}
	_, err = temporary.Write(text)
	if err = errors.Join(err, temporary.Sync(), temporary.Close()); err == nil {
		err = os.Rename(temporary.Name(), file)
	}
	if err != nil {
		os.Remove(temporary.Name()) //nolint:errcheck // err has the reason
		return fmt.Errorf("write %s: %w", file, err)
	}
	return nil
}
