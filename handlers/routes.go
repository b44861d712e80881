package handlers

import (
	"net/http"

	"github.com/go-chi/chi/v5"

	"convoy/access"
	"convoy/assets"
)

// publicRoutes is the list of everything that a browser or a script can ask. Each layer rests on those outside it.
func (h *Handlers) publicRoutes() http.Handler {
	r := chi.NewRouter()
	r.Use(h.pace, h.recover, h.findOrigin, h.checkHost, h.securityHeaders, crossOrigin(h), h.identify)
	r.NotFound(h.do(notFound))
	r.MethodNotAllowed(h.do(methodNotAllowed))

	r.Get("/healthz", healthz)
	r.Handle("/assets/*", assets.Handler())
	r.Get("/login", h.do(h.showLogin))
	r.Post("/login", h.do(h.logIn))
	r.Get(openIDPath, h.do(sameSite(h.beginOpenID)))
	r.Get(OpenIDCallback, h.do(h.finishOpenID))
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
		r.Use(h.requireCookie)
		r.Post("/session/key", h.do(h.claimByKey))
		r.Post("/session/plain", h.do(h.claimPlain))
		r.Post("/logout", h.do(h.audited("logout", h.logOut)))
	})

	r.Group(func(r chi.Router) {
		r.Use(h.requireLogin)
		r.Post("/session/pass", h.do(may(access.View, h.givePass)))
		r.Get("/guide", h.do(may(access.View, h.showGuide)))
		r.Get("/guide/{page}", h.do(may(access.View, h.showGuide)))
		r.Get("/runbooks", h.do(may(access.View, h.listRunbooks)))
		r.Get("/runbooks/{runbook}", h.do(may(access.View, h.showRunbook)))

		r.Get("/metrics", h.do(may(access.View, h.showMetrics)))
		r.Post("/peers", h.do(h.audited("node.connect", may(access.Connect, h.connectPeer))))

		r.Post("/api/cmd", h.do(h.audited("eval", may(access.Evaluate, h.evaluateCommand))))
		r.Post("/api/shell", h.do(may(access.Evaluate, bounded(h.bounds.asks, "requests of Convoy shells", h.askNode))))

		r.Get("/nodes", h.do(may(access.View, h.listNodes)))
		r.Post("/nodes", h.do(h.audited("node.spawn", may(access.Spawn, h.onControl(h.spawnNode)))))
		r.Get("/nodes/{node}", h.do(may(access.View, h.showNode)))
		r.Delete("/nodes/{node}", h.do(h.audited("node.retire", may(access.Retire, h.onControl(h.retireNode)))))

		r.Get("/shells", h.do(may(access.View, h.listAllShells)))
		r.Get("/recordings", h.do(may(access.Recordings, h.showRecordings)))
		r.Get("/recordings/{node}/{recording}", h.do(may(access.Recordings, h.playRecording)))

		r.Get("/logins", h.do(may(access.View, h.listLogins)))
		r.Delete("/logins", h.do(h.audited("login.end", may(access.View, h.endLogins))))
		r.Delete("/logins/{login}", h.do(h.audited("login.end", may(access.View, h.endLogin))))
		r.Get("/tokens", h.do(may(access.Tokens, h.listTokens)))
		r.Post("/tokens", h.do(h.audited("token.make", may(access.Tokens, h.makeToken))))
		r.Delete("/tokens/{token}", h.do(h.audited("token.end", may(access.Tokens, h.endToken))))

		r.Get("/audit", h.do(may(access.Audit, h.showAudit)))
		r.Get("/stream", h.do(sameSite(may(access.View, h.openStream))))
		r.Post("/streams/{stream}/shells/{node}/{shell}", h.do(may(access.View, h.followShell)))
		r.Delete("/streams/{stream}/shells/{node}/{shell}", h.do(may(access.View, h.unfollowShell)))

		r.Get(
			"/nodes/{node}/shells/{shell}/files",
			h.do(sameSite(h.audited("file.download", may(access.Files, h.transfer(h.onOwner(h.getFile)))))),
		)
		r.Post(
			"/nodes/{node}/shells/{shell}/files",
			h.do(h.audited("file.upload", may(access.Files, h.transfer(h.onOwnerUpTo(h.MaxUpload, h.putFile))))),
		)
		h.ownerRoutes(r, h.onOwner)
	})
	return r
}

// peerRoutes is what another node may ask of this one: what this node owns, and what its provider does.
func (h *Handlers) peerRoutes() http.Handler {
	r := chi.NewRouter()
	r.Use(h.recover, h.identifyPeer)
	r.NotFound(h.do(notFound))
	r.MethodNotAllowed(h.do(methodNotAllowed))
	r.Post("/grants", h.do(h.exchangeGrants))
	r.Post("/nodes", h.do(h.audited("node.spawn", may(access.Spawn, h.spawnNode))))
	r.Delete("/nodes/{node}", h.do(h.audited("node.retire", may(access.Retire, h.retireNode))))
	r.Get("/nodes/{node}/feed", h.do(may(access.View, h.here(h.serveFeed))))
	r.Get(
		"/nodes/{node}/shells/{shell}/output",
		h.do(may(access.View, h.here(bounded(h.bounds.follows, "followed shells", h.serveOutput)))),
	)
	r.Get("/nodes/{node}/shells/{shell}/shared/{link}", h.do(h.here(h.serveLink)))
	r.Get("/nodes/{node}/shells/{shell}/shared/{link}/output", h.do(h.here(h.serveLinkOutput)))
	r.Post("/nodes/{node}/shells/{shell}/shared/{link}/input", h.do(h.here(h.linked(true, h.writeShell))))
	r.Post("/nodes/{node}/shells/{shell}/shared/{link}/size", h.do(h.here(h.linked(true, h.resizeShell))))
	r.Post("/nodes/{node}/shells/{shell}/shared/{link}/ack", h.do(h.here(h.linked(false, h.ackShell))))
	r.Get(
		"/nodes/{node}/shells/{shell}/files",
		h.do(h.audited("file.download", may(access.Files, h.transfer(h.here(h.getFile))))),
	)
	r.Post(
		"/nodes/{node}/shells/{shell}/files",
		h.do(h.audited("file.upload", may(access.Files, h.transfer(h.here(h.putFile))))),
	)
	h.ownerRoutes(r, h.here)
	return r
}

// ownerRoutes are answered by the node that owns the shell or the log; by brings a request there.
func (h *Handlers) ownerRoutes(r chi.Router, by func(handler) handler) {
	r.Get("/nodes/{node}/audit", h.do(may(access.Audit, by(h.listAudit))))
	r.Get("/nodes/{node}/log", h.do(may(access.View, by(h.showLog))))
	r.Post("/nodes/{node}/eval", h.do(h.audited("eval", may(access.Evaluate, by(h.evaluateHere)))))
	r.Post("/nodes/{node}/run", h.do(h.audited("run", may(access.Run, by(h.runHere)))))
	r.Get("/nodes/{node}/shells", h.do(may(access.View, by(h.listShells))))
	r.Post("/nodes/{node}/shells", h.do(h.audited("shell.open", may(access.OpenConvoy, by(h.openShell)))))
	r.Get("/nodes/{node}/shells/{shell}", h.do(may(access.View, by(h.showShell))))
	r.Delete(
		"/nodes/{node}/shells/{shell}",
		h.do(h.audited("shell.close", may(access.Close, by(h.inShell(access.Close, h.closeShell))))),
	)
	r.Get("/nodes/{node}/shells/{shell}/text", h.do(may(access.View, by(h.showText))))
	r.Post("/nodes/{node}/shells/{shell}/input", h.do(may(access.Type, by(h.inShell(access.Type, h.writeShell)))))
	r.Post("/nodes/{node}/shells/{shell}/ack", h.do(may(access.View, by(h.ackShell))))
	r.Post("/nodes/{node}/shells/{shell}/size", h.do(may(access.Type, by(h.inShell(access.Type, h.resizeShell)))))
	r.Get("/nodes/{node}/shells/{shell}/links", h.do(may(access.Share, by(h.inShell(access.Share, h.listLinks)))))
	r.Post(
		"/nodes/{node}/shells/{shell}/links",
		h.do(h.audited("link.make", may(access.Share, by(h.inShell(access.Share, h.makeLink))))),
	)
	r.Delete(
		"/nodes/{node}/shells/{shell}/links/{link}",
		h.do(h.audited("link.revoke", may(access.Share, by(h.inShell(access.Share, h.revokeLink))))),
	)
	r.Post(
		"/nodes/{node}/shells/{shell}/recording",
		h.do(h.audited("recording.start", may(access.Record, by(h.startRecording)))),
	)
	r.Delete(
		"/nodes/{node}/shells/{shell}/recording",
		h.do(h.audited("recording.stop", may(access.Record, by(h.stopRecording)))),
	)
	r.Get("/nodes/{node}/recordings", h.do(may(access.Recordings, by(h.listRecordings))))
	r.Get("/nodes/{node}/recordings/{recording}", h.do(may(access.Recordings, by(h.sendRecording))))
	r.Delete(
		"/nodes/{node}/recordings/{recording}",
		h.do(h.audited("recording.remove", may(access.Record, by(h.removeRecording)))),
	)
}
