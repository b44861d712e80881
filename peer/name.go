package peer

import (
	"crypto/rand"
	"encoding/base32"
	"errors"
	"fmt"
	"net/url"
	"strings"
)

const (
	maxBaseBytes  = 32
	maxHostBytes  = 253 // RFC 1035 section 2.3.4, without the final dot
	maxLabelBytes = 63
	instanceChars = 16
)

// ErrBadName reports that a name is not BASE@HOST.
var ErrBadName = errors.New("not a node name like \"convoy@host.example\"")

// ParseName splits a node name at its "@". The base has 1 to 32 lower-case letters, digits, and "-"; the host is a DNS
// name of lower-case letters, digits, "-", and "_", without a final dot. Other names are ErrBadName.
func ParseName(name string) (base, host string, err error) {
	base, host, ok := strings.Cut(name, "@")
	if !ok || len(base) == 0 || len(base) > maxBaseBytes || !allBytes(base, isBaseChar) || !isHost(host) {
		return "", "", fmt.Errorf("parse name %q: %w", name, ErrBadName)
	}
	return base, host, nil
}

func isHost(host string) bool {
	if len(host) == 0 || len(host) > maxHostBytes {
		return false
	}
	for label := range strings.SplitSeq(host, ".") {
		if len(label) == 0 || len(label) > maxLabelBytes || !allBytes(label, isHostChar) {
			return false
		}
	}
	return true
}

func isBaseChar(c byte) bool { return 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '-' }
func isHostChar(c byte) bool { return isBaseChar(c) || c == '_' }

func allBytes(s string, ok func(byte) bool) bool {
	for i := range len(s) {
		if !ok(s[i]) {
			return false
		}
	}
	return true
}

// instanceAlphabet is base 32 in characters of DNS labels: an instance id is also the name in its certificate.
var instanceAlphabet = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

// newInstance returns a random id for one run of a node: 80 bits.
func newInstance() string {
	var b [instanceChars * 5 / 8]byte
	rand.Read(b[:]) // never fails, see crypto/rand
	return instanceAlphabet.EncodeToString(b[:])
}

func isInstance(id string) bool {
	if len(id) != instanceChars {
		return false
	}
	_, err := instanceAlphabet.DecodeString(id)
	return err == nil
}

// Caller is the member that sent a request, according to its certificate.
type Caller struct {
	Name     string // node name
	Instance string // instance id
}

// uri is the name in certificates: "convoy:NAME/INSTANCE".
func (c Caller) uri() *url.URL {
	return &url.URL{Scheme: "convoy", Opaque: c.Name + "/" + c.Instance}
}

func parseURI(u *url.URL) (Caller, error) {
	name, instance, ok := strings.Cut(u.Opaque, "/")
	if u.Scheme != "convoy" || !ok || !isInstance(instance) {
		return Caller{}, fmt.Errorf("certificate for %q is not a member's", u)
	}
	if _, _, err := ParseName(name); err != nil {
		return Caller{}, err
	}
	return Caller{Name: name, Instance: instance}, nil
}
