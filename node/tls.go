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
	// ownLife is how long a certificate that a node makes for itself is good, and ownLeft how long one that is found must
	// still be.
	selfSignedLife = 397 * 24 * time.Hour // more is refused by browsers
	renewBefore    = 30 * 24 * time.Hour
)

// serverTLS is how the console is served, nil if without TLS. Files are read anew when they change, so that a
// certificate can be renewed while the node runs.
func (n *node) serverTLS() (*tls.Config, error) {
	t := n.cfg.TLS
	if !t.Enabled() {
		return nil, nil
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if !t.SelfSigned {
		files := certFiles{cert: t.Cert, key: t.Key}
		config.GetCertificate = func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return files.load() }
		return config, nil
	}
	cert, file, err := selfSigned(n.cfg.Data, n.cfg.tlsNames(), time.Now())
	if err != nil {
		return nil, Hintf("-data says where the certificate is kept", "-tls-self: %w", err)
	}
	sum := sha256.Sum256(cert.Certificate[0])
	n.log.Info("certificate of this node's own", "file", file, "sha256", hex.EncodeToString(sum[:]))
	config.Certificates = []tls.Certificate{cert}
	return config, nil
}

// tlsNames are the names that the console may be reached by.
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

// ownCertificate is a certificate for those names that signs itself. One that is kept in dir is used for as long as it
// is good, so that a browser has to be told but once; without a dir it lasts as long as the process.
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

// makeCertificate makes a key and a certificate for it, in PEM.
func newSelfSigned(names []string, now time.Time) ([]byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return nil, err
	}
	about := &x509.Certificate{
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
			about.IPAddresses = append(about.IPAddresses, ip)
		} else {
			about.DNSNames = append(about.DNSNames, name)
		}
	}
	cert, err := x509.CreateCertificate(rand.Reader, about, about, key.Public(), key)
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

// writeSecret writes a file that its owner alone can read, whole or not at all.
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
		os.Remove(temporary.Name()) //nolint:errcheck // what went wrong is told already
		return fmt.Errorf("write %s: %w", file, err)
	}
	return nil
}
