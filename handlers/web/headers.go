package web

import (
	"crypto/rand"
	"maps"
	"net/http"
)

// RefuseCrossOrigin refuses unsafe methods from other sites.
func (s *Site) RefuseCrossOrigin(next http.Handler) http.Handler {
	protection := http.NewCrossOriginProtection()
	protection.SetDenyHandler(s.Handle(func(http.ResponseWriter, *http.Request) error { return errOtherSite }))
	return protection.Handler(next)
}

// CheckSameSite refuses a GET that another site makes a browser send. It is for streams and downloads, which another
// site could otherwise start.
func CheckSameSite(r *http.Request) error {
	if site := r.Header.Get("Sec-Fetch-Site"); site != "" && site != "same-origin" && site != "none" {
		return errOtherSite
	}
	return nil
}

// fixedHeaders are the same for every response. Nothing may change their values.
var fixedHeaders = http.Header{
	"X-Content-Type-Options":       {"nosniff"},
	"X-Frame-Options":              {"DENY"},
	"Referrer-Policy":              {"same-origin"},
	"Cross-Origin-Opener-Policy":   {"same-origin"},
	"Cross-Origin-Resource-Policy": {"same-origin"},
	"Cache-Control":                {"no-store"},
}

// SecurityHeaders restricts pages to their own resources. The nonce is for the style elements that xterm.js creates
// (docs/decisions/0014-nonce-for-xterm-styles.md).
func (s *Site) SecurityHeaders(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		nonce := rand.Text()
		head := w.Header()
		head.Set(
			"Content-Security-Policy",
			"default-src 'none'; script-src 'self' 'nonce-"+nonce+"'; style-src 'self' 'nonce-"+nonce+"'; "+
				"img-src 'self' data:; font-src 'self'; connect-src 'self'; manifest-src 'self'; worker-src 'self'; "+
				"base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
		)
		maps.Copy(head, fixedHeaders)
		if s.wantsHSTS(r) {
			head.Set("Strict-Transport-Security", "max-age=31536000")
		}
		r, found := noted(r)
		found.nonce = nonce
		next.ServeHTTP(w, r)
	})
}

// Nonce is the nonce of the page in the response to r.
func Nonce(r *http.Request) string {
	if found := notesOf(r); found != nil {
		return found.nonce
	}
	return ""
}
