package cli

import (
	"cmp"
	"context"
	"crypto/x509"
	"errors"
	"flag"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/term"

	"convoy/confine"
	"convoy/repl"
	"convoy/supervisor"
)

// shellFlags are the flags of convoy shell.
type shellFlags struct {
	fd                                            int
	name, history, source, url, tokenFile, caFile string
	json                                          bool
	timeout                                       time.Duration

	token  string
	script *string        // what runs instead of a prompt: source, or the text of a file
	ca     *x509.CertPool // nil: this machine's
}

func (f *shellFlags) declare(set *flag.FlagSet) {
	set.IntVar(&f.fd, "fd", 0, "") // how a node starts its own shells
	set.StringVar(&f.name, "name", "", "NAME the node's name in the prompt")
	set.StringVar(&f.history, "history", "", "FILE keep what you type in FILE; default none")
	set.StringVar(&f.source, "c", "", "SOURCE run SOURCE instead of a prompt")
	set.StringVar(&f.url, "connect", "http://localhost:4000", "URL the console's address")
	set.StringVar(&f.caFile, "ca", "", "FILE certificates, in PEM, of the authorities that sign the console's")
	set.StringVar(&f.tokenFile, "token-file", "",
		"FILE the console's token; default $CONVOY_TOKEN, or the file $CONVOY_TOKEN_FILE")
	set.BoolVar(&f.json, "json", false, "print values as JSON, one per line, for other programs")
	set.DurationVar(&f.timeout, "timeout", 0, "DURATION end what runs after this time; 0, the default, is never")
}

// runShell is convoy shell: a prompt, or a script, for a node (by a descriptor that the node passed) or for a console.
func runShell(ctx context.Context, c call) (int, error) {
	f, err := readShellFlags(c)
	if err != nil {
		return 2, err
	}
	if err := confine.SetUndumpable(); err != nil { // it has a token, or a connection to a node
		return 1, err
	}
	// Ctrl-C stops what runs, not the shell.
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt)
	defer signal.Stop(stop)
	ctx, cancel := signal.NotifyContext(context.WithoutCancel(ctx), syscall.SIGTERM, syscall.SIGHUP)
	defer cancel()
	exe, err := supervisor.Executable()
	if err != nil {
		return 1, err
	}
	return f.run(ctx, repl.Options{
		Name:    f.name,
		History: f.history,
		JSON:    f.json,
		Color:   useColor(c.stdout, c.getenv),
		Out:     c.stdout,
		Err:     c.stderr,
		Stop:    stop,
		Command: repl.Command{exe, repl.Subcommand},
	})
}

// run connects the shell to its node and runs it.
func (f shellFlags) run(ctx context.Context, o repl.Options) (int, error) {
	if f.fd == 0 {
		node, err := repl.Connect(ctx, f.url, f.token, f.ca)
		if err != nil {
			return 1, hint("-connect takes a console's address; CONVOY_TOKEN or -token-file, its token",
				"connect to %s: %w", f.url, err)
		}
		o.Node, o.Name = node, cmp.Or(o.Name, node.Name)
		return f.runIn(ctx, o)
	}
	link, err := repl.OpenLink(f.fd)
	if err != nil {
		return 1, hint("leave out -fd; nodes use it to start shells", "descriptor %d: %w", f.fd, err)
	}
	ctx, cancel := context.WithCancel(ctx)
	served := make(chan struct{})
	go func() {
		defer close(served)
		defer cancel() // no node will follow
		link.Serve(ctx)
	}()
	defer func() { cancel(); <-served }()
	o.Node = link
	return f.runIn(ctx, o)
}

func (f shellFlags) runIn(ctx context.Context, o repl.Options) (int, error) {
	if f.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, f.timeout)
		defer cancel()
	}
	if f.script != nil {
		return repl.Script(ctx, o, *f.script), nil
	}
	return repl.Prompt(ctx, o), nil
}

// useColor reports whether to color what is written to w.
func useColor(w io.Writer, getenv func(string) string) bool {
	file, ok := w.(*os.File)
	return ok && term.IsTerminal(int(file.Fd())) && getenv("NO_COLOR") == "" && getenv("TERM") != "dumb"
}

func readShellFlags(c call) (f shellFlags, err error) {
	set := newFlagSet("convoy shell", flagGroup{"", f.declare})
	if err := parse(set, c.args); err != nil {
		return f, err
	}
	if f.tokenFile != "" {
		if f.token, err = readSecretFile(f.tokenFile); err != nil {
			return f, hint("name a file that holds the console's token", "-token-file %q: %v", f.tokenFile, cause(err))
		}
	} else if f.fd == 0 {
		getenv, _, err := readEnv(c.getenv)
		if err != nil {
			return f, err
		}
		f.token = getenv("CONVOY_TOKEN")
	}
	if f.caFile != "" {
		text, err := os.ReadFile(f.caFile)
		f.ca = x509.NewCertPool()
		if err == nil && !f.ca.AppendCertsFromPEM(text) {
			err = errors.New("there is no certificate in it")
		}
		if err != nil {
			return f, hint("name the certificates of the console's authorities; for -tls-self it is tls.pem below -data",
				"-ca: %v", err)
		}
	}
	if set.NArg() > 1 || set.NArg() == 1 && f.source != "" {
		return f, hint("give one script, or -c and one expression", "more than one thing to run")
	}
	if f.source != "" {
		f.script = &f.source
	}
	if file := set.Arg(0); file != "" {
		text, err := os.ReadFile(file)
		if err != nil {
			return f, hint("name a file of Starlark source; convoy shell -h lists the flags", "%q: %v", file, cause(err))
		}
		f.script = new(string(text))
	}
	return f, nil
}
