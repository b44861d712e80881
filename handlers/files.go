package handlers

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/go-chi/chi/v5"

	"convoy/files"
	"convoy/handlers/hop"
	"convoy/handlers/live"
	"convoy/handlers/session"
	"convoy/handlers/web"
	"convoy/pty"
)

// placed is the response to an upload.
type placed struct {
	Name  string `json:"name"`
	Dir   string `json:"dir"`
	Bytes int64  `json:"bytes"`
}

// POST /nodes/{node}/shells/{shell}/files
func (h *Handlers) putFile(w http.ResponseWriter, r *http.Request, s *pty.Shell) error {
	dir, err := fileDir(r, s)
	if err != nil {
		return err
	}
	name := r.URL.Query().Get("name")
	session.Describe(r.Context(), "", name)
	put, err := h.Files.Put(dir, name, r.Body, h.MaxUpload)
	h.logTransfer(r, "file uploaded", put.Bytes, err)
	if err != nil {
		return err
	}
	return web.WriteJSON(w, http.StatusCreated, placed{put.Name, dir, put.Bytes})
}

// GET /nodes/{node}/shells/{shell}/files
func (h *Handlers) getFile(w http.ResponseWriter, r *http.Request, s *pty.Shell) error {
	session.Describe(r.Context(), "", r.URL.Query().Get("path"))
	head := r.Method == http.MethodHead // of which nothing is downloaded
	f, err := h.openFile(r, s)
	if err != nil {
		if !head {
			h.logTransfer(r, "file downloaded", 0, err)
		}
		return err
	}
	defer f.Close()
	w.Header().Set("Content-Length", strconv.FormatInt(f.Bytes, 10))
	hop.FileHeaders(w.Header(), f.Name)
	if head {
		return nil
	}
	n, err := io.CopyN(w, f, f.Bytes)
	h.logTransfer(r, "file downloaded", n, err)
	if err != nil {
		panic(http.ErrAbortHandler) // the length shows the client that the rest is missing
	}
	return nil
}

// fileInfo describes a file that GET …/files would send.
type fileInfo struct {
	Name  string `json:"name"`
	Bytes int64  `json:"bytes"`
}

// GET /nodes/{node}/shells/{shell}/files/info
func (h *Handlers) describeFile(w http.ResponseWriter, r *http.Request, s *pty.Shell) error {
	f, err := h.openFile(r, s)
	if err != nil {
		return err
	}
	defer f.Close()
	return web.WriteJSON(w, http.StatusOK, fileInfo{f.Name, f.Bytes})
}

// openFile opens the file that a request names.
func (h *Handlers) openFile(r *http.Request, s *pty.Shell) (*files.File, error) {
	dir, err := fileDir(r, s)
	if err != nil {
		return nil, err
	}
	path := r.URL.Query().Get("path")
	if rest, ok := strings.CutPrefix(path, "~/"); ok && h.Home != "" {
		path = filepath.Join(h.Home, rest)
	}
	return h.Files.Open(dir, path, h.MaxUpload)
}

// fileDir is a shell's working directory, for viewers that may type.
func fileDir(r *http.Request, s *pty.Shell) (string, error) {
	if r.URL.Query().Has("viewer") {
		viewer, err := live.ViewerOf(r)
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
		return "", web.NewError(http.StatusConflict, "a Convoy shell has no files", "open a system shell for them")
	}
	if info.Dir == "" {
		return "", web.NewError(http.StatusConflict,
			"the shell's working directory is not known", "a program can report it with OSC 7")
	}
	return info.Dir, nil
}

// logTransfer logs the user, the size and the result of a transfer. Names and errors go only to the audit log, because
// every viewer reads this one.
func (h *Handlers) logTransfer(r *http.Request, message string, n int64, err error) {
	attrs := []any{
		"user", session.Of(r).User, "addr", session.ClientAddr(r), "node", h.Self, "shell", chi.URLParam(r, "shell"), "n", n,
	}
	if err != nil {
		message = strings.Replace(message, "file ", "file not ", 1)
		attrs = append(attrs, "status", h.site.Explain(err).Status)
	}
	h.Log.Info(message, attrs...)
}

// unreadBytes is how much of a refused file is still read: a client that reads the response only after it has sent
// everything would otherwise see a broken connection.
const unreadBytes = 8 << 20

// beginTransfer replaces a request's deadlines and body for a file: it may take long, but not stall. The caller passes
// its error to end, which returns the one to respond with.
func (h *Handlers) beginTransfer(w http.ResponseWriter, r *http.Request) (t *web.Transfer, end func(error) error) {
	t = web.NewTransfer(w, r, h.site.WriteWait)
	stop := context.AfterFunc(h.ctx, t.Interrupt)
	return t, func(err error) error {
		defer t.Finish()
		defer stop()
		if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
			err = &files.LimitError{Limit: h.MaxUpload}
		}
		if err != nil {
			io.CopyN(io.Discard, t, unreadBytes) //nolint:errcheck // the rest is not needed
		}
		return err
	}
}

// checkTransfer refuses a transfer before its body is read.
func (h *Handlers) checkTransfer(r *http.Request) error {
	if h.MaxUpload == 0 {
		return web.NewError(http.StatusForbidden,
			fmt.Sprintf("file transfer is switched off on %s", h.Self), "set -max-upload to switch it on")
	}
	if r.ContentLength > h.MaxUpload {
		return &files.LimitError{Limit: h.MaxUpload}
	}
	return nil
}

// explainFile describes an error of a file transfer; nil for any other error.
func explainFile(err error) *web.Error {
	status, hint := http.StatusInternalServerError, "the node's file system reported this error"
	_, isLimit := errors.AsType[*files.LimitError](err)
	_, isKind := errors.AsType[*files.TypeError](err)
	_, isSource := errors.AsType[*files.SourceError](err)
	_, isSystem := errors.AsType[*files.Error](err)
	switch {
	case !isLimit && !isKind && !isSource && !isSystem && !errors.Is(err, files.ErrName):
		return nil
	case isLimit:
		status, hint = http.StatusRequestEntityTooLarge, "-max-upload sets the limit"
	case isSource && errors.Is(err, os.ErrDeadlineExceeded):
		return web.NewError(http.StatusRequestTimeout, "the upload stalled", "send it again")
	case isSource:
		return web.NewError(http.StatusBadRequest, "the upload is incomplete", "send it again")
	case isErrno(err, syscall.ENOSPC, syscall.EDQUOT, syscall.EFBIG):
		status, hint = http.StatusInsufficientStorage, "the disk of the node is full"
	case isErrno(err, syscall.EACCES, syscall.EPERM, syscall.EROFS):
		status, hint = http.StatusForbidden, "transfers have the permissions of a system shell"
	case isErrno(err, syscall.ENOENT, syscall.ENOTDIR, syscall.ESTALE):
		status, hint = http.StatusNotFound, "a path starts at /, at ~/ or in the shell's working directory"
	case errors.Is(err, fs.ErrExist):
		status, hint = http.StatusConflict, "choose another name"
	case errors.Is(err, files.ErrName), isErrno(err, syscall.ENAMETOOLONG, syscall.ELOOP, syscall.EINVAL):
		status, hint = http.StatusBadRequest, "a name has 1 to 255 bytes of UTF-8, without slashes and control characters"
	case isKind:
		status, hint = http.StatusBadRequest, "only regular files can be transferred; pack directories with tar"
	}
	return web.NewError(status, err.Error(), hint)
}

func isErrno(err error, any ...syscall.Errno) bool {
	return slices.ContainsFunc(any, func(one syscall.Errno) bool { return errors.Is(err, one) })
}
