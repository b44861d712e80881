package cli

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"convoy/handlers"
	"convoy/node"
	"convoy/railway"
)

// onRailway takes what Railway tells every container (docs/railway.md), for what was not given otherwise.
func (cfg *config) onRailway(f *flags, getenv func(string) string) {
	cfg.Railway = railway.Config{
		Endpoint: getenv("RAILWAY_API_URL"), Token: getenv("RAILWAY_API_TOKEN"), TokenKind: railway.Bearer,
		Project: getenv("RAILWAY_PROJECT_ID"), Environment: getenv("RAILWAY_ENVIRONMENT_ID"),
		Service: getenv("RAILWAY_SERVICE_ID"), ServiceName: getenv("RAILWAY_SERVICE_NAME"),
		PrivateDomain: getenv("RAILWAY_PRIVATE_DOMAIN"), Base: f.base,
		Image: getenv("CONVOY_NODE_IMAGE"), Region: getenv("CONVOY_NODE_REGION"), ShareToken: f.shareToken,
		References: []string{"CONVOY_COOKIE"},
	}
	if cfg.Railway.Token == "" {
		cfg.Railway.Token, cfg.Railway.TokenKind = getenv("RAILWAY_TOKEN"), railway.ProjectToken
	}
	if getenv("CONVOY_TOKEN") != "" {
		cfg.Railway.References = append(cfg.Railway.References, "CONVOY_TOKEN")
	}
	if cfg.Railway.Token != "" && f.provider == "" {
		f.provider = "railway"
	}
	if domain := strings.ToLower(cfg.Railway.PrivateDomain); domain != "" && f.provider != "local" {
		if !f.given["host"] {
			f.host = domain
		}
		if !f.given["query"] {
			f.query = domain
		}
		if f.provider == "" {
			f.provider = "none"
		}
		cfg.Query = f.query
	}
	if cfg.Railway.Service != "" {
		cfg.Proxies = handlers.Proxies{Networks: handlers.EveryPeer(), RealIP: true}
	}
	if public := getenv("RAILWAY_PUBLIC_DOMAIN"); public != "" {
		cfg.Hosts = append(cfg.Hosts, strings.ToLower(public))
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
	ctx, cancel := context.WithTimeout(ctx, checkWait)
	defer cancel()
	findings, err := node.CheckRailway(ctx, cfg.Config)
	if err != nil {
		return err
	}
	bad := 0
	for _, finding := range findings {
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
