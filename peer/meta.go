package peer

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"convoy/fleet"
)

const (
	metaFormat       = 1
	metaHeadBytes    = 1 + 1 + 2 + 8 // format, flags, call port, start
	metaMaxBytes     = 512           // memberlist.MetaMaxSize
	maxVersionBytes  = 64
	maxRegionBytes   = 48
	metaControlFlag  = 1
	metaStartedLimit = 253402300800000 // ms; the year 10000
)

var errBadMeta = errors.New("malformed metadata")

// meta is what an instance announces along with its gossip address.
type meta struct {
	Name     string
	Version  string
	Region   string // of its provider; "": none, or an older Convoy
	Labels   fleet.Labels
	CallPort uint16
	Started  time.Time // to the millisecond
	Control  bool
}

// encode writes format, flags, call port, start in ms since 1970 (all big-endian), then name, version, region and
// labels, prefixed by their lengths in two bytes, and one byte each.
func (m meta) encode() []byte {
	b := make([]byte, 0, metaMaxBytes)
	var flags byte
	if m.Control {
		flags |= metaControlFlag
	}
	b = append(b, metaFormat, flags)
	b = binary.BigEndian.AppendUint16(b, m.CallPort)
	b = binary.BigEndian.AppendUint64(b, uint64(m.Started.UnixMilli()))
	b = binary.BigEndian.AppendUint16(b, uint16(len(m.Name)))
	b = append(b, m.Name...)
	b = append(b, byte(len(m.Version)))
	b = append(b, m.Version...)
	b = append(b, byte(len(m.Region)))
	b = append(b, m.Region...)
	b = append(b, byte(len(m.Labels)))
	return append(b, m.Labels...)
}

// decodeMeta decodes metadata strictly, but ignores further bytes: a newer Convoy may add fields within the same
// format.
func decodeMeta(b []byte) (meta, error) {
	if len(b) > metaMaxBytes || len(b) < metaHeadBytes || b[0] != metaFormat {
		return meta{}, fmt.Errorf("%w: %d bytes", errBadMeta, len(b))
	}
	m := meta{Control: b[1]&metaControlFlag != 0, CallPort: binary.BigEndian.Uint16(b[2:])}
	started := binary.BigEndian.Uint64(b[4:])
	name, rest, ok := cutText(b[metaHeadBytes:], 2)
	if !ok || started >= metaStartedLimit || m.CallPort == 0 {
		return meta{}, errBadMeta
	}
	version, rest, ok := cutText(rest, 1)
	if !ok || !isVersion(version) {
		return meta{}, fmt.Errorf("%w: version", errBadMeta)
	}
	if len(rest) > 0 { // newer than 0.2.0
		if m.Region, rest, ok = cutText(rest, 1); !ok || !isRegion(m.Region) {
			return meta{}, fmt.Errorf("%w: region", errBadMeta)
		}
	}
	if len(rest) > 0 { // newer than that
		labels, _, ok := cutText(rest, 1)
		if m.Labels = fleet.Labels(labels); !ok || !m.Labels.Valid() {
			return meta{}, fmt.Errorf("%w: labels", errBadMeta)
		}
	}
	if _, _, err := ParseName(name); err != nil {
		return meta{}, err
	}
	m.Name, m.Version, m.Started = name, version, time.UnixMilli(int64(started)).UTC()
	return m, nil
}

// cutText splits off a text prefixed by its length in the given number of bytes.
func cutText(b []byte, lengthBytes int) (text string, rest []byte, ok bool) {
	if len(b) < lengthBytes {
		return "", nil, false
	}
	n := 0
	for _, c := range b[:lengthBytes] {
		n = n<<8 | int(c)
	}
	if b = b[lengthBytes:]; n > len(b) {
		return "", nil, false
	}
	return string(b[:n]), b[n:], true
}

func isVersion(s string) bool { return len(s) <= maxVersionBytes && isPrintable(s) }

func isRegion(s string) bool { return len(s) <= maxRegionBytes && isPrintable(s) }

func isPrintable(s string) bool { return allBytes(s, func(c byte) bool { return ' ' < c && c < 0x7f }) }
