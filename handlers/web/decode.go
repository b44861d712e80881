package web

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"reflect"
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

// ReadJSON decodes a body of one JSON value without unknown fields, of at most 64 KiB.
func ReadJSON(w http.ResponseWriter, r *http.Request, into any) error {
	return BadBody(decode(http.MaxBytesReader(w, r.Body, maxJSON), into))
}

// ReadOptions decodes a JSON body or a form of at most 4 KiB. Without a body, into stays as it is. into points to a
// struct; a form sets its fields of that name in lower case: strings, numbers, and bools, which any text sets.
//
// JSON begins with a brace, which no browser's form does: curl -d names both a form.
func ReadOptions(w http.ResponseWriter, r *http.Request, into any) error {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxOptions))
	if err != nil {
		return BadBody(err)
	}
	isForm := strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded")
	if text := strings.TrimSpace(string(body)); isForm && !strings.HasPrefix(text, "{") {
		return readFields(text, reflect.ValueOf(into).Elem())
	}
	if err := decode(bytes.NewReader(body), into); !errors.Is(err, io.EOF) {
		return BadBody(err)
	}
	return nil
}

func decode(body io.Reader, into any) error {
	in := json.NewDecoder(body)
	in.DisallowUnknownFields()
	err := in.Decode(into)
	if err == nil && !errors.Is(in.Decode(&struct{}{}), io.EOF) { // More would miss closing brackets
		err = errors.New("more than one value")
	}
	return err
}

func readFields(form string, into reflect.Value) error {
	values, err := url.ParseQuery(form)
	if err != nil {
		return BadRequest("the form cannot be read")
	}
	for i := range into.NumField() {
		name := strings.ToLower(into.Type().Field(i).Name)
		text := values.Get(name)
		if len(values[name]) > 1 {
			return BadRequest("%s is given more than once", name)
		}
		delete(values, name)
		switch field := into.Field(i); {
		case text == "":
		case field.CanInt():
			n, err := strconv.Atoi(text)
			if err != nil {
				return BadRequest("%s must be a whole number, not %q", name, text)
			}
			field.SetInt(int64(n))
		case field.Kind() == reflect.Bool:
			field.SetBool(true)
		default:
			field.SetString(text)
		}
	}
	delete(values, "viewer") // which the console's page adds to all of its requests
	for name := range values {
		return BadRequest("unknown field %q", name)
	}
	return nil
}

// ReadForm parses a form of at most 4 KiB.
func ReadForm(w http.ResponseWriter, r *http.Request) error { return ReadFormUpTo(w, r, maxOptions) }

// ReadFormUpTo parses a form of at most limit bytes.
func ReadFormUpTo(w http.ResponseWriter, r *http.Request, limit int64) error {
	r.Body = http.MaxBytesReader(w, r.Body, limit)
	if err := r.ParseForm(); errors.Is(err, ErrSlowBody) {
		return err
	} else if err != nil {
		return BadRequest("the form cannot be read")
	}
	return nil
}

// Param is the first value of a query parameter, and whether there is one, as url.ParseQuery decodes it. It reads the
// query without a map of all values, which takes long for what a key's request does.
func Param(r *http.Request, name string) (value string, given bool) {
	for part := range strings.SplitSeq(r.URL.RawQuery, "&") {
		key, text, _ := strings.Cut(part, "=")
		key, badKey := url.QueryUnescape(key)
		text, badText := url.QueryUnescape(text)
		if key == name && badKey == nil && badText == nil && part != "" && !strings.Contains(part, ";") {
			return text, true
		}
	}
	return "", false
}

// Number reads a query parameter that must be a whole number of at least least.
func Number(r *http.Request, name string, least int64) (int64, error) {
	text, _ := Param(r, name)
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

// WriteJSON responds with v.
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

// NoContent responds 204 if err is nil, without the headers that restrict a page: each key gets such a response.
func NoContent(w http.ResponseWriter, err error) error {
	if err == nil {
		delete(w.Header(), "Content-Security-Policy")
		delete(w.Header(), "X-Frame-Options")
		delete(w.Header(), "Cross-Origin-Opener-Policy")
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
