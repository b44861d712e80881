package supervisor

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

const (
	maxMessage = 64 << 10 // bytes
	maxFiles   = 16       // descriptors of a message
	maxEntries = 2048     // of the store
	maxName    = 256      // bytes of an entry's name
)

// errMalformed is the error of a packet that is no message.
var errMalformed = errors.New("not a message of the supervisor's protocol")

// message is a packet in either direction; see the package's documentation.
type message struct {
	Kind    string `json:"kind"`
	Name    string `json:"name,omitempty"`
	Pid     int    `json:"pid,omitempty"`
	Ended   bool   `json:"ended,omitempty"`   // an entry's process has ended
	Status  uint32 `json:"status,omitempty"`  // its wait status, or the status of an answer
	Unknown bool   `json:"unknown,omitempty"` // its wait status is not known
	Pidfd   bool   `json:"pidfd,omitempty"`   // the last of the files is a pidfd of Pid
	data    []byte
	files   []int // descriptors; the receiver of a message owns them
}

// encode returns the packet of a message, without its descriptors.
func (m message) encode() ([]byte, error) {
	head, err := json.Marshal(m)
	if err != nil {
		return nil, err
	}
	packet := append(append(head, '\n'), m.data...)
	switch {
	case len(packet) > maxMessage:
		return nil, fmt.Errorf("%s %q has %d bytes, at most %d are allowed", m.Kind, m.Name, len(packet), maxMessage)
	case len(m.files) > maxFiles && !m.Pidfd:
		return nil, fmt.Errorf("%s %q has %d files, at most %d are allowed", m.Kind, m.Name, len(m.files), maxFiles)
	}
	return packet, nil
}

// decode is the opposite of encode. The message keeps no part of packet.
func decode(packet []byte) (m message, err error) {
	head, data, found := bytes.Cut(packet, []byte("\n"))
	if !found || len(packet) > maxMessage {
		return message{}, errors.New("not a message")
	}
	if err := json.Unmarshal(head, &m); err != nil {
		return message{}, fmt.Errorf("not a message: %w", err)
	}
	if m.Kind == "" || m.Pid < 0 {
		return message{}, errors.New("a message without a kind, or with a negative process id")
	}
	m.data = bytes.Clone(data)
	return m, nil
}
