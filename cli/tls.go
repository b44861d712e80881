package cli

import (
	"crypto/tls"

	"convoy/node"
)

func (cfg *config) checkTLS(f flags, _ func(string) string) error {
	cfg.TLS = node.TLS{Cert: f.tlsCert, Key: f.tlsKey, Self: f.tlsSelf}
	switch {
	case (f.tlsCert == "") != (f.tlsKey == ""):
		return hint("-tls-cert and -tls-key go together: the chain of certificates, and the key of the first",
			"only one of -tls-cert and -tls-key is given")
	case f.tlsSelf && f.tlsCert != "":
		return hint("leave one of them out", "-tls-self and -tls-cert cannot both be")
	case f.tlsCert == "":
		return nil
	}
	if _, err := tls.LoadX509KeyPair(f.tlsCert, f.tlsKey); err != nil {
		return hint("name two files in PEM: the chain of certificates, and the key of the first",
			"-tls-cert %q: %w", f.tlsCert, err)
	}
	return nil
}
