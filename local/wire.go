package local

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"time"
)

const (
	childBytes = 32 << 10 // a Child's line at most; it must fit into a pipe
	readyBytes = 1 << 10  // a Ready's line at most
	readyFD    = 3        // the descriptor of the ready pipe in the child
)

// Child is all that a spawned node is told: one line of JSON on its standard
// input, where neither its arguments nor its environment could give it away.
// The pipe stays open for as long as the parent lives; when it ends the child
// has to stop.
type Child struct {
	Name       string         `json:"name"` // full node name
	Cookie     string         `json:"cookie"`
	Token      string         `json:"token"`
	Bind       netip.Addr     `json:"bind"`        // the address for gossip, calls and console
	Query      string         `json:"query"`       // the name that it polls,
	DNS        netip.AddrPort `json:"dns"`         // at this server,
	Poll       time.Duration  `json:"poll"`        // so often; in ns
	Shell      []string       `json:"shell"`       // program of a system shell
	System     string         `json:"system"`      // whether there are any
	Confine    string         `json:"confine"`     // what keeps those from the node
	SystemUser string         `json:"system_user"` // whom they run as
	DirGiven   bool           `json:"dir_given"`   // Dir was asked for
	Data       string         `json:"data"`        // directory of what it keeps
	Users      string         `json:"users"`       // file of who may log in
	Dir        string         `json:"dir"`         // where shells start
	Idle       time.Duration  `json:"idle"`        // after which shells that nobody uses are closed; 0: never
	AuditMax   int64          `json:"audit_max"`   // bytes of the audit log; 0: any
	AuditAge   time.Duration  `json:"audit_age"`   // of its entries; 0: any
	MaxUpload  int64          `json:"max_upload"`  // the largest file to or from a shell, in bytes; 0: none
	Runbooks   string         `json:"runbooks"`    // directory of the user's runbooks; empty: none
	Log        string         `json:"log"`         // level

	RecordAll     bool   `json:"record_all"`     // every shell is recorded
	Recordings    string `json:"recordings"`     // directory that holds its directory of recordings
	RecordingsMax int64  `json:"recordings_max"` // bytes
}

// Ready is one line of JSON that a child writes to descriptor 3 once it
// listens.
type Ready struct {
	Gossip  uint16 `json:"gossip"`
	Call    uint16 `json:"call"`
	Console uint16 `json:"console"`
}

var errNotReady = errors.New("gossip and call ports are missing")

// ReadChild reads the one line that a parent sends, and nothing that does not
// look exactly like it. It leaves r open.
func ReadChild(r io.Reader) (Child, error) {
	var c Child
	if err := readLine(r, childBytes, &c); err != nil {
		return Child{}, fmt.Errorf("read the parent's line: %w", err)
	}
	if c.Name == "" {
		return Child{}, errors.New("read the parent's line: it has no name")
	}
	return c, nil
}

// WriteReady tells the parent on descriptor 3 that this process listens, and
// closes the descriptor. Only a spawned node may call it, once.
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

// readReady reads what WriteReady wrote. An io.EOF means: not a word.
func readReady(r io.Reader) (Ready, error) {
	var ready Ready
	if err := readLine(r, readyBytes, &ready); err != nil {
		return Ready{}, err
	}
	if ready.Gossip == 0 || ready.Call == 0 {
		return Ready{}, errNotReady
	}
	return ready, nil
}

// readLine reads one line of at most limit bytes, which must be one JSON
// object without unknown fields, into v.
func readLine(r io.Reader, limit int, v any) error {
	in := bufio.NewReaderSize(r, limit)
	line, err := in.ReadSlice('\n')
	switch {
	case errors.Is(err, bufio.ErrBufferFull):
		return fmt.Errorf("line is longer than %d bytes", limit)
	case errors.Is(err, io.EOF) && len(line) > 0:
		return io.ErrUnexpectedEOF
	case err != nil:
		return err
	case in.Buffered() > 0:
		return errors.New("there is more than one line")
	}
	return decode(line, v)
}

func decode(line []byte, v any) error {
	if !bytes.HasPrefix(line, []byte("{")) {
		return errors.New("line is no JSON object")
	}
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return fmt.Errorf("decode line: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("there is something behind the JSON object")
	}
	return nil
}
