package handlers

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"mime"
	"net/http"
	"os"
	"strconv"
	"strings"
	"syscall"

	"github.com/go-chi/chi/v5"

	"convoy/files"
	"convoy/pty"
)

// placed is the answer to an upload.
type placed struct {
	Name  string `json:"name"`
	Dir   string `json:"dir"`
	Bytes int64  `json:"bytes"`
}

// POST /nodes/{node}/shells/{shell}/files
func (h *Handlers) putFile(w http.ResponseWriter, r *http.Request) error {
	dir, err := h.fileDir(r)
	if err != nil {
		return err
	}
	name := r.URL.Query().Get("name")
	tell(r.Context(), "", name)
	put, err := h.Files.Put(dir, name, r.Body, h.MaxUpload)
	h.noteTransfer(r, "file uploaded", put.Bytes, err)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusCreated, placed{put.Name, dir, put.Bytes})
}

// GET /nodes/{node}/shells/{shell}/files
func (h *Handlers) getFile(w http.ResponseWriter, r *http.Request) error {
	dir, err := h.fileDir(r)
	if err != nil {
		return err
	}
	path := r.URL.Query().Get("path")
	tell(r.Context(), "", path)
	f, err := h.Files.Open(dir, path, h.MaxUpload)
	if err != nil {
		h.noteTransfer(r, "file downloaded", 0, err)
		return err
	}
	defer f.Close()
	w.Header().Set("Content-Type", fileType)
	w.Header().Set("Content-Length", strconv.FormatInt(f.Bytes, 10))
	w.Header().Set("Content-Disposition", attachment(f.Name))
	n, err := io.CopyN(w, f, f.Bytes)
	h.noteTransfer(r, "file downloaded", n, err)
	if err != nil {
		panic(http.ErrAbortHandler) // part of it has been sent: the length shows that the rest is missing
	}
	return nil
}

// fileDir is the working directory of the shell in the path, for who may type into it.
func (h *Handlers) fileDir(r *http.Request) (string, error) {
	s, err := h.Shells.Get(chi.URLParam(r, "shell"))
	if err != nil {
		return "", err
	}
	if r.URL.Query().Has("viewer") {
		viewer, err := viewerOf(r)
		if err != nil {
			return "", err
		}
		if err := s.MayType(viewer); err != nil {
			return "", err
		}
	}
	info := s.Info()
	if !info.Running {
		return "", pty.ErrEnded
	}
	if info.Kind == "convoy" {
		return "", &problem{
			Status: http.StatusConflict,
			Text:   "a Convoy shell has no files",
			Hint:   "open a system shell for them",
		}
	}
	if info.Dir == "" {
		return "", &problem{
			Status: http.StatusConflict,
			Text:   "the shell's working directory is not known",
			Hint:   "a program can report it with OSC 7",
		}
	}
	return info.Dir, nil
}

// fileType is the media type of a file: a browser keeps it, and looks at it no further.
const fileType = "application/octet-stream"

// attachment is a Content-Disposition (RFC 6266) that no name can break.
func attachment(name string) string {
	return mime.FormatMediaType("attachment", map[string]string{"filename": strings.ToValidUTF8(name, "_")})
}

// noteTransfer leaves a line in the log for each file: who, how much, and whether it went wrong. Which it was and what
// went wrong is the audit log's: every viewer reads this one.
func (h *Handlers) noteTransfer(r *http.Request, message string, n int64, err error) {
	attrs := []any{
		"user",
		sessionOf(r).User,
		"addr",
		h.clientOf(r),
		"node",
		h.Self,
		"shell",
		chi.URLParam(r, "shell"),
		"n",
		n,
	}
	if err != nil {
		message, attrs = strings.Replace(message, "file ", "file not ", 1), append(attrs, "status", problemOf(err).Status)
	}
	h.Log.Info(message, attrs...)
}

// unreadBytes is how much of a refused file is read all the same: a client that sends to the end before it looks at the
// answer would otherwise see nothing but a broken connection.
const unreadBytes = 8 << 20

// transfer lets files through that are not too large and that keep coming, to or from here or another node.
func (h *Handlers) transfer(fn handler) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		takeOver(w, r)
		s := &steady{ResponseWriter: w, body: r.Body, control: http.NewResponseController(w), wait: h.writeWait}
		defer s.finish()
		stop := context.AfterFunc(h.ctx, s.interrupt)
		defer stop()
		r.Body = s
		err := h.checkTransfer(r)
		if err == nil {
			err = bounded(h.bounds.transfers, "transfers in progress", fn)(s, r)
		}
		if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
			err = &files.LimitError{Limit: h.MaxUpload}
		}
		if err != nil {
			io.CopyN(io.Discard, s, unreadBytes) //nolint:errcheck // nobody wants it
		}
		return err
	}
}

// checkTransfer refuses what can be refused before anything was read.
func (h *Handlers) checkTransfer(r *http.Request) error {
	if h.MaxUpload == 0 {
		return &problem{
			Status: http.StatusForbidden,
			Text:   fmt.Sprintf("file transfer is switched off on %s", h.Self),
			Hint:   "set -max-upload to switch it on",
		}
	}
	if r.ContentLength > h.MaxUpload {
		return &files.LimitError{Limit: h.MaxUpload}
	}
	return nil
}

func isFileError(err error) bool {
	var limit *files.LimitError
	var kind *files.TypeError
	var source *files.SourceError
	var system *files.Error
	return errors.Is(err, files.ErrName) || errors.As(err, &limit) || errors.As(err, &kind) || errors.As(err, &source) ||
		errors.As(err, &system)
}

// fileProblem is the part of problemOf that speaks of files.
func fileProblem(err error) *problem {
	status, hint := http.StatusInternalServerError, "the node's file system reported this error"
	var limit *files.LimitError
	var source *files.SourceError
	switch {
	case errors.As(err, &limit):
		status, hint = http.StatusRequestEntityTooLarge, "-max-upload sets the limit"
	case errors.As(err, &source) && errors.Is(err, os.ErrDeadlineExceeded):
		return &problem{Status: http.StatusRequestTimeout, Text: "the upload stalled", Hint: "send it again"}
	case errors.As(err, &source):
		return &problem{Status: http.StatusBadRequest, Text: "the upload is incomplete", Hint: "send it again"}
	case isErrno(err, syscall.ENOSPC, syscall.EDQUOT, syscall.EFBIG):
		status, hint = http.StatusInsufficientStorage, "the disk of the node is full"
	case isErrno(err, syscall.EACCES, syscall.EPERM, syscall.EROFS):
		status, hint = http.StatusForbidden, "transfers have the permissions of a system shell"
	case isErrno(err, syscall.ENOENT, syscall.ENOTDIR, syscall.ESTALE):
		status, hint = http.StatusNotFound, "a path starts at / or in the shell's working directory"
	case errors.Is(err, fs.ErrExist):
		status, hint = http.StatusConflict, "choose another name"
	case errors.Is(err, files.ErrName), isErrno(err, syscall.ENAMETOOLONG, syscall.ELOOP, syscall.EINVAL):
		status, hint = http.StatusBadRequest, "a name has 1 to 255 bytes of UTF-8, without slashes and control characters"
	default:
		var kind *files.TypeError
		if errors.As(err, &kind) {
			status, hint = http.StatusBadRequest, "only regular files can be transferred; pack directories with tar"
		}
	}
	return &problem{Status: status, Text: err.Error(), Hint: hint}
}

func isErrno(err error, any ...syscall.Errno) bool {
	for _, one := range any {
		if errors.Is(err, one) {
			return true
		}
	}
	return false
}
