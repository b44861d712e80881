package web

import (
	"net/http"
	"strings"
)

// Below serves the console below BasePath: it removes that prefix from the path of a request, and adds it to addresses
// in the header of the response. Everything behind it, and other nodes, know paths without it. Requests without the
// prefix are served, too: some proxies remove it, and health checks do not know it.
func (s *Site) Below(next http.Handler) http.Handler {
	if s.BasePath == "" {
		return next
	}
	stripped := http.StripPrefix(s.BasePath, next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w = &belowWriter{ResponseWriter: w, base: s.BasePath}
		if strings.HasPrefix(r.URL.Path+"/", s.BasePath+"/") {
			stripped.ServeHTTP(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// belowWriter adds the base path to addresses in the header, once.
type belowWriter struct {
	http.ResponseWriter
	base  string
	begun bool
}

func (w *belowWriter) WriteHeader(status int) {
	for _, name := range []string{"Location", "HX-Redirect"} {
		if to := w.Header().Get(name); strings.HasPrefix(to, "/") && !w.begun {
			w.Header().Set(name, w.base+to)
		}
	}
	w.begun = w.begun || status >= http.StatusOK
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap is for http.ResponseController.
func (w *belowWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// CookiePath is the path of cookies for the whole console.
func (s *Site) CookiePath() string {
	if s.BasePath == "" {
		return "/"
	}
	return s.BasePath
}

// URL is the address of a path of this console, as the browser that sent r reaches it.
func (s *Site) URL(r *http.Request, path string) string {
	o := OriginOf(r)
	return o.Scheme + "://" + o.Host + s.BasePath + path
}

// SeeOther redirects to a path of this console, or to another URL.
func SeeOther(w http.ResponseWriter, to string) {
	w.Header().Set("Location", to)
	w.WriteHeader(http.StatusSeeOther)
}
