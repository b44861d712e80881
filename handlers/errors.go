package handlers

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"syscall"

	"convoy/access"
	"convoy/fleet"
	"convoy/guide"
	"convoy/handlers/session"
	"convoy/handlers/web"
	"convoy/pty"
	"convoy/pty/cast"
)

// responses maps other packages' errors to HTTP responses.
var responses = []struct {
	err    error
	status int
	text   string // "": the error's own, with what wraps it
	hint   string // what the reader can do
}{
	{fleet.ErrNotFound, http.StatusNotFound, "", "GET /nodes lists the nodes"},
	{fleet.ErrFull, http.StatusConflict, "", "retire a node first, or start Convoy with a higher -max-nodes"},
	{fleet.ErrNotRetirable, http.StatusForbidden, "", "you can retire only nodes that this Convoy created"},
	{
		fleet.ErrUnavailable, http.StatusServiceUnavailable, "",
		"see docs/railway.md for the settings, or run convoy railway check",
	},
	{fleet.ErrNoProvider, http.StatusServiceUnavailable, "", useControlPlane},
	{fleet.ErrClosed, http.StatusServiceUnavailable, "", useControlPlane},
	{ErrNoSystemShell, http.StatusForbidden, ErrNoSystemShell.Error(), "the node was started with -system-shell off"},
	{guide.ErrNoRunbook, http.StatusNotFound, "there is no such runbook", "/runbooks lists them"},
	{guide.ErrLarge, http.StatusUnprocessableEntity, "", splitRunbook},
	{guide.ErrTooSlow, http.StatusUnprocessableEntity, "", splitRunbook},
	{pty.ErrNotFound, http.StatusNotFound, "", "it was closed; GET /nodes/{node}/shells lists the shells"},
	{pty.ErrEnded, http.StatusConflict, "the shell has ended", "open another one"},
	{
		pty.ErrKind, http.StatusConflict, "this node has no shells of that kind",
		"the kinds are convoy and system; a node started with -system-shell off has no system shells",
	},
	{pty.ErrFull, http.StatusTooManyRequests, "", "close a shell first"},
	{pty.ErrLeft, http.StatusServiceUnavailable, "the node is restarting", "try again"},
	{pty.ErrClosed, http.StatusServiceUnavailable, "the node is stopping", ""},
	{pty.ErrRecorded, http.StatusConflict, pty.ErrRecorded.Error(), "stop that recording first"},
	{
		pty.ErrNotRecorded, http.StatusConflict, pty.ErrNotRecorded.Error(),
		"POST to the same address starts a recording",
	},
	{pty.ErrPolicy, http.StatusForbidden, pty.ErrPolicy.Error(), "the node was started with -record all"},
	{
		cast.ErrNotFound, http.StatusNotFound, "",
		"it was deleted, or removed to make room; GET /nodes/{node}/recordings lists the recordings",
	},
	{cast.ErrRecording, http.StatusConflict, cast.ErrRecording.Error(), "stop the recording first"},
	{
		cast.ErrFull, http.StatusInsufficientStorage, "",
		"stop other recordings, or start Convoy with a higher -recordings-max",
	},
	{syscall.ENOSPC, http.StatusInsufficientStorage, "the disk of the node is full", freeSpace},
	{syscall.EDQUOT, http.StatusInsufficientStorage, "the disk of the node is full", freeSpace},
	{cast.ErrNoDir, http.StatusServiceUnavailable, cast.ErrNoDir.Error(), "start Convoy with -recordings"},
	{pty.ErrViewOnly, http.StatusForbidden, "this viewer is view-only", "ask for the right to type"},
	{pty.ErrNotWaiting, http.StatusConflict, pty.ErrNotWaiting.Error(), "open it to see what it does"},
	{pty.ErrNoAnswer, http.StatusBadRequest, pty.ErrNoAnswer.Error(), ""},
	{pty.ErrPinned, http.StatusConflict, "a viewer has pinned the size", "wait until that viewer unpins it, or leaves"},
	{pty.ErrBadOffset, http.StatusBadRequest, "", seeProtocol},
	{pty.ErrBadSize, http.StatusBadRequest, "", seeProtocol},
	{pty.ErrBadClaim, http.StatusBadRequest, "", seeProtocol},
}

const (
	useControlPlane = "use the console of the control plane"
	freeSpace       = "free space on the disk that holds -data or -recordings; see the node's log"
	splitRunbook    = "split it into several runbooks"
	seeProtocol     = "docs/protocol.md describes every request"
)

// explain describes the errors of other packages; nil for any other error.
func explain(err error) *web.Error {
	if errors.Is(err, access.ErrUserLimit) || errors.Is(err, access.ErrBusy) {
		return session.QuotaError(err, "requests of this kind").(*web.Error)
	}
	if gap, ok := errors.AsType[*pty.GapError](err); ok {
		return &web.Error{
			Status:   http.StatusConflict,
			Text:     "earlier input is missing",
			Hint:     fmt.Sprintf("send number %d first", gap.Expected),
			Expected: &gap.Expected,
		}
	}
	if e := explainFile(err); e != nil {
		return e
	}
	if unconfined, ok := errors.AsType[*UnconfinedError](err); ok {
		return web.NewError(http.StatusForbidden, unconfined.Error(),
			"docs/security.md lists the requirements; -confine off allows system shells without them")
	}
	for _, one := range responses {
		if errors.Is(err, one.err) {
			return web.NewError(one.status, cmp.Or(one.text, err.Error()), one.hint)
		}
	}
	return nil
}
