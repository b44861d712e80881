package web

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/go-chi/chi/v5"
)

const (
	maxOptions = 4 << 10 // bytes, of a form too
	maxJSON    = 64 << 10
	maxName    = 40 // characters
)

// ReadJSON decodes a body of one JSON value, of at most 64 KiB.
func ReadJSON(w http.ResponseWriter, r *http.Request, into any) error {
	in := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxJSON))
	if err := in.Decode(into); err != nil {
		return BadBody(err)
	}
	if in.More() {
		return BadBody(errors.New("more than one value"))
	}
	return nil
}

// ReadOptions decodes a JSON body of at most 4 KiB. Without a body, into stays as it is.
func ReadOptions(w http.ResponseWriter, r *http.Request, into any) error {
	err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxOptions)).Decode(into)
	if err != nil && !errors.Is(err, io.EOF) {
		return BadBody(err)
	}
	return nil
}

// ReadForm parses a form of at most 4 KiB.
func ReadForm(w http.ResponseWriter, r *http.Request) error {
	r.Body = http.MaxBytesReader(w, r.Body, maxOptions)
	if err := r.ParseForm(); errors.Is(err, ErrSlowBody) {
		return err
	} else if err != nil {
		return BadRequest("the form cannot be read")
	}
	return nil
}

// Number reads a query parameter that must be a whole number of at least least.
func Number(r *http.Request, name string, least int64) (int64, error) {
	text := r.URL.Query().Get(name)
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < least {
		return 0, BadRequest("%s must be a whole number from %d, not %q", name, least, text)
	}
	return n, nil
}

// Name checks and trims a name that a user chose; what says for what.
func Name(what, text string) (string, error) {
	if !utf8.ValidString(text) || utf8.RuneCountInString(text) > maxName ||
		strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return "", BadRequest("%s must be at most %d printable letters", what, maxName)
	}
	return strings.TrimSpace(text), nil
}

// WriteJSON answers with v.
func WriteJSON(w http.ResponseWriter, status int, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, err = w.Write(append(body, '\n'))
	return err
}

// NoContent answers 204 if err is nil.
func NoContent(w http.ResponseWriter, err error) error {
	if err == nil {
		w.WriteHeader(http.StatusNoContent)
	}
	return err
}

// Time is t in UTC for JSON, or nil for the zero time.
func Time(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

// NodeName is what the path calls a node: its full name, or the first label of its host.
func NodeName(r *http.Request) (string, error) {
	name, err := url.PathUnescape(chi.URLParam(r, "node"))
	if err != nil {
		return "", BadRequest("%q is not the name of a node", chi.URLParam(r, "node"))
	}
	return name, nil
}
