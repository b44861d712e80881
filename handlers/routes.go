package handlers

import (
	"net/http"

	"github.com/go-chi/chi/v5"

	"convoy/assets"
)

// publicRoutes is the list of everything that a browser or a script can ask. Each layer rests on those outside it.
func (h *Handlers) publicRoutes() http.Handler {
	r := chi.NewRouter()
	r.Use(h.recover, h.checkHost, securityHeaders, crossOrigin(h), h.identify)
	r.NotFound(h.do(notFound))
	r.MethodNotAllowed(h.do(methodNotAllowed))

	r.Get("/healthz", healthz)
	r.Handle("/assets/*", assets.Handler())
	r.Get("/login", h.do(h.showLogin))
	r.Post("/login", h.do(h.logIn))
	r.Get("/", h.do(h.showConsole)) // asks for a login itself: it also takes the printed link's token

	r.Group(func(r chi.Router) {
		r.Use(h.requireShare)
		r.Get("/share/{token}", h.do(h.showShare))
		r.Get("/share/{token}/stream", h.do(sameSite(h.openShared)))
		r.Post("/share/{token}/streams/{stream}/shells/{node}/{shell}", h.do(h.followShared))
		r.Post("/share/{token}/input", h.do(h.byLink("input", h.linked(true, h.writeShell))))
		r.Post("/share/{token}/size", h.do(h.byLink("size", h.linked(true, h.resizeShell))))
		r.Post("/share/{token}/ack", h.do(h.byLink("ack", h.linked(false, h.ackShell))))
	})

	r.Group(func(r chi.Router) {
		r.Use(h.requireLogin)
		r.Post("/logout", h.do(h.logOut))
		r.Get("/guide", h.do(h.showGuide))
		r.Get("/guide/{page}", h.do(h.showGuide))
		r.Get("/runbooks", h.do(h.listRunbooks))
		r.Get("/runbooks/{runbook}", h.do(h.showRunbook))

		r.Method(http.MethodGet, "/metrics", h.Metrics)
		r.Post("/peers", h.do(h.connectPeer))

		r.Post("/api/cmd", h.do(h.evaluateCommand))
		r.Post("/api/shell", h.do(h.askNode))

		r.Get("/nodes", h.do(h.listNodes))
		r.Post("/nodes", h.do(h.onControl(h.spawnNode)))
		r.Get("/nodes/{node}", h.do(h.showNode))
		r.Delete("/nodes/{node}", h.do(h.onControl(h.retireNode)))

		r.Get("/shells", h.do(h.listAllShells))
		r.Get("/recordings", h.do(h.showRecordings))
		r.Get("/recordings/{node}/{recording}", h.do(h.playRecording))

		r.Get("/stream", h.do(sameSite(h.openStream)))
		r.Post("/streams/{stream}/shells/{node}/{shell}", h.do(h.followShell))
		r.Delete("/streams/{stream}/shells/{node}/{shell}", h.do(h.unfollowShell))

		r.Get("/nodes/{node}/shells/{shell}/files", h.do(sameSite(h.transfer(h.onOwner(h.getFile)))))
		r.Post("/nodes/{node}/shells/{shell}/files", h.do(h.transfer(h.onOwnerUpTo(h.MaxUpload, h.putFile))))
		h.ownerRoutes(r, h.onOwner)
	})
	return r
}

// peerRoutes is what another node may ask of this one: what this node owns, and what its provider does.
func (h *Handlers) peerRoutes() http.Handler {
	r := chi.NewRouter()
	r.Use(h.recover, identifyPeer)
	r.NotFound(h.do(notFound))
	r.MethodNotAllowed(h.do(methodNotAllowed))
	r.Post("/nodes", h.do(h.spawnNode))
	r.Delete("/nodes/{node}", h.do(h.retireNode))
	r.Get("/nodes/{node}/feed", h.do(h.here(h.serveFeed)))
	r.Get("/nodes/{node}/shells/{shell}/output", h.do(h.here(h.serveOutput)))
	r.Get("/nodes/{node}/shells/{shell}/shared/{link}", h.do(h.here(h.serveLink)))
	r.Get("/nodes/{node}/shells/{shell}/shared/{link}/output", h.do(h.here(h.serveLinkOutput)))
	r.Post("/nodes/{node}/shells/{shell}/shared/{link}/input", h.do(h.here(h.linked(true, h.writeShell))))
	r.Post("/nodes/{node}/shells/{shell}/shared/{link}/size", h.do(h.here(h.linked(true, h.resizeShell))))
	r.Post("/nodes/{node}/shells/{shell}/shared/{link}/ack", h.do(h.here(h.linked(false, h.ackShell))))
	r.Get("/nodes/{node}/shells/{shell}/files", h.do(h.transfer(h.here(h.getFile))))
	r.Post("/nodes/{node}/shells/{shell}/files", h.do(h.transfer(h.here(h.putFile))))
	h.ownerRoutes(r, h.here)
	return r
}

// ownerRoutes are answered by the node that owns the shell or the log; by brings a request there.
func (h *Handlers) ownerRoutes(r chi.Router, by func(handler) handler) {
	r.Get("/nodes/{node}/log", h.do(by(h.showLog)))
	r.Post("/nodes/{node}/eval", h.do(by(h.evaluateHere)))
	r.Post("/nodes/{node}/run", h.do(by(h.runHere)))
	r.Get("/nodes/{node}/shells", h.do(by(h.listShells)))
	r.Post("/nodes/{node}/shells", h.do(by(h.openShell)))
	r.Get("/nodes/{node}/shells/{shell}", h.do(by(h.showShell)))
	r.Delete("/nodes/{node}/shells/{shell}", h.do(by(h.closeShell)))
	r.Get("/nodes/{node}/shells/{shell}/text", h.do(by(h.showText)))
	r.Post("/nodes/{node}/shells/{shell}/input", h.do(by(h.writeShell)))
	r.Post("/nodes/{node}/shells/{shell}/ack", h.do(by(h.ackShell)))
	r.Post("/nodes/{node}/shells/{shell}/size", h.do(by(h.resizeShell)))
	r.Get("/nodes/{node}/shells/{shell}/links", h.do(by(h.listLinks)))
	r.Post("/nodes/{node}/shells/{shell}/links", h.do(by(h.makeLink)))
	r.Delete("/nodes/{node}/shells/{shell}/links/{link}", h.do(by(h.revokeLink)))
	r.Post("/nodes/{node}/shells/{shell}/recording", h.do(by(h.startRecording)))
	r.Delete("/nodes/{node}/shells/{shell}/recording", h.do(by(h.stopRecording)))
	r.Get("/nodes/{node}/recordings", h.do(by(h.listRecordings)))
	r.Get("/nodes/{node}/recordings/{recording}", h.do(by(h.sendRecording)))
	r.Delete("/nodes/{node}/recordings/{recording}", h.do(by(h.removeRecording)))
}
