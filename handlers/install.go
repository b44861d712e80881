package handlers

import (
	"encoding/json"
	"net/http"

	"convoy/assets"
	"convoy/handlers/session"
	"convoy/handlers/web"
	"convoy/templates"
)

// What a browser needs to install the console, to show notifications of it, and to show something while it cannot be
// reached. Nothing of it depends on a login.

// GET /worker.js
//
// The script of the service worker. Its address has the build, whose assets it keeps: another build is not found.
func (h *Handlers) showWorker(w http.ResponseWriter, r *http.Request) error {
	switch r.URL.Query().Get("build") {
	case "":
		web.SeeOther(w, "/worker.js?build="+assets.Build())
		return nil
	case assets.Build():
		asset := r.Clone(r.Context())
		asset.URL.Path = assets.URL("dist/worker.js")
		assets.Handler().ServeHTTP(w, asset)
		return nil
	}
	return web.NotFound(w, r)
}

// GET /offline
//
// The service worker keeps this page, so it is the same for everyone.
func (h *Handlers) showOffline(w http.ResponseWriter, r *http.Request) error {
	r = r.WithContext(session.With(r.Context(), session.Session{}))
	return h.site.Render(w, http.StatusOK, "offline", templates.Offline{Page: h.page(r, "Offline")})
}

// manifest describes the console as an application (W3C, Web Application Manifest).
type manifest struct {
	ID         string         `json:"id"`
	Name       string         `json:"name"`
	ShortName  string         `json:"short_name"`
	About      string         `json:"description"`
	Start      string         `json:"start_url"`
	Scope      string         `json:"scope"`
	Display    string         `json:"display"`
	Theme      string         `json:"theme_color"`
	Background string         `json:"background_color"`
	Icons      []manifestIcon `json:"icons"`
}

type manifestIcon struct {
	Src     string `json:"src"`
	Sizes   string `json:"sizes"`
	Type    string `json:"type"`
	Purpose string `json:"purpose"`
}

// GET /manifest.webmanifest
func (h *Handlers) showManifest(w http.ResponseWriter, _ *http.Request) error {
	root, dark := h.BasePath+"/", "#0f1319" // as in base.html, whose colours pages use
	icon := func(name, size, purpose string) manifestIcon {
		return manifestIcon{h.BasePath + assets.URL(name), size, "image/png", purpose}
	}
	w.Header().Set("Content-Type", "application/manifest+json")
	return json.NewEncoder(w).Encode(manifest{
		ID: root, Name: "Convoy", ShortName: "Convoy", About: "Shells on every node of a cluster", Start: root, Scope: root,
		Display: "standalone", Theme: dark, Background: dark,
		Icons: []manifestIcon{
			icon("icon-192.png", "192x192", "any"),
			icon("icon-512.png", "512x512", "any"),
			icon("icon-maskable.png", "512x512", "maskable"),
		},
	})
}
