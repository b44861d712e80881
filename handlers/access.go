package handlers

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"net/http"
)

// checkHost refuses requests for names that are not ours, so that a page of another site cannot reach the console by
// pointing its own name at this address (DNS rebinding).
func (h *Handlers) checkHost(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !h.isOurs(r) {
			h.failHost(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// errOtherSite is the answer to what another site makes a browser send.
var errOtherSite = &problem{
	Status: http.StatusForbidden,
	Text:   "this request came from another site",
	Hint:   "use the console itself",
}

// crossOrigin refuses all unsafe methods from other sites.
func crossOrigin(h *Handlers) func(http.Handler) http.Handler {
	protection := http.NewCrossOriginProtection()
	protection.SetDenyHandler(
		http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { h.fail(w, r, errOtherSite) }),
	)
	return protection.Handler
}

// sameSite refuses a GET that another site makes a browser send: a page could otherwise hold streams open, or have
// files downloaded, from outside.
func sameSite(fn handler) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		if site := r.Header.Get("Sec-Fetch-Site"); site != "" && site != "same-origin" && site != "none" {
			return errOtherSite
		}
		return fn(w, r)
	}
}

type nonceKey struct{}

// securityHeaders says what a page may do: nothing that it does not bring itself. The nonce is for the style elements
// that xterm.js makes (docs/decisions/0014-nonce-for-xterm-styles.md).
func (h *Handlers) securityHeaders(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw := make([]byte, 16)
		rand.Read(raw) //nolint:errcheck // never fails
		nonce := base64.RawURLEncoding.EncodeToString(raw)
		head := w.Header()
		head.Set(
			"Content-Security-Policy",
			"default-src 'none'; script-src 'self' 'nonce-"+nonce+"'; style-src 'self' 'nonce-"+nonce+
				"'; img-src 'self' data:; font-src 'self'; connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action "+
				"'self'; frame-ancestors 'none'",
		)
		head.Set("X-Content-Type-Options", "nosniff")
		head.Set("X-Frame-Options", "DENY")
		head.Set("Referrer-Policy", "same-origin")
		head.Set("Cross-Origin-Opener-Policy", "same-origin")
		head.Set("Cross-Origin-Resource-Policy", "same-origin")
		head.Set("Cache-Control", "no-store")
		if h.wantsHSTS(r) {
			head.Set("Strict-Transport-Security", "max-age=31536000")
		}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), nonceKey{}, nonce)))
	})
}

func nonceOf(r *http.Request) string {
	nonce, _ := r.Context().Value(nonceKey{}).(string)
	return nonce
}
