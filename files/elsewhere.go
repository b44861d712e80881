package files

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http/httputil"
	"os/exec"
	"syscall"
)

// lineBytes bounds a request and an answer between the two processes.
const lineBytes = 64 << 10

// Elsewhere puts and takes files by another process, which may do less than this one. Command makes it; what it runs
// is [Serve].
type Subprocess struct {
	Command func() *exec.Cmd
}

// request is a line of JSON. What is put follows it, in chunks (RFC 9112, 7.1): their end tells that it came whole.
type request struct {
	CheckDir bool   `json:"enter"` // Dir, and nothing else
	Put      bool   `json:"put"`
	Dir      string `json:"dir"`
	Name     string `json:"name"` // a path if the file is taken
	Limit    int64  `json:"limit"`
}

// answer is a line of JSON. What is taken follows it.
type response struct {
	Name  string     `json:"name"`
	Bytes int64      `json:"bytes"`
	Error *wireError `json:"wrong,omitempty"`
}

// wrong is an error of this package on its way.
type wireError struct {
	Kind  string        `json:"what"` // name, limit, kind, source, system
	Text  string        `json:"text"`
	Path  string        `json:"path"`
	Limit int64         `json:"limit"`
	Mode  fs.FileMode   `json:"mode"`
	Errno syscall.Errno `json:"errno"`
}

// nameError is ErrName with its reason.
type nameError string

func (e nameError) Error() string { return string(e) }
func (nameError) Unwrap() error   { return ErrName }

func encodeError(err error) *wireError {
	var limit *LimitError
	var kind *TypeError
	var system *Error
	w := &wireError{Kind: "source", Text: err.Error()}
	switch {
	case errors.Is(err, ErrName):
		w.Kind = "name"
	case errors.As(err, &limit):
		w.Kind, w.Limit = "limit", limit.Limit
	case errors.As(err, &kind):
		w.Kind, w.Path, w.Mode = "kind", kind.Path, kind.Mode
	case errors.As(err, &system):
		w.Kind, w.Path, w.Text, w.Errno = "system", system.Path, system.Err.Error(), syscall.EIO
		if errors.Is(system.Err, fs.ErrExist) {
			w.Errno = syscall.EEXIST
		}
		errors.As(system.Err, &w.Errno)
	}
	return w
}

func (w *wireError) decode() error {
	switch w.Kind {
	case "name":
		return nameError(w.Text)
	case "limit":
		return &LimitError{w.Limit}
	case "kind":
		return &TypeError{w.Path, w.Mode}
	case "system":
		return &Error{w.Path, w.Errno}
	}
	return &SourceError{errors.New(w.Text)}
}

// Serve does what another process asks for by Elsewhere, once.
func Serve(in io.Reader, out io.Writer) error {
	from := bufio.NewReaderSize(in, lineBytes)
	line, err := from.ReadSlice('\n')
	var ask request
	if err == nil {
		err = json.Unmarshal(line, &ask)
	}
	if err != nil {
		return fmt.Errorf("no request: %w", err)
	}
	if ask.CheckDir {
		return respond(out, response{}, CheckDir(ask.Dir))
	}
	if ask.Put {
		put, err := Put(ask.Dir, ask.Name, httputil.NewChunkedReader(from), ask.Limit)
		return respond(out, response{Name: put.Name, Bytes: put.Bytes}, err)
	}
	f, err := Open(ask.Dir, ask.Name, ask.Limit)
	if err != nil {
		return respond(out, response{}, err)
	}
	defer f.Close()
	if err := respond(out, response{Name: f.Name, Bytes: f.Bytes}, nil); err != nil {
		return err
	}
	_, err = io.CopyN(out, f, f.Bytes)
	return err
}

func respond(out io.Writer, a response, err error) error {
	if err != nil {
		a = response{Error: encodeError(err)}
	}
	return json.NewEncoder(out).Encode(a)
}

// other is a process that was asked for something.
type process struct {
	cmd    *exec.Cmd
	in     io.WriteCloser
	out    *bufio.Reader
	stderr bytes.Buffer
}

func (e Subprocess) start(r request) (*process, error) {
	o := &process{cmd: e.Command()}
	o.cmd.Stderr = &limitedBuffer{to: &o.stderr}
	in, err := o.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	o.in = in
	out, err := o.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	o.out = bufio.NewReaderSize(out, lineBytes)
	if err := o.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the process that takes files: %w", err)
	}
	json.NewEncoder(in).Encode(r) //nolint:errcheck // its answer tells
	return o, nil
}

// answer reads the answer's line.
func (o *process) response() (a response, err error) {
	line, err := o.out.ReadSlice('\n')
	if err == nil {
		err = json.Unmarshal(line, &a)
	}
	if err != nil {
		o.Close()
		return a, fmt.Errorf("the process that takes files ended: %s", bytes.TrimSpace(o.stderr.Bytes()))
	}
	if a.Error != nil {
		return a, a.Error.decode()
	}
	return a, nil
}

// Read reads a file that is taken.
func (o *process) Read(b []byte) (int, error) { return o.out.Read(b) }

// Close ends the process, if it has not ended, and waits for it.
func (o *process) Close() error {
	o.in.Close()
	o.cmd.Process.Kill() //nolint:errcheck // it may have ended
	o.cmd.Wait()         //nolint:errcheck // its answer has told
	return nil
}

// Enter is [Enter], as the other process can.
func (e Subprocess) CheckDir(dir string) error {
	o, err := e.start(request{CheckDir: true, Dir: dir})
	if err != nil {
		return err
	}
	defer o.Close()
	_, err = o.response()
	return err
}

// Put is [Put], done by the other process.
func (e Subprocess) Put(dir, name string, source io.Reader, limit int64) (Stored, error) {
	o, err := e.start(request{Put: true, Dir: dir, Name: name, Limit: limit})
	if err != nil {
		return Stored{}, err
	}
	defer o.Close()
	in := &sourceReader{from: io.LimitReader(source, limit+1)}
	chunks := httputil.NewChunkedWriter(o.in)
	if _, err := io.Copy(plainWriter{chunks}, in); err == nil { // else it has ended early, and its answer says why
		chunks.Close()               //nolint:errcheck // its answer tells
		io.WriteString(o.in, "\r\n") //nolint:errcheck // the end of the trailers, of which there are none
	}
	o.in.Close()
	a, err := o.response()
	if in.err != nil {
		return Stored{}, &SourceError{in.err}
	}
	return Stored{a.Name, a.Bytes}, err
}

// Open is [Open], done by the other process, which ends when the file is closed.
func (e Subprocess) Open(dir, path string, limit int64) (*File, error) {
	o, err := e.start(request{Dir: dir, Name: path, Limit: limit})
	if err != nil {
		return nil, err
	}
	a, err := o.response()
	if err != nil {
		o.Close()
		return nil, err
	}
	return &File{o, a.Name, a.Bytes}, nil
}

// capped keeps the first lines of a complaint.
type limitedBuffer struct{ to *bytes.Buffer }

func (c *limitedBuffer) Write(b []byte) (int, error) {
	c.to.Write(b[:min(len(b), max(0, 1<<10-c.to.Len()))])
	return len(b), nil
}
