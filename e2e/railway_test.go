package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"

	"convoy/cli"
	"convoy/internal/browser"
	"convoy/internal/client"
	"convoy/internal/railwaytest"
	"convoy/internal/testkit"
)

const cloudToken = "a-token-of-the-console" // as the fake's control plane has it

// cloud is a console whose nodes are spawned by the fake of Railway. Its containers are nodes in this process.
type cloud struct {
	*running
	api *railwaytest.Server

	mu      sync.Mutex
	console *client.Client
	outputs []*output           // of the containers
	told    []map[string]string // their environments, references resolved
}

// startCloud starts the fake and a control plane on it, with the environment that Railway gives containers.
func startCloud(t *testing.T, script []railwaytest.Stage, env map[string]string) *cloud {
	t.Helper()
	c := &cloud{}
	c.api = railwaytest.New(t, railwaytest.Options{Loopback: true, Run: c.container,
		Script: func(string, int) []railwaytest.Stage { return append([]railwaytest.Stage(nil), script...) }})
	c.api.SetShared(map[string]string{"CONVOY_COOKIE": testCookie})
	all := map[string]string{
		"RAILWAY_API_URL":        c.api.Endpoint(),
		"RAILWAY_API_TOKEN":      railwaytest.AccountToken,
		"RAILWAY_PROJECT_ID":     railwaytest.Project,
		"RAILWAY_ENVIRONMENT_ID": railwaytest.Environment,
		"RAILWAY_SERVICE_ID":     railwaytest.Control,
		"RAILWAY_SERVICE_NAME":   "convoy",
		"RAILWAY_PRIVATE_DOMAIN": "convoy.railway.internal",
		"CONVOY_COOKIE":          testCookie,
		"CONVOY_TOKEN":           cloudToken,
		"CONVOY_LOG_LEVEL":       "debug",
	}
	maps.Copy(all, env)
	c.running = launch(t, all, onLoopback...)
	base := strings.Fields(c.out.line(testkit.Context(t), t, "log in at http"))[3]
	c.Client = client.New(base, cloudToken)
	t.Cleanup(c.Client.Close)
	c.mu.Lock()
	c.console = c.Client
	c.mu.Unlock()
	return c
}

// onLoopback are the flags of nodes that run side by side on one machine.
var onLoopback = []string{
	"-bind", loopback,
	"-port", "0",
	"-call-port", "0",
	"-query", "",
	"-shell", "bash --norc --noprofile",
}

// container runs a node until Railway ends it. There is no private network here, so the console is told where it is.
func (c *cloud) container(ctx context.Context, service string, env map[string]string) {
	out := &output{changed: make(chan struct{})}
	c.mu.Lock()
	c.outputs, c.told = append(c.outputs, out), append(c.told, maps.Clone(env))
	console := c.console
	c.mu.Unlock()
	var group sync.WaitGroup
	defer group.Wait()
	alive, end := context.WithCancel(ctx)
	defer end()
	group.Go(func() {
		if port := out.gossip(alive); port > 0 {
			target := fmt.Appendf(nil, `{"target":%q}`, net.JoinHostPort(loopback, strconv.Itoa(port)))
			// A node that does not join is what tests see.
			console.Do(alive, http.MethodPost, "/peers", target, nil) //nolint:errcheck
		}
	})
	status := cli.Run(ctx, append([]string{"-addr", "localhost:0"}, onLoopback...), testEnv(env), nil, out, out)
	if ctx.Err() == nil && status != 0 {
		c.api.Set(service, railwaytest.Stage{Log: strings.Split(strings.TrimSpace(out.all()), "\n")})
		c.api.Set(service, railwaytest.Stage{Status: "CRASHED"})
	}
}

// gossip waits for the line that says where a node gossips; 0 when ctx ends first.
func (o *output) gossip(ctx context.Context) int {
	var said struct {
		Message string
		Gossip  int
	}
	if !o.await(ctx, func(line string) bool {
		said.Message = ""
		return json.Unmarshal([]byte(line), &said) == nil && said.Message == "node started"
	}) {
		return 0
	}
	return said.Gossip
}

func (o *output) all() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// browse opens the console, when the token is proved.
func (c *cloud) browse(t *testing.T) *browser.Page {
	t.Helper()
	p := browse(t, c.running, c.host())
	p.Wait(`!document.querySelector("#spawn").disabled`)
	return p
}

// click spawns by the button, and returns the new node's name when its card is there.
func (c *cloud) click(t *testing.T, p *browser.Page) string {
	t.Helper()
	p.Click("#spawn")
	p.Wait(`document.querySelector(".node:not([data-control])")`)
	return browser.Eval[string](p, `document.querySelector(".node:not([data-control])").dataset.node`)
}

// label is the name of a node's service.
func label(name string) string {
	short, _, _ := strings.Cut(strings.TrimPrefix(name, "convoy@"), ".")
	return short
}

// waitStep waits until the card's timeline has a step in that state: running, done or failed.
func waitStep(p *browser.Page, node, step, state string) {
	p.Wait(
		fmt.Sprintf(
			`[...document.querySelectorAll('%s .steps [data-state=%s] .step')].some(e => e.textContent === %q)`, card(node),
			state, step,
		),
	)
}

// waitText waits until the text of an element, or of one of several, has that in it.
func waitText(p *browser.Page, selector, text string) {
	p.Wait(fmt.Sprintf(`[...document.querySelectorAll('%s')].some(e => e.textContent.includes(%q))`, selector, text))
}

// shellOf waits until a node is alive and the shell that the page opens on it has a prompt.
func (c *cloud) shellOf(t *testing.T, p *browser.Page, name string) (key string) {
	t.Helper()
	c.until(t, name+" has a shell", func(list []client.Node) bool {
		for _, one := range list {
			if one.Name == name && one.Status == "alive" && len(one.Shells) > 0 {
				key = one.Shells[0].Key()
			}
		}
		return key != ""
	})
	waitPrompt(p, key)
	return key
}

// takeAway retires or dismisses a node by its button, and waits until its card and its service are gone.
func (c *cloud) takeAway(t *testing.T, p *browser.Page, name string) {
	t.Helper()
	p.Click(card(name) + " .retire")
	p.Wait(`document.querySelector("dialog[open]")`)
	p.Click("dialog[open] [value=yes]")
	p.Wait(fmt.Sprintf(`!document.querySelector('%s')`, card(name)))
	if list := c.api.Services(); len(list) != 0 {
		t.Errorf("services remain: %+v", list)
	}
}

// hidden are what nobody may read.
var hidden = []string{
	railwaytest.AccountToken,
	railwaytest.WorkspaceToken,
	railwaytest.ProjectToken,
	testCookie,
	cloudToken,
}

// checkSecrets looks for secrets in everything that was produced: the page, logs, answers, and what Railway was sent.
// A container is told the cookie and the console's token, by Railway, and never Railway's token.
func (c *cloud) checkSecrets(t *testing.T, p *browser.Page) {
	t.Helper()
	produced := map[string]string{
		"page": browser.Eval[string](
			p, `document.documentElement.outerHTML + [...convoy.panes.values()].map(pane => pane.text(true)).join()`,
		),
		"log": c.out.all(),
	}
	for _, path := range []string{"/nodes", "/nodes/convoy", "/nodes/convoy/log?from=0", "/metrics", "/guide"} {
		produced[path] = get(t, c.Client, path, "application/json")
	}
	produced["details"] = get(t, c.Client, "/nodes/convoy", "text/html")
	sent, err := json.Marshal(c.api.Services())
	testkit.Must(t, err)
	produced["what Railway was sent"] = string(sent)
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, out := range c.outputs {
		produced[fmt.Sprintf("log of container %d", i)] = out.all()
	}
	for where, text := range produced {
		for _, secret := range hidden {
			if at := strings.Index(text, secret); at >= 0 {
				t.Errorf("%s has the secret %s: %.200s", where, secret, text[max(0, at-100):])
			}
		}
	}
	for _, env := range c.told {
		for key, value := range env {
			if strings.Contains(value, railwaytest.AccountToken) || strings.HasSuffix(key, "API_TOKEN") ||
				key == "RAILWAY_TOKEN" {
				t.Errorf("a container was told Railway's token in %s", key)
			}
		}
	}
}

// The main job, with Railway's steps one by one: each is in the card before the next begins.
func TestBrowser_RailwayMainJob(t *testing.T) {
	t.Parallel()
	browser.Need(t)
	c := startCloud(t, []railwaytest.Stage{{Status: "QUEUED"}}, nil)
	p := c.browse(t)
	name := c.click(t, p)
	waitStep(p, name, "creating service", "done")
	waitStep(p, name, "queued", "running")

	c.api.Set(
		label(name),
		railwaytest.Stage{Status: "BUILDING", Begins: []string{"BUILD_IMAGE"}, Build: []string{"fetching modules"}},
	)
	waitStep(p, name, "building", "running")
	waitStep(p, name, "build image", "running")
	p.Click(card(name) + " [data-pane=log]")
	waitText(p, card(name)+" .pane[data-kind=log]", "fetching modules")
	c.api.Set(label(name), railwaytest.Stage{Build: []string{"compiling"}, Ends: []string{"BUILD_IMAGE"}})
	waitText(p, card(name)+" .pane[data-kind=log]", "compiling")
	waitStep(p, name, "build image", "done")

	// and the node starts
	c.api.Set(label(name), railwaytest.Stage{Status: "DEPLOYING", Begins: []string{"CREATE_CONTAINER"}})
	waitStep(p, name, "deploying", "running")
	c.api.Set(label(name), railwaytest.Stage{Status: "SUCCESS", Ends: []string{"CREATE_CONTAINER"}})

	key := c.shellOf(t, p, name)
	for _, step := range []string{"queued", "building", "build image", "deploying", "create container"} {
		waitStep(p, name, step, "done")
	}
	enter(p, key, "env; echo wor''king on $CONVOY_NODE")
	p.WaitScreen(key, "working on "+name)
	p.Click(card(name) + " [data-pane=log]")
	waitText(p, card(name)+" .pane[data-kind=log]", "node started") // by the node itself

	c.checkSecrets(t, p)
	for variable, value := range c.api.Services()[0].Variables {
		if strings.HasPrefix(variable, "CONVOY_COOKIE") && !strings.HasPrefix(value, "${{") {
			t.Errorf("%s is no reference: %s", variable, value)
		}
	}
	if n := c.api.Count(); n >= 60 {
		t.Errorf("%d calls of the API for one spawn, want fewer than 60", n)
	}
	c.takeAway(t, p, name)
	p.Clean()
}

// quick is a deployment that goes well by itself.
var quick = []railwaytest.Stage{{Status: "QUEUED"}, {After: 1, Status: "DEPLOYING"}, {After: 1, Status: "SUCCESS"}}

func TestBrowser_RailwayFailedBuild(t *testing.T) {
	t.Parallel()
	browser.Need(t)
	c := startCloud(t, []railwaytest.Stage{
		{Status: "BUILDING", Begins: []string{"BUILD_IMAGE"}, Build: []string{"compiling"}},
		{
			After:  1,
			Status: "FAILED",
			Fails:  "BUILD_IMAGE",
			Error:  "the compiler ended with code 1",
			Build:  []string{"error: undefined: x"},
		},
	}, nil)
	p := c.browse(t)
	name := c.click(t, p)
	waitText(p, card(name)+" .message", "build image: the compiler ended with code 1")
	waitStep(p, name, "build image", "failed")
	p.Click(card(name) + " [data-pane=log]")
	waitText(p, card(name)+" .pane[data-kind=log]", "undefined: x")
	c.checkSecrets(t, p)
	c.takeAway(t, p, name)
	p.Clean()
}

// A node that cannot start for want of a good cookie.
func TestBrowser_RailwayCrashLoop(t *testing.T) {
	t.Parallel()
	browser.Need(t)
	c := startCloud(t, []railwaytest.Stage{{Status: "QUEUED"}, {After: 1, Status: "DEPLOYING"}}, nil)
	c.api.SetShared(map[string]string{"CONVOY_COOKIE": "short"})
	p := c.browse(t)
	name := c.click(t, p)
	waitText(p, card(name)+" .message", "crashed again and again; see its log")
	p.Click(card(name) + " [data-pane=log]")
	waitText(p, card(name)+" .pane[data-kind=log]", "error: CONVOY_COOKIE")
	waitText(p, card(name)+" .pane[data-kind=log]", "hint: convoy cookie")
	c.checkSecrets(t, p)
	c.takeAway(t, p, name)
	p.Clean()
}

// Without a token that proves anything the console works, says why there is no button, and takes no orders.
func TestBrowser_RailwayRefusedToken(t *testing.T) {
	t.Parallel()
	browser.Need(t)
	c := startCloud(t, quick, map[string]string{"RAILWAY_API_TOKEN": "nobodys-token-77777777"})
	p := browse(t, c.running, c.host())
	waitText(p, "#nodes .limit", "Railway does not know the token")
	waitText(p, "#nodes .limit", "set RAILWAY_API_TOKEN")
	p.Wait(
		`document.querySelector("#spawn").disabled && document.querySelector("#spawn").title.includes("does not know the ` +
			`token")`,
	)
	key := selfShell(t, c.running, p)
	enter(p, key, "echo still''-working")
	p.WaitScreen(key, "still-working")
	var refused *client.Problem
	if _, err := c.Spawn(testkit.Context(t)); !errors.As(err, &refused) || refused.Status < 400 ||
		!strings.Contains(refused.Error(), "token") {
		t.Errorf("spawning all the same: %v, want a refusal that says why", err)
	}
	if text := c.out.all(); strings.Contains(text, "nobodys-token-77777777") {
		t.Error("the log has the token")
	}
	c.checkSecrets(t, p)
	p.Clean()
}

// A token that is taken back while the console is open: the button goes, with the reason.
func TestBrowser_RailwayRevokedToken(t *testing.T) {
	t.Parallel()
	browser.Need(t)
	c := startCloud(t, quick, nil)
	p := c.browse(t)
	c.api.Revoke()
	name := c.click(t, p)
	waitText(p, card(name)+" .message", "Railway did not allow it")
	waitText(p, "#nodes .limit", "Railway does not know the token")
	p.Wait(`document.querySelector("#spawn").disabled && document.querySelector("#spawn").title.includes("token")`)
	c.checkSecrets(t, p)
	p.Clean()
}

func TestBrowser_RailwayRateLimit(t *testing.T) {
	t.Parallel()
	browser.Need(t)
	c := startCloud(t, quick, nil)
	p := c.browse(t)
	c.api.Fail("createService", railwaytest.Fault{Status: http.StatusTooManyRequests, Retry: 1e9})
	name := c.click(t, p)
	key := c.shellOf(t, p, name)
	waitStep(p, name, "waiting for railway's rate limit", "done")
	enter(p, key, "echo it''-went-on")
	p.WaitScreen(key, "it-went-on")
	c.checkSecrets(t, p)
	c.takeAway(t, p, name)
	p.Clean()
}

// The answer to the creation is lost, and what was made is found by its name.
func TestBrowser_RailwayAmbiguousCreate(t *testing.T) {
	t.Parallel()
	browser.Need(t)
	c := startCloud(t, quick, nil)
	p := c.browse(t)
	c.api.Fail("createService", railwaytest.Fault{Act: true, Cut: true})
	name := c.click(t, p)
	c.shellOf(t, p, name)
	if list := c.api.Services(); len(list) != 1 || len(list[0].Deployments) != 1 || c.api.Count("createService") != 1 {
		t.Errorf(
			"%d services after %d creations: %+v, want one, deployed once", len(list), c.api.Count("createService"), list,
		)
	}
	if cards := browser.Eval[int](p, `document.querySelectorAll(".node").length`); cards != 2 {
		t.Errorf("%d cards, want the control plane's and one more", cards)
	}
	c.checkSecrets(t, p)
	c.takeAway(t, p, name)
	p.Clean()
}

// Functions that need the token are carried out where it is, for any node: here one that has none.
func TestRailwayFunctionsFromAnotherNode(t *testing.T) {
	t.Parallel()
	c := startCloud(t, quick, nil)
	other := startByHand(t, "b.test")
	port := c.out.gossip(testkit.Context(t))
	other.joins(t, net.JoinHostPort(loopback, strconv.Itoa(port)))
	c.until(t, "the other node is there", has("convoy@b.test", "alive"))
	if got := other.evaluates(t, `[s.name for s in rpc.call("b", "railway.services")]`); got != "[\"convoy\"]\n" {
		t.Errorf("services are %s, want the control plane's", got)
	}
	for fn, want := range map[string]string{"railway.me": "Ada", "railway.instances": "convoy", "railway.nodes": "[]"} {
		if got := other.evaluates(t, `rpc.call("b", "`+fn+`")`); !strings.Contains(got, want) {
			t.Errorf("%s: %s, want %s", fn, got, want)
		}
	}
	alone := startByHand(t, "c.test")
	if _, problem := alone.said(t, `rpc.call("c", "railway.me")`); !strings.Contains(problem, "no Railway token") {
		t.Errorf("without any token: %q, want that reason", problem)
	}
}
