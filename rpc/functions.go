package rpc

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"convoy/access"
	"convoy/fleet"
	"convoy/logs"
	"convoy/peer"
	"convoy/repl"
)

// maxLogLines bounds the log lines in one result.
const maxLogLines = 1000

// nodeView is a node in the form of Convoy shells.
type nodeView struct {
	Name    string     `json:"name"`
	Status  string     `json:"status"`
	Self    bool       `json:"self"`
	Control bool       `json:"control_plane"`
	Started *time.Time `json:"started"`
	Message string     `json:"message"`
}

// lineView is a log line in the form of Convoy shells.
type lineView struct {
	Time  time.Time `json:"time"`
	Node  string    `json:"node"`
	Level string    `json:"level"`
	Text  string    `json:"text"`
}

// shellView is a shell in the form of Convoy shells.
type shellView struct {
	Node    string    `json:"node"`
	ID      string    `json:"id"`
	Kind    string    `json:"kind"`
	Title   string    `json:"title"`
	Busy    string    `json:"busy"`
	State   string    `json:"state"`
	Asks    string    `json:"asks"`
	Dir     string    `json:"dir"`
	Started time.Time `json:"started"`
	Running bool      `json:"running"`
}

// register registers this node's functions with the cluster. docs/cluster.md lists them.
func (s *Service) register() {
	for name, f := range map[string]func(context.Context, peer.Args) (any, error){
		"fleet.nodes":       func(_ context.Context, args peer.Args) (any, error) { return s.nodeViews(), args.Scan() },
		"fleet.spawn":       s.spawn,
		"fleet.retire":      s.retire,
		"logs.tail":         s.logsTail,
		"node.stats":        s.nodeStats,
		"shells.list":       func(_ context.Context, args peer.Args) (any, error) { return s.shellViews(), args.Scan() },
		"shells.run":        s.shellsRun,
		"shell.eval":        s.shellEval,
		"shell.protections": func(_ context.Context, args peer.Args) (any, error) { return repl.Protections(), args.Scan() },
		"shell.confinement": func(_ context.Context, args peer.Args) (any, error) {
			return s.cfg.System.Confinement(), args.Scan()
		},
		"access.roles": s.accessRoles,
		"worker.state": s.worker.state,
	} {
		s.cfg.Cluster.Register(name, f)
	}
	for _, name := range railwayFunctions {
		s.cfg.Cluster.Register(name, func(ctx context.Context, args peer.Args) (any, error) {
			return s.railway(ctx, name, args)
		})
	}
}

func (s *Service) spawn(_ context.Context, args peer.Args) (any, error) {
	if err := args.Scan(); err != nil {
		return nil, err
	}
	spawned, err := s.cfg.Fleet.Spawn()
	return spawned.Name, err
}

func (s *Service) retire(_ context.Context, args peer.Args) (any, error) {
	var name string
	if err := args.Scan(&name); err != nil {
		return nil, err
	}
	retired, err := s.cfg.Fleet.Retire(name)
	return retired.Name, err
}

// logsTail returns the last lines of this node's log that contain a text, ignoring case.
func (s *Service) logsTail(_ context.Context, args peer.Args) (any, error) {
	var count int
	var text string
	if err := args.Scan(&count, &text); err != nil {
		return nil, err
	}
	list := []lineView{}
	lines := s.cfg.Logs.Tail(maxLogLines)
	for i := len(lines) - 1; i >= 0 && len(list) < min(count, maxLogLines); i-- {
		if view := s.lineView(lines[i]); strings.Contains(strings.ToLower(view.Text), strings.ToLower(text)) {
			list = append(list, view)
		}
	}
	slices.Reverse(list)
	return list, nil
}

// nodeStats returns what this node used in the last minutes.
func (s *Service) nodeStats(_ context.Context, args peer.Args) (any, error) {
	var minutes float64
	if err := args.Scan(&minutes); err != nil {
		return nil, err
	}
	return s.cfg.Stats.Report(toDuration(minutes*60), true), nil
}

func (s *Service) shellsRun(ctx context.Context, args peer.Args) (any, error) {
	var line string
	var who access.Identity
	if err := args.Scan(&line, &who); err != nil {
		return nil, err
	}
	return s.Run(ctx, who, line)
}

func (s *Service) shellEval(ctx context.Context, args peer.Args) (any, error) {
	var source string
	var who access.Identity
	if err := args.Scan(&source, &who); err != nil {
		return nil, err
	}
	return s.Eval(ctx, who, source)
}

func (s *Service) accessRoles(_ context.Context, args peer.Args) (any, error) {
	var list []access.Identity
	if err := args.Scan(&list); err != nil {
		return nil, err
	}
	roles := []access.Role{}
	for _, who := range list {
		roles = append(roles, s.cfg.Authority.LocalRole(who))
	}
	return roles, nil
}

func (s *Service) nodeViews() []nodeView {
	list := []nodeView{}
	for _, one := range s.cfg.Fleet.List() {
		view := nodeView{
			Name:    one.Name,
			Status:  string(one.Status),
			Self:    one.Self,
			Control: one.Control,
			Message: one.Message,
		}
		if !one.Started.IsZero() {
			started := one.Started.UTC().Truncate(time.Second)
			view.Started = &started
		}
		list = append(list, view)
	}
	return list
}

func (s *Service) lineView(l logs.Line) lineView {
	text := l.Message
	for _, a := range l.Attrs {
		text += " " + a.Key + "=" + a.Value
	}
	return lineView{
		Time:  l.Time.UTC().Truncate(time.Millisecond),
		Node:  s.cfg.Self,
		Level: strings.ToLower(l.Level.String()),
		Text:  text,
	}
}

func (s *Service) shellViews() []shellView {
	list := []shellView{}
	for _, one := range s.cfg.Shells.List() {
		list = append(list, shellView{
			Node:    s.cfg.Self,
			ID:      one.ID,
			Kind:    one.Kind,
			Title:   one.Title,
			Busy:    one.Busy,
			State:   string(one.State.Doing),
			Asks:    one.State.Asks,
			Dir:     one.Dir,
			Started: one.Started.UTC().Truncate(time.Second),
			Running: one.Running,
		})
	}
	return list
}

// byTime orders the lines of several nodes.
func byTime(a, b lineView) int { return cmp.Or(a.Time.Compare(b.Time), cmp.Compare(a.Node, b.Node)) }

// fullName returns the full name of a node, given that or its first label.
func (s *Service) fullName(name string) (string, error) {
	if name == "" {
		return s.cfg.Self, nil
	}
	if found, err := s.cfg.Fleet.Find(name); err == nil {
		return found.Name, nil
	}
	if strings.Contains(name, "@") {
		return "", fmt.Errorf("there is no node called %q; node.list() lists the nodes, node.connect(name) connects one",
			name)
	}
	return "", fmt.Errorf("there is no node called %q; fleet.nodes() lists them", name)
}

// controlPlane returns the node that spawns others.
func (s *Service) controlPlane() (string, error) {
	for _, one := range s.cfg.Fleet.List() {
		if one.Control {
			return one.Name, nil
		}
	}
	return "", fmt.Errorf("no node of this cluster can spawn nodes")
}

// decode decodes JSON arguments; those that are missing or null leave the variable unchanged.
func decode(args []json.RawMessage, into ...any) error {
	if len(args) > len(into) {
		return fmt.Errorf("%d arguments; at most %d are allowed", len(args), len(into))
	}
	for i, arg := range args {
		if string(arg) == "null" {
			continue
		}
		if err := json.Unmarshal(arg, into[i]); err != nil {
			return fmt.Errorf("argument %d: %w", i+1, err)
		}
	}
	return nil
}

// hasStatus reports whether a node in the list has a status, and its current one.
func hasStatus(list []fleet.Node, name, status string) (current string, ok bool) {
	i := slices.IndexFunc(list, func(one fleet.Node) bool { return one.Name == name })
	if i < 0 {
		return "gone", status == "gone"
	}
	current = string(list[i].Status)
	return current, current == status
}
