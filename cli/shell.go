package cli

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"golang.org/x/term"

	"convoy/confine"
	"convoy/repl"
	"convoy/repl/wire"
)

// shellFlags are the flags of convoy shell.
type shellFlags struct {
	fd                                        int
	name, history, source, url, token, script string
	json                                      bool
	ca                                        *x509.CertPool // nil: whom this machine trusts
	timeout                                   time.Duration
}

// shell is convoy shell: a prompt, or a script, beside a node (by a descriptor that the node has given) or against a
// console.
func shell(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) int {
	f, err := readShellFlags(args, getenv)
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprint(stdout, shellUsage)
		return 0
	}
	if err != nil {
		complain(stderr, err)
		return 2
	}
	if err := confine.SetUndumpable(); err != nil { // it holds a token, or the way to a node
		complain(stderr, err)
		return 1
	}
	// ^C stops what runs, not the shell.
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt)
	defer signal.Stop(stop)
	ctx, cancel := signal.NotifyContext(context.WithoutCancel(ctx), syscall.SIGTERM, syscall.SIGHUP)
	defer cancel()
	o := repl.Options{
		Name:    f.name,
		History: f.history,
		JSON:    f.json,
		Color:   colorful(stdout, getenv),
		Out:     stdout,
		Err:     stderr,
		Stop:    stop,
	}
	if o.Command, err = evaluator(); err == nil {
		err = f.run(ctx, o)
	}
	if status, ok := errors.AsType[exitStatus](err); ok {
		return int(status)
	}
	if err != nil {
		complain(stderr, err)
		return 1
	}
	return 0
}

// exitStatus is how a shell ended.
type exitStatus int

func (e exitStatus) Error() string { return fmt.Sprintf("status %d", int(e)) }

// evaluator is how this program is started as an evaluator.
func evaluator() (repl.Command, error) {
	exe, err := os.Executable()
	return repl.Command{exe, repl.Subcommand}, err
}

// run connects the shell with its node and runs it.
func (f shellFlags) run(ctx context.Context, o repl.Options) error {
	if f.fd == 0 {
		node, err := repl.Connect(ctx, f.url, f.token, f.ca)
		if err != nil {
			return hint("-connect takes the address of a console, CONVOY_TOKEN or -token-file its token",
				"connect to %s: %w", f.url, err)
		}
		o.Node = node
		if o.Name == "" {
			o.Name = node.Name
		}
		return f.runIn(ctx, o)
	}
	conn, err := net.FileConn(os.NewFile(uintptr(f.fd), "node"))
	if err != nil {
		return hint("-fd is how a node starts its own shells; leave it out", "descriptor %d: %w", f.fd, err)
	}
	node := wire.New(conn, func(context.Context, string, []json.RawMessage) (any, error) {
		return nil, errors.New("a shell serves nothing")
	})
	served := make(chan struct{})
	go func() {
		defer close(served)
		node.Serve(ctx) //nolint:errcheck // its end is the shell's as well
	}()
	o.Node = node
	err = f.runIn(ctx, o)
	node.Close() //nolint:errcheck // it has been used
	<-served
	return err
}

func (f shellFlags) runIn(ctx context.Context, o repl.Options) error {
	if f.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, f.timeout)
		defer cancel()
	}
	source := f.source
	if f.script != "" {
		text, err := os.ReadFile(f.script)
		if err != nil {
			return hint("name a file with Starlark in it", "%w", err)
		}
		source = string(text)
	}
	if source != "" {
		return exitStatus(repl.Script(ctx, o, source))
	}
	return exitStatus(repl.Prompt(ctx, o))
}

// colorful reports whether to paint what is written to w.
func colorful(w io.Writer, getenv func(string) string) bool {
	file, ok := w.(*os.File)
	return ok && term.IsTerminal(int(file.Fd())) && getenv("NO_COLOR") == "" && getenv("TERM") != "dumb"
}

func readShellFlags(args []string, getenv func(string) string) (f shellFlags, err error) {
	set := flag.NewFlagSet("convoy shell", flag.ContinueOnError)
	set.SetOutput(io.Discard)
	set.Usage = func() {}
	set.IntVar(&f.fd, "fd", 0, "")
	set.StringVar(&f.name, "name", "", "")
	set.StringVar(&f.history, "history", "", "")
	set.StringVar(&f.source, "c", "", "")
	set.StringVar(&f.url, "connect", "http://localhost:4000", "")
	caFile := set.String("ca", "", "")
	tokenFile := set.String("token-file", "", "")
	set.BoolVar(&f.json, "json", false, "")
	set.DurationVar(&f.timeout, "timeout", 0, "")
	if err := set.Parse(args); errors.Is(err, flag.ErrHelp) {
		return f, err
	} else if err != nil {
		return f, hint("convoy shell -h lists the flags", "%v", err)
	}
	f.token = getenv("CONVOY_TOKEN")
	if *tokenFile != "" {
		text, err := os.ReadFile(*tokenFile)
		if err != nil {
			return f, hint("name a file that holds the console's token", "%v", err)
		}
		f.token = strings.TrimSpace(string(text))
	}
	if *caFile != "" {
		text, err := os.ReadFile(*caFile)
		f.ca = x509.NewCertPool()
		if err == nil && !f.ca.AppendCertsFromPEM(text) {
			err = errors.New("there is no certificate in it")
		}
		if err != nil {
			return f, hint(
				"name the file of certificates that vouch for the console; that of -tls-self is tls.pem below its -data",
				"-ca: %v",
				err,
			)
		}
	}
	switch {
	case set.NArg() > 1 || set.NArg() == 1 && f.source != "":
		return f, hint("one script, or -c and one expression", "more than one thing to run")
	case set.NArg() == 1:
		f.script = set.Arg(0)
	}
	return f, nil
}
