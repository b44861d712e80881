package live

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"convoy/handlers/web"
	"convoy/pty"
)

// A shell's output travels between nodes as frames, big endian:
//
//	kind byte · offset int64 · length uint32 · length bytes
//
// The bytes are output, the screen of a reset, rows and cols (uint16 each) of a new size, an exit's code (int32) and
// signal, the viewers as JSON, or the reason for the end, as in the response 410.
const (
	frameHead    = 1 + 8 + 4
	frameBytes   = 2 << 20          // more is a broken sender
	frameRefusal = pty.EventKind(6) // no event: the last frame of a link that has ended
)

var errFrame = errors.New("broken frame")

// AppendFrame adds an event's frame to b.
func AppendFrame(b []byte, e pty.Event) []byte {
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
		body, _ = json.Marshal(e.Presence) // numbers and text always marshal
	}
	return append(appendHead(b, e.Kind, e.Off, len(body)), body...)
}

// appendRefusal adds the last frame: the reason for the end.
func appendRefusal(b []byte, err *web.Error) []byte {
	body, _ := json.Marshal(err) // text always marshals
	return append(appendHead(b, frameRefusal, 0, len(body)), body...)
}

func appendHead(b []byte, kind pty.EventKind, off int64, n int) []byte {
	b = append(b, byte(kind))
	b = binary.BigEndian.AppendUint64(b, uint64(off))
	return binary.BigEndian.AppendUint32(b, uint32(n))
}

// readFrame reads one event. io.EOF is the end between two frames. A refusal is its *web.Error.
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
	refusal := &web.Error{Status: http.StatusGone}
	switch {
	case e.Kind == frameRefusal && json.Unmarshal(body, refusal) == nil:
		return e, refusal
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
