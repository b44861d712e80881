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

// lineBytes bounds a request and a response.
const lineBytes = 64 << 10

// Subprocess transfers files in another process, which may have fewer rights. Command creates the process, which calls
// [Serve].
type Subprocess struct {
	Command func() *exec.Cmd
}

// request is a line of JSON. The data to put follows it, chunked (RFC 9112, 7.1) so that an incomplete transfer is
// noticed.
type request struct {
	CheckDir bool   `json:"enter"` // check Dir, and do nothing else
	Put      bool   `json:"put"`
	Dir      string `json:"dir"`
	Name     string `json:"name"` // of the file to put; the path of one to open
	Limit    int64  `json:"limit"`
}

// response is a line of JSON. The data of an opened file follows it.
type response struct {
	Name  string     `json:"name"`
	Bytes int64      `json:"bytes"`
	Error *wireError `json:"wrong,omitempty"`
}

// wireError is an error of this package in a response.
type wireError struct {
	Kind  string        `json:"what"` // name, limit, kind, source or system
	Text  string        `json:"text"`
	Path  string        `json:"path"`
	Limit int64         `json:"limit"`
	Mode  fs.FileMode   `json:"mode"`
	Errno syscall.Errno `json:"errno"`
}

// nameError is an ErrName with its reason.
type nameError string

func (e nameError) Error() string { return string(e) }
func (nameError) Unwrap() error   { return ErrName }

func encodeError(err error) *wireError {
	w := &wireError{Kind: "source", Text: err.Error()}
	if errors.Is(err, ErrName) {
		w.Kind = "name"
	} else if limit, ok := errors.AsType[*LimitError](err); ok {
		w.Kind, w.Limit = "limit", limit.Limit
	} else if kind, ok := errors.AsType[*TypeError](err); ok {
		w.Kind, w.Path, w.Mode = "kind", kind.Path, kind.Mode
	} else if system, ok := errors.AsType[*Error](err); ok {
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

// Serve handles one request of a Subprocess.
func Serve(in io.Reader, out io.Writer) error {
	buffered := bufio.NewReaderSize(in, lineBytes)
	line, err := buffered.ReadSlice('\n')
	var req request
	if err == nil {
		err = json.Unmarshal(line, &req)
	}
	if err != nil {
		return fmt.Errorf("read request: %w", err)
	}
	if req.CheckDir {
		return respond(out, response{}, Local{}.CheckDir(req.Dir))
	}
	if req.Put {
		put, err := Local{}.Put(req.Dir, req.Name, httputil.NewChunkedReader(buffered), req.Limit)
		return respond(out, response{Name: put.Name, Bytes: put.Bytes}, err)
	}
	f, err := Local{}.Open(req.Dir, req.Name, req.Limit)
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

// process is a process that handles a request.
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
		return nil, fmt.Errorf("start the file transfer process: %w", err)
	}
	json.NewEncoder(in).Encode(r) //nolint:errcheck // its response has the error
	return o, nil
}

// answer reads the response.
func (o *process) response() (a response, err error) {
	line, err := o.out.ReadSlice('\n')
	if err == nil {
		err = json.Unmarshal(line, &a)
	}
	if err != nil {
		o.Close()
		return a, fmt.Errorf("the file transfer process ended: %s", bytes.TrimSpace(o.stderr.Bytes()))
	}
	if a.Error != nil {
		return a, a.Error.decode()
	}
	return a, nil
}

// Read reads the data of an opened file.
func (o *process) Read(b []byte) (int, error) { return o.out.Read(b) }

// Close kills the process and waits for it.
func (o *process) Close() error {
	o.in.Close()
	o.cmd.Process.Kill() //nolint:errcheck // it may have ended
	o.cmd.Wait()         //nolint:errcheck // its response has the error
	return nil
}

// CheckDir is [Local.CheckDir] in the other process.
func (e Subprocess) CheckDir(dir string) error {
	o, err := e.start(request{CheckDir: true, Dir: dir})
	if err != nil {
		return err
	}
	defer o.Close()
	_, err = o.response()
	return err
}

// Put is [Local.Put] in the other process.
func (e Subprocess) Put(dir, name string, source io.Reader, limit int64) (Stored, error) {
	o, err := e.start(request{Put: true, Dir: dir, Name: name, Limit: limit})
	if err != nil {
		return Stored{}, err
	}
	defer o.Close()
	in := &sourceReader{from: io.LimitReader(source, limit+1)}
	chunks := httputil.NewChunkedWriter(o.in)
	if _, err := io.Copy(plainWriter{chunks}, in); err == nil { // else its response has the reason
		chunks.Close()               //nolint:errcheck // its response has the error
		io.WriteString(o.in, "\r\n") //nolint:errcheck // end of the empty trailers
	}
	o.in.Close()
	a, err := o.response()
	if in.err != nil {
		return Stored{}, &SourceError{in.err}
	}
	return Stored{a.Name, a.Bytes}, err
}

// Open is [Local.Open] in the other process, which ends when the file is closed.
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

// limitedBuffer keeps the first KiB.
type limitedBuffer struct{ to *bytes.Buffer }

func (c *limitedBuffer) Write(b []byte) (int, error) {
	c.to.Write(b[:min(len(b), max(0, 1<<10-c.to.Len()))])
	return len(b), nil
}
