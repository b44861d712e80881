package handlers

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"convoy/pty"
)

// A shell's output travels between nodes as frames, big endian:
//
//	kind byte · offset int64 · length uint32 · length bytes
//
// The bytes are output itself, the screen of a reset, rows and cols (uint16 each) of a new size, an exit's code (int32) and
// signal, or who is there, as JSON.
const (
	frameHead  = 1 + 8 + 4
	frameBytes = 2 << 20 // more is a broken sender
)

var errFrame = errors.New("broken frame")

// appendFrame adds an event's frame to b.
func appendFrame(b []byte, e pty.Event) []byte {
	var body []byte
	switch e.Kind {
	case pty.Output, pty.Reset:
		body = e.Bytes
	case pty.Resize:
		body = binary.BigEndian.AppendUint16(body, uint16(e.Size.Rows))
		body = binary.BigEndian.AppendUint16(body, uint16(e.Size.Cols))
	case pty.Exited:
		body = binary.BigEndian.AppendUint32(body, uint32(int32(e.Exit.Code)))
		body = append(body, e.Exit.Signal...)
	case pty.Present:
		body, _ = json.Marshal(e.Presence) // numbers and text always have a form
	}
	b = append(b, byte(e.Kind))
	b = binary.BigEndian.AppendUint64(b, uint64(e.Off))
	b = binary.BigEndian.AppendUint32(b, uint32(len(body)))
	return append(b, body...)
}

// readFrame reads one event. io.EOF is the end between two frames.
func readFrame(r *bufio.Reader) (e pty.Event, err error) {
	var head [frameHead]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return e, err
	}
	e.Kind = pty.EventKind(head[0])
	e.Off = int64(binary.BigEndian.Uint64(head[1:]))
	n := binary.BigEndian.Uint32(head[9:])
	if n > frameBytes || e.Off < 0 {
		return e, fmt.Errorf("%w: %d bytes at offset %d", errFrame, n, e.Off)
	}
	body := make([]byte, n)
	if _, err := io.ReadFull(r, body); err != nil {
		return e, io.ErrUnexpectedEOF
	}
	return decodeBody(e, body)
}

func decodeBody(e pty.Event, body []byte) (pty.Event, error) {
	switch {
	case e.Kind == pty.Output, e.Kind == pty.Reset && len(body) > 0:
		e.Bytes = body
	case (e.Kind == pty.Reset || e.Kind == pty.Stalled) && len(body) == 0:
	case e.Kind == pty.Resize && len(body) == 4:
		e.Size = pty.Size{Rows: int(binary.BigEndian.Uint16(body)), Cols: int(binary.BigEndian.Uint16(body[2:]))}
	case e.Kind == pty.Exited && len(body) >= 4 && len(body) <= 64:
		e.Exit = pty.Exit{Code: int(int32(binary.BigEndian.Uint32(body))), Signal: string(body[4:])}
	case e.Kind == pty.Present && json.Unmarshal(body, &e.Presence) == nil:
	default:
		return e, fmt.Errorf("%w: kind %d with %d bytes", errFrame, e.Kind, len(body))
	}
	return e, nil
}
