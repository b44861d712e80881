package handlers

import (
	"compress/gzip"
	"net/http"
	"strings"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"

	"convoy/access"
	"convoy/assets"
	"convoy/handlers/session"
	"convoy/handlers/share"
	"convoy/handlers/web"
)

const (
	get    = "GET "
	post   = "POST "
	remove = "DELETE "

	nodePath      = "/nodes/{node}"
	shellPath     = nodePath + "/shells/{shell}"
	recordingPath = nodePath + "/recordings/{recording}"
	followPath    = "/streams/{stream}/shells/{node}/{shell}"
)

// publicRoutes is everything that a browser or a script can ask. Each layer relies on those outside it.
func (h *Handlers) publicRoutes() http.Handler {
	r, s := chi.NewRouter(), h.site
	r.Use(s.Below, s.Pace, s.Recover, s.FindOrigin, s.CheckHost, s.SecurityHeaders, s.RefuseCrossOrigin,
		middleware.GetHead, h.sessions.Identify)
	r.NotFound(s.Handle(web.NotFound))
	r.MethodNotAllowed(s.Handle(web.MethodNotAllowed))

	r.Get("/healthz", healthz)
	r.Handle("/assets/*", assets.Handler())
	r.Get("/worker.js", s.Handle(h.showWorker))
	r.Get("/offline", s.Handle(h.showOffline))
	r.Get("/manifest.webmanifest", s.Handle(h.showManifest))
	r.Get("/login", s.Handle(h.sessions.ShowLogin))
	r.Post("/login", s.Handle(h.sessions.LogIn))
	r.Get(session.OpenIDPath, s.Handle(sameSite(h.sessions.BeginOpenID)))
	r.Get(session.OpenIDCallback, s.Handle(h.sessions.FinishOpenID))
	r.With(middleware.Compress(gzip.DefaultCompression, "text/html")).
		Get("/", s.Handle(h.showConsole)) // asks for a login itself: it also takes the printed link's token

	r.Group(func(r chi.Router) {
		r.Use(h.shares.RequireLink)
		r.Get("/share/{token}", s.Handle(h.shares.ShowPage))
		r.Get("/share/{token}/stream", s.Handle(sameSite(h.shares.OpenStream)))
		r.Post("/share/{token}/stream", s.Handle(h.shares.OpenStream))
		r.Delete("/share/{token}/stream", s.Handle(h.live.EndCarried))
		r.Get("/share/{token}/carrier", s.Handle(sameSite(h.shares.OpenCarrier)))
		r.Post("/share/{token}"+followPath, s.Handle(h.shares.FollowShell))
		r.Post("/share/{token}/input", s.Handle(h.shares.OnOwner("input", h.shares.ByLink(share.Type, h.typeKeys))))
		r.Post("/share/{token}/size", s.Handle(h.shares.OnOwner("size", h.shares.ByLink(share.Type, h.resizeShell))))
		r.Post("/share/{token}/ack", s.Handle(h.shares.OnOwner("ack", h.shares.ByLink(share.View, h.ackShell))))
	})
	r.Group(func(r chi.Router) {
		r.Use(h.sessions.RequireCookie)
		r.Post("/session/key", s.Handle(h.sessions.ClaimByKey))
		r.Post("/session/plain", s.Handle(h.sessions.ClaimPlain))
		r.Post("/logout", s.Handle(h.sessions.Recorded("logout", h.sessions.LogOut)))
	})
	r.Group(func(r chi.Router) {
		r.Use(h.sessions.RequireLogin)
		h.add(r, onAny, h.consoleRoutes())
		h.add(r.With(middleware.Compress(gzip.DefaultCompression, "text/html", "application/json")), onAny, h.statsRoutes())
		h.add(r, onControl, h.fleetRoutes())
		h.add(r, onOwner, h.ownerRoutes())
		h.add(r, onOwner, h.attentionRoutes())
		h.add(r, onHome, h.browserRoutes())
	})
	return r
}

// peerRoutes is what another node may ask of this one: what this node owns, and what its provider does.
func (h *Handlers) peerRoutes() http.Handler {
	r, s := chi.NewRouter(), h.site
	r.Use(s.Recover, middleware.GetHead, h.sessions.IdentifyPeer)
	r.NotFound(s.Handle(web.NotFound))
	r.MethodNotAllowed(s.Handle(web.MethodNotAllowed))
	r.Post("/grants", s.Handle(h.sessions.ExchangeGrants))
	h.add(r, onAny, h.fleetRoutes())
	h.add(r, onThis, h.ownerRoutes())
	h.add(r, onThis, h.attentionRoutes())
	h.add(r, onAny, h.browserRoutes())
	h.add(r, onAny, []route{{at: post + "/push/message", may: access.View, serve: h.alerts.Deliver}})
	h.add(r, onThis, []route{
		{at: get + nodePath + "/feed", may: access.View, serve: h.live.ServeFeed},
		{at: get + nodePath + "/stats", may: access.View, serve: h.sendStats},
		{at: get + nodePath + "/usage", may: access.View, serve: h.sendUsage},
		{at: get + shellPath + "/output", may: access.View, quota: &h.live.Follows, serve: h.live.ServeOutput},
	})
	const link = shellPath + "/shared/{link}"
	r.Get(link, s.Handle(h.onThisNode(h.shares.Describe)))
	r.Get(link+"/output", s.Handle(h.onThisNode(h.shares.ServeOutput)))
	r.Post(link+"/input", s.Handle(h.onThisNode(h.shares.ByLink(share.Type, h.typeKeys))))
	r.Post(link+"/size", s.Handle(h.onThisNode(h.shares.ByLink(share.Type, h.resizeShell))))
	r.Post(link+"/ack", s.Handle(h.onThisNode(h.shares.ByLink(share.View, h.ackShell))))
	return r
}

// add adds routes that are served by the same node.
func (h *Handlers) add(r chi.Router, by where, routes []route) {
	for _, rt := range routes {
		rt.where = by
		method, path, _ := strings.Cut(rt.at, " ")
		r.Method(method, path, h.gate(rt))
	}
}

// consoleRoutes are handled by the node that is asked.
func (h *Handlers) consoleRoutes() []route {
	return []route{
		{at: post + "/session/pass", may: access.View, serve: h.sessions.GivePass},
		{at: get + "/guide", may: access.View, serve: h.showGuide},
		{at: get + "/guide/{page}", may: access.View, serve: h.showGuide},
		{at: get + "/runbooks", may: access.View, serve: h.listRunbooks},
		{at: get + "/runbooks/{runbook}", may: access.View, serve: h.showRunbook},
		// each step takes its own right, too
		{at: post + "/runbooks/{runbook}/run", may: access.Evaluate, serve: h.runSteps},
		{at: get + "/runbooks/{runbook}/run/{run}", may: access.Evaluate, serve: h.showRun},
		{at: remove + "/runbooks/{runbook}/run/{run}", may: access.Evaluate, serve: h.stopRun},
		{at: get + "/metrics", may: access.View, serve: h.showMetrics},
		{at: get + "/audit", may: access.Audit, serve: h.showAudit},

		{at: post + "/api/cmd", may: access.Evaluate, audit: "eval", serve: h.evaluateCommand},
		{at: post + "/api/shell", may: access.Evaluate, quota: &h.quotas.asks, serve: h.askNode},

		{at: get + "/nodes", may: access.View, serve: h.listNodes},
		// each node takes its own right, too, and has its own entries in the audit log
		{at: remove + "/nodes", may: access.Retire, serve: h.retireNodes},
		{at: post + "/shells", may: access.OpenConvoy, serve: h.openShells},
		{at: post + "/run", may: access.Evaluate, serve: h.runCommand},
		{at: get + nodePath, may: access.View, serve: h.showNode},
		{at: post + "/peers", may: access.Connect, audit: "node.connect", serve: h.connectPeer},
		{at: get + "/shells", may: access.View, serve: h.listAllShells},
		{at: get + "/find", may: access.View, serve: h.find}, // recordings take their own right, too
		{at: get + "/recordings", may: access.Recordings, serve: h.showRecordings},
		{at: get + "/recordings/{node}/{recording}", may: access.Recordings, serve: h.playRecording},

		{at: get + "/logins", may: access.View, serve: h.sessions.ListLogins},
		{at: remove + "/logins", may: access.View, audit: "login.end", serve: h.sessions.EndLogins},
		{at: remove + "/logins/{login}", may: access.View, audit: "login.end", serve: h.sessions.EndLogin},
		{at: get + "/tokens", may: access.Tokens, serve: h.sessions.ListTokens},
		{at: post + "/tokens", may: access.Tokens, audit: "token.make", serve: h.sessions.CreateToken},
		{at: remove + "/tokens/{token}", may: access.Tokens, audit: "token.end", serve: h.sessions.EndToken},

		{at: get + "/stream", may: access.View, sameSite: true, serve: h.live.OpenStream},
		{at: post + "/stream", may: access.View, serve: h.live.OpenStream},
		{at: remove + "/stream", may: access.View, serve: h.live.EndCarried},
		{at: get + "/carrier", may: access.View, sameSite: true, serve: h.live.OpenCarrier},
		{at: post + followPath, may: access.View, serve: h.live.FollowShell},
		{at: remove + followPath, may: access.View, serve: h.live.UnfollowShell},
	}
}

// statsRoutes are large answers that many numbers make.
func (h *Handlers) statsRoutes() []route {
	return []route{
		{at: get + nodePath + "/stats", may: access.View, serve: h.showStats},
		{at: get + "/stats", may: access.View, serve: h.showAllStats},
	}
}

// fleetRoutes are served by the node that creates nodes.
func (h *Handlers) fleetRoutes() []route {
	return []route{
		{at: post + "/nodes", may: access.Spawn, audit: "node.spawn", serve: h.spawnNode, part: h.showSpawned},
		h.retireRoute(),
	}
}

// openRoute and retireRoute are also what requests about several nodes take.
func (h *Handlers) openRoute() route {
	return route{
		at: post + nodePath + "/shells", may: access.OpenConvoy, audit: "shell.open", auditSoon: true, where: onOwner,
		serve: h.openShell, part: h.showOpened,
	}
}

func (h *Handlers) retireRoute() route {
	return route{
		at: remove + nodePath, may: access.Retire, audit: "node.retire", where: onControl,
		serve: h.retireNode, part: noPart,
	}
}

// evalRoute and commandRoute are also what the steps of runbooks take.
func (h *Handlers) evalRoute() route {
	return route{
		at: post + nodePath + "/eval", may: access.Evaluate, audit: "eval", where: onOwner, serve: h.evaluateHere,
	}
}

func (h *Handlers) commandRoute() route {
	return route{at: post + nodePath + "/run", may: access.Run, audit: "run", where: onOwner, serve: h.runHere}
}

// attentionRoutes are for users who do not view the shell, and are served by the node that owns it.
func (h *Handlers) attentionRoutes() []route {
	return []route{
		{at: post + shellPath + "/answer", may: access.Type, audit: "shell.answer", inShell: h.answerShell},
		{at: get + shellPath + "/alert", may: access.View, ofShell: h.alerts.Show, part: h.showAlert},
		{
			at: post + shellPath + "/alert", may: access.View, audit: "shell.alert",
			ofShell: h.alerts.Update(h.ctx), part: h.showAlert,
		},
	}
}

// browserRoutes are about messages to the browser of a login while it shows no page. They are served by the node where
// the user logged in.
func (h *Handlers) browserRoutes() []route {
	return []route{
		{at: get + "/push", may: access.View, serve: h.alerts.ShowBrowser, part: h.showPush},
		{at: post + "/push", may: access.View, audit: "push.on", serve: h.alerts.AddBrowser, part: h.showPush},
		{at: remove + "/push", may: access.View, audit: "push.off", serve: h.alerts.RemoveBrowser, part: h.showPush},
	}
}

// ownerRoutes are served by the node that owns the shell, the recording or the log.
func (h *Handlers) ownerRoutes() []route {
	return []route{
		{at: get + nodePath + "/audit", may: access.Audit, serve: h.listAudit},
		{at: get + nodePath + "/log", may: access.View, serve: h.showLog},
		h.evalRoute(),
		h.commandRoute(),

		{at: get + nodePath + "/shells", may: access.View, serve: h.listShells},
		h.openRoute(),
		{at: get + shellPath, may: access.View, ofShell: h.showShell},
		{at: remove + shellPath, may: access.Close, audit: "shell.close", inShell: h.closeShell},
		{
			at: post + shellPath + "/restart", may: access.Close, audit: "shell.restart", auditSoon: true,
			inShell: h.restartShell, part: h.showOpened,
		},
		{at: get + shellPath + "/text", may: access.View, ofShell: h.showText},
		{at: post + shellPath + "/input", may: access.Type, inShell: h.typeKeys},
		{at: post + shellPath + "/ack", may: access.View, ofShell: h.ackShell},
		{at: post + shellPath + "/size", may: access.Type, inShell: h.resizeShell},
		{at: post + shellPath + "/title", may: access.Type, audit: "shell.rename", inShell: h.renameShell},

		{at: get + shellPath + "/links", may: access.Share, inShell: h.shares.List, part: h.shares.ShowDialog},
		{
			at: post + shellPath + "/links", may: access.Share, audit: "link.make",
			inShell: h.shares.Create, part: h.shares.ShowDialog,
		},
		{
			at: remove + shellPath + "/links/{link}", may: access.Share, audit: "link.revoke",
			inShell: h.shares.Revoke, part: h.shares.ShowDialog,
		},

		{
			at: get + shellPath + "/files", may: access.Files, audit: "file.download",
			sameSite: true, file: true, quota: &h.quotas.transfers, ofShell: h.getFile,
		},
		{
			at: get + shellPath + "/files/info", may: access.Files,
			sameSite: true, file: true, quota: &h.quotas.transfers, ofShell: h.describeFile,
		},
		{
			at: post + shellPath + "/files", may: access.Files, audit: "file.upload",
			file: true, quota: &h.quotas.transfers, ofShell: h.putFile,
		},

		{
			at: post + shellPath + "/recording", may: access.Record, audit: "recording.start",
			serve: h.startRecording, part: h.showRecording,
		},
		{
			at: remove + shellPath + "/recording", may: access.Record, audit: "recording.stop",
			serve: h.stopRecording, part: h.showRecording,
		},
		{at: get + nodePath + "/recordings", may: access.Recordings, serve: h.listRecordings},
		{at: get + recordingPath, may: access.Recordings, serve: h.sendRecording},
		{at: remove + recordingPath, may: access.Record, audit: "recording.remove", serve: h.removeRecording},
	}
}
