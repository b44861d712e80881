package handlers

import (
	"net/http"

	"github.com/go-chi/chi/v5"

	"convoy/access"
	"convoy/templates"
)

// GET /
//
// With the printed link's token it logs in and comes back without it, so that the token stays in no history.
func (h *Handlers) showConsole(w http.ResponseWriter, r *http.Request) error {
	token := r.URL.Query().Get("token")
	if token != "" && h.login.checkToken(token) {
		next, err := h.setSession(w, r, session{Identity: h.Authority.NewIdentity(access.ConsoleToken, access.Admin)})
		if err != nil {
			return err
		}
		http.Redirect(w, r, next, http.StatusSeeOther)
		return nil
	}
	if sessionOf(r).Grant == "" {
		if token != "" {
			if err := h.wrongToken(r, token, "link"); err != nil {
				return err
			}
		}
		h.refuseStranger(w, r)
		return nil
	}
	defer h.feeds.use(r.Context())()
	view := templates.Console{
		Page:      h.page(r, shortName(hostOf(h.Self))),
		NodeList:  h.nodeList(),
		MaxUpload: h.MaxUpload,
		Pass:      h.passFor(r),
	}
	h.firstScreens(r.Context(), view.Nodes)
	return h.set.Render(w, http.StatusOK, "console", view)
}

// GET /guide, GET /guide/{page}
func (h *Handlers) showGuide(w http.ResponseWriter, r *http.Request) error {
	name := chi.URLParam(r, "page")
	if name == "" {
		name = "index"
	}
	doc, ok := h.guide.Page(name)
	if !ok {
		return &problem{Status: http.StatusNotFound, Text: "the guide has no such page", Hint: "it begins at /guide"}
	}
	view := templates.Guide{Page: h.page(r, doc.Title), Body: doc.Body}
	for _, page := range h.guide.Pages() {
		view.Pages = append(view.Pages, templates.GuideLink{Name: page.Name, Title: page.Title, Current: page.Name == name})
	}
	return h.set.Render(w, http.StatusOK, "guide", view)
}
