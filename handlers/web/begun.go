package web

import "net/http"

// begunWriter records whether an answer has begun: from then on it cannot become another one.
type begunWriter struct {
	http.ResponseWriter
	begun bool
}

func (w *begunWriter) WriteHeader(status int) {
	w.begun = w.begun || status >= http.StatusOK
	w.ResponseWriter.WriteHeader(status)
}

func (w *begunWriter) Write(b []byte) (int, error) {
	w.begun = true
	return w.ResponseWriter.Write(b)
}

// FlushError is for http.ResponseController: a flush sends the header.
func (w *begunWriter) FlushError() error {
	w.begun = true
	return http.NewResponseController(w.ResponseWriter).Flush()
}

// Unwrap is for http.ResponseController.
func (w *begunWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// hasBegun reports whether any part of an answer was written.
func hasBegun(w http.ResponseWriter) bool {
	b := layerOf[*begunWriter](w)
	return b != nil && b.begun
}

// layerOf returns the outermost writer of that type below w, or nil.
func layerOf[T http.ResponseWriter](w http.ResponseWriter) (none T) {
	for {
		if found, ok := w.(T); ok {
			return found
		}
		inner, ok := w.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			return none
		}
		w = inner.Unwrap()
	}
}
