package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
)

// webSocket is the client's end of a WebSocket (RFC 6455), as much of it as ttyd needs: no extensions, no
// fragmentation of what is sent. One goroutine may read while others write.
type webSocket struct {
	conn    net.Conn
	in      *bufio.Reader
	writing sync.Mutex
	out     []byte // guarded by writing
}

// Opcodes, RFC 6455 section 5.2.
const (
	opBinary = 0x2
	opClose  = 0x8
	opPing   = 0x9
	opPong   = 0xa
)

const maxFrame = 1 << 20 // bytes

// dialWebSocket connects to ws://addr/path.
func dialWebSocket(ctx context.Context, addr, path, protocol string) (*webSocket, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	ws := &webSocket{conn: conn, in: bufio.NewReaderSize(conn, 64<<10)}
	if err := ws.shake(addr, path, protocol); err != nil {
		conn.Close()
		return nil, fmt.Errorf("websocket: %w", err)
	}
	return ws, nil
}

// shake is the opening handshake, section 4.1.
func (ws *webSocket) shake(addr, path, protocol string) error {
	var nonce [16]byte
	rand.Read(nonce[:]) //nolint:errcheck // never fails
	key := base64.StdEncoding.EncodeToString(nonce[:])
	if _, err := fmt.Fprintf(ws.conn, "GET %s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Key: %s\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: "+
		"%s\r\n\r\n", path, addr, key, protocol); err != nil {
		return err
	}
	answer, err := http.ReadResponse(ws.in, nil)
	if err != nil {
		return err
	}
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	if answer.StatusCode != http.StatusSwitchingProtocols ||
		answer.Header.Get("Sec-WebSocket-Accept") != base64.StdEncoding.EncodeToString(sum[:]) {
		return errors.New("refused: " + answer.Status)
	}
	return nil
}

// write sends one frame. Its mask is zero: what is sent here crosses no proxy that it could harm.
func (ws *webSocket) write(opcode byte, b []byte) error {
	ws.writing.Lock()
	defer ws.writing.Unlock()
	head := append(ws.out[:0], 0x80|opcode)
	switch {
	case len(b) < 126:
		head = append(head, 0x80|byte(len(b)))
	case len(b) < 1<<16:
		head = binary.BigEndian.AppendUint16(append(head, 0x80|126), uint16(len(b)))
	default:
		head = binary.BigEndian.AppendUint64(append(head, 0x80|127), uint64(len(b)))
	}
	head = append(head, 0, 0, 0, 0)
	ws.out = append(head, b...)
	_, err := ws.conn.Write(ws.out)
	return err
}

// read reads the next message into memory of room; ttyd sends each in one frame. io.EOF is the end.
func (ws *webSocket) read(room *slab) ([]byte, error) {
	for {
		opcode, n, err := ws.readHead()
		if err != nil {
			return nil, err
		}
		buf := room.get(n)
		if _, err := io.ReadFull(ws.in, buf); err != nil {
			return nil, err
		}
		switch opcode {
		case opClose:
			return nil, io.EOF
		case opBinary:
			return room.keep(n), nil
		case opPing:
			if err := ws.write(opPong, buf); err != nil {
				return nil, err
			}
		}
	}
}

// readHead reads a frame's head, section 5.2.
func (ws *webSocket) readHead() (opcode byte, n int, err error) {
	var head [8]byte
	if _, err := io.ReadFull(ws.in, head[:2]); err != nil {
		return 0, 0, err
	}
	opcode, size := head[0]&0x0f, uint64(head[1]&0x7f)
	switch size {
	case 126:
		_, err = io.ReadFull(ws.in, head[:2])
		size = uint64(binary.BigEndian.Uint16(head[:2]))
	case 127:
		_, err = io.ReadFull(ws.in, head[:8])
		size = binary.BigEndian.Uint64(head[:8])
	}
	if err == nil && size > maxFrame {
		err = fmt.Errorf("websocket: a frame of %d bytes", size)
	}
	return opcode, int(size), err
}
