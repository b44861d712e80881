package cli

import (
	"context"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"convoy/handlers"
	"convoy/logs"
	"convoy/railway"
)

// onRailway takes what Railway tells every container (docs/railway.md), for what was not given otherwise.
func (cfg *config) onRailway(f *flags, getenv func(string) string) {
	cfg.railway = railway.Config{
		Endpoint: getenv("RAILWAY_API_URL"), Token: getenv("RAILWAY_API_TOKEN"), TokenKind: railway.Bearer,
		Project: getenv("RAILWAY_PROJECT_ID"), Environment: getenv("RAILWAY_ENVIRONMENT_ID"),
		Service: getenv("RAILWAY_SERVICE_ID"), ServiceName: getenv("RAILWAY_SERVICE_NAME"),
		PrivateDomain: getenv("RAILWAY_PRIVATE_DOMAIN"), Base: f.base,
		Image: getenv("CONVOY_NODE_IMAGE"), Region: getenv("CONVOY_NODE_REGION"), ShareToken: f.shareToken,
		References: []string{"CONVOY_COOKIE"},
	}
	if cfg.railway.Token == "" {
		cfg.railway.Token, cfg.railway.TokenKind = getenv("RAILWAY_TOKEN"), railway.ProjectToken
	}
	if getenv("CONVOY_TOKEN") != "" {
		cfg.railway.References = append(cfg.railway.References, "CONVOY_TOKEN")
	}
	if cfg.railway.Token != "" && f.provider == "" {
		f.provider = "railway"
	}
	if domain := strings.ToLower(cfg.railway.PrivateDomain); domain != "" && f.provider != "local" {
		if !f.given["host"] {
			f.host = domain
		}
		if !f.given["query"] {
			f.query = domain
		}
		if f.provider == "" {
			f.provider = "none"
		}
		cfg.query = f.query
	}
	if cfg.railway.Service != "" {
		cfg.proxies = handlers.Proxies{Networks: handlers.EveryPeer(), RealIP: true}
	}
	if public := getenv("RAILWAY_PUBLIC_DOMAIN"); public != "" {
		cfg.hosts = append(cfg.hosts, strings.ToLower(public))
	}
}

// nodeVariables are the environment of a node that Railway runs. Secrets are not among them: those are references.
func (cfg config) nodeVariables(name string) map[string]string {
	base, _, _ := strings.Cut(name, "@")
	return map[string]string{
		"CONVOY_PROVIDER": "none", "CONVOY_NAME": base, "CONVOY_HOST": hostOf(name), "CONVOY_QUERY": cfg.query,
		"CONVOY_PORT": strconv.Itoa(cfg.port), "CONVOY_CALL_PORT": strconv.Itoa(cfg.callPort), "PORT": "8080", "CONVOY_LOG": "json",
	}
}

// newRailway makes the provider, whose notices go to everybody who looks.
func (n *node) newRailway() (*railway.Provider, error) {
	cfg := n.cfg.railway
	cfg.Variables, cfg.Log = n.cfg.nodeVariables, n.log
	cfg.Notice = func(notice railway.Notice) { n.web.Notify("warn", notice.Text, notice.Hint) }
	p, err := railway.New(cfg)
	if err != nil {
		return nil, hint("docs/railway.md says what to set", "provider railway: %w", err)
	}
	return p, nil
}

// buildLog is what Railway logs of a node before the node can speak for itself.
func (n *node) buildLog() handlers.BuildLog {
	if n.railway == nil {
		return nil
	}
	return func(ctx context.Context, name string) iter.Seq[logs.Line] {
		return func(yield func(logs.Line) bool) {
			var off int64
			for line, err := range n.railway.Tail(ctx, name) {
				if err != nil {
					return
				}
				level := slog.LevelInfo
				level.UnmarshalText([]byte(line.Level)) //nolint:errcheck // other words are info
				from := "container"                     // the node repeats these when it has joined
				if line.Build {
					from = "build"
				}
				if !yield(logs.Line{Off: off, Time: line.Time, Level: level, Message: line.Message, Attrs: []logs.Attr{{Key: "from", Value: from}}}) {
					return
				}
				off++
			}
		}
	}
}

// checkWait bounds convoy railway check.
const checkWait = time.Minute

// railwayCheck says whether a spawn on Railway would work, and changes nothing: the exit status is 0 if it would.
func railwayCheck(ctx context.Context, getenv func(string) string, stdout io.Writer) error {
	cfg, err := configure([]string{"-provider", "railway"}, getenv)
	if err != nil {
		return err
	}
	n := &node{cfg: cfg, log: slog.New(slog.DiscardHandler)}
	p, err := n.newRailway()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, checkWait)
	defer cancel()
	bad := 0
	for _, finding := range p.Check(ctx) {
		mark := "ok  "
		if !finding.OK {
			mark = "BAD "
			bad++
		}
		fmt.Fprintf(stdout, "%s %-12s %s\n", mark, finding.Name, finding.Text)
	}
	if bad > 0 {
		return hint("docs/railway.md says what to set", "%d of these would keep nodes from being made", bad)
	}
	return nil
}
