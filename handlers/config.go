package handlers

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"

	"convoy/access"
	"convoy/access/openid"
	"convoy/audit"
	"convoy/files"
	"convoy/fleet"
	"convoy/handlers/live"
	"convoy/handlers/web"
	"convoy/logs"
	"convoy/notify"
	"convoy/pty"
	"convoy/pty/cast"
	"convoy/push"
	"convoy/stats"
)

// Cluster is what the handlers need of the cluster.
type Cluster interface {
	// Do sends r (path and query, header and body) to the node of that name. The caller closes the response's body,
	// which may be a stream without end; it ends with r's context.
	Do(node string, r *http.Request) (*http.Response, error)
	// Call makes a node, this one or another, run a function, and returns its result as JSON.
	Call(ctx context.Context, node, fn string, args ...any) (json.RawMessage, error)
	// Connect joins the node at name@host[:port] or host[:port].
	Connect(ctx context.Context, target string) error
}

// Config is what a node's HTTP side works with.
type Config struct {
	Self    string // this node's full name
	Version string // of the program
	Fleet   *fleet.Fleet
	Shells  *pty.Table // this node's shells
	Logs    *logs.Ring // this node's log
	Cluster Cluster
	Log     *slog.Logger
	Metrics http.Handler
	Stats   *stats.Sampler // of this node; nil: it has no samples

	Token      string            // logs in as an admin; at least 16 characters
	Keys       [][]byte          // sign cookies: the first signs, all are accepted
	Assertions [][]byte          // sign who makes a request, between nodes; likewise
	Shares     [][]byte          // sign share links; likewise
	Authority  *access.Authority // nil: only the token gives rights
	OpenID     *openid.Provider  // nil: none
	Audit      *audit.Log        // nil: nothing is recorded

	BasePath string   // where a proxy has the console, such as /convoy; "": at /
	Hosts    []string // the console's host names, besides localhost and IP addresses
	HSTS     bool     // browsers must use TLS from now on (RFC 6797)
	Proxies  web.Proxies

	// Recordings are this node's, the same that Shells writes.
	Recordings cast.Dir
	// SandboxStatus is what separates this node's system shells from it: full, partial or none (docs/protocol.md). nil:
	// unknown.
	SandboxStatus func() string
	// Files transfers files to and from the shells' directories; nil: as this process.
	Files files.Store
	// Home is the home directory of system shells, ~ in the path of a file; "": unknown.
	Home string
	// MaxUpload limits a file that is transferred to or from a shell, in bytes; 0: no transfers.
	MaxUpload int64
	// Prompt is this node's Convoy shell, and Commands its system shell.
	Prompt   Prompt
	Commands Commands
	// Post sends a message for a user, and does not block; nil: there is nowhere to send it.
	Post func(notify.Message)
	// Push sends messages to browsers that show no page, and keeps their subscriptions; nil: browsers get none.
	Push *push.Sender
	// Runbooks is the directory of the user's runbooks; "": none.
	Runbooks string
	// Warning is what everyone who opens the console should know about this node, "" for nothing, and what to do; nil:
	// nothing.
	Warning func() (text, hint string)
	// BuildLog is what the provider knows about a node that has not joined yet; nil: nothing.
	BuildLog live.BuildLog
}
