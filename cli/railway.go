package cli

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"convoy/handlers/web"
	"convoy/node"
	"convoy/railway"
)

// applyRailway applies the variables that Railway sets in each container (docs/railway.md), unless flags override them.
func (cfg *config) applyRailway() {
	getenv := cfg.getenv
	cfg.Railway = railway.Config{
		Endpoint:      getenv("RAILWAY_API_URL"),
		Token:         getenv("RAILWAY_API_TOKEN"),
		TokenKind:     railway.Bearer,
		Project:       getenv("RAILWAY_PROJECT_ID"),
		Environment:   getenv("RAILWAY_ENVIRONMENT_ID"),
		Service:       getenv("RAILWAY_SERVICE_ID"),
		ServiceName:   getenv("RAILWAY_SERVICE_NAME"),
		PrivateDomain: getenv("RAILWAY_PRIVATE_DOMAIN"),
		Base:          cfg.base,
		Image:         getenv("CONVOY_NODE_IMAGE"),
		Region:        getenv("CONVOY_NODE_REGION"),
		ShareToken:    cfg.Railway.ShareToken,
		References:    []string{"CONVOY_COOKIE"},
	}
	cfg.Region = getenv("RAILWAY_REPLICA_REGION")
	if cfg.Railway.Token == "" {
		cfg.Railway.Token, cfg.Railway.TokenKind = getenv("RAILWAY_TOKEN"), railway.ProjectToken
	}
	if cfg.Token != "" {
		cfg.Railway.References = append(cfg.Railway.References, "CONVOY_TOKEN")
	}
	if cfg.Railway.Token != "" && cfg.Provider == "" {
		cfg.Provider = "railway"
	}
	if domain := strings.ToLower(cfg.Railway.PrivateDomain); domain != "" && cfg.Provider != "local" {
		if !cfg.given["host"] {
			cfg.host = domain
		}
		if !cfg.given["query"] {
			cfg.Query = domain
		}
		cfg.Provider = cmp.Or(cfg.Provider, "none")
	}
	if cfg.Railway.Service != "" {
		cfg.Proxies = web.Proxies{Networks: web.EveryPeer(), RealIP: true}
	}
	if public := getenv("RAILWAY_PUBLIC_DOMAIN"); public != "" {
		cfg.Hosts = append(cfg.Hosts, strings.ToLower(public))
	}
}

// runRailway is convoy railway.
func runRailway(ctx context.Context, c call) (int, error) {
	if len(c.args) > 0 && c.args[0] == "check" {
		c.args = c.args[1:]
		return simple("railway check", checkRailway)(ctx, c)
	}
	if err := parse(newFlagSet("convoy railway"), c.args); err != nil {
		return 2, err
	}
	return 2, hint("convoy railway -h describes it", "convoy railway takes check")
}

// checkWait bounds convoy railway check.
const checkWait = time.Minute

// checkRailway is convoy railway check: it reports whether a spawn on Railway would work, and changes nothing.
func checkRailway(ctx context.Context, c call) error {
	cfg, err := readConfig([]string{"-provider", "railway"}, c.getenv)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, checkWait)
	defer cancel()
	findings, err := node.CheckRailway(ctx, cfg)
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
		fmt.Fprintf(c.stdout, "%s %-12s %s\n", mark, finding.Name, finding.Text)
	}
	if bad > 0 {
		return hint("docs/railway.md describes the settings", "%d of these would prevent new nodes", bad)
	}
	return nil
}
