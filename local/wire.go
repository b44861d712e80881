package local

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
)

const (
	childBytes = 32 << 10 // limit of a child's line, which must fit into a pipe
	readyBytes = 1 << 10  // limit of a Ready line
	readyFD    = 3        // descriptor of the ready pipe in the child
)

// Ready is the line of JSON that a child writes to descriptor 3 when it listens.
type Ready struct {
	Gossip  uint16 `json:"gossip"`
	Call    uint16 `json:"call"`
	Console uint16 `json:"console"`
}

var errNotReady = errors.New("gossip and call ports are missing")

// ReadChild reads the line that [Config.Child] returned in the parent, and accepts only one line with a JSON object. It
// does not close r.
func ReadChild(r io.Reader) ([]byte, error) {
	line, err := readLine(r, childBytes)
	if err != nil {
		return nil, fmt.Errorf("read the parent's line: %w", err)
	}
	return line, nil
}

// WriteReady reports to the parent, on descriptor 3, that this process listens, and closes the descriptor. Only a
// spawned node may call it, once.
func WriteReady(ready Ready) error {
	f := os.NewFile(readyFD, "ready pipe")
	if f == nil {
		return errors.New("write ready: descriptor 3 is not open")
	}
	line, err := json.Marshal(ready)
	if err == nil {
		_, err = f.Write(append(line, '\n'))
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("write ready: %w", err)
	}
	return nil
}

// readReady reads what WriteReady wrote. io.EOF means that the child wrote nothing.
func readReady(r io.Reader) (Ready, error) {
	line, err := readLine(r, readyBytes)
	if err != nil {
		return Ready{}, err
	}
	var ready Ready
	if err := Decode(line, &ready); err != nil {
		return Ready{}, err
	}
	if ready.Gossip == 0 || ready.Call == 0 {
		return Ready{}, errNotReady
	}
	return ready, nil
}

// readLine reads one line of at most limit bytes, which must start like a JSON object.
func readLine(r io.Reader, limit int) ([]byte, error) {
	in := bufio.NewReaderSize(r, limit)
	line, err := in.ReadSlice('\n')
	switch {
	case errors.Is(err, bufio.ErrBufferFull):
		return nil, fmt.Errorf("line is longer than %d bytes", limit)
	case errors.Is(err, io.EOF) && len(line) > 0:
		return nil, io.ErrUnexpectedEOF
	case err != nil:
		return nil, err
	case in.Buffered() > 0:
		return nil, errors.New("more than one line")
	case line[0] != '{':
		return nil, errors.New("line is not a JSON object")
	}
	return line, nil
}

// Decode decodes a line of either side into v, and rejects unknown fields and trailing data.
func Decode(line []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return fmt.Errorf("decode line: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("data after the JSON object")
	}
	return nil
}
