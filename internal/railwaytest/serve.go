package railwaytest

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/vektah/gqlparser/v2/ast"
)

// caller is the user of a token.
type caller struct {
	bearer  bool
	account bool
	nobody  bool
}

func (s *Server) callerOf(r *http.Request) (c caller, err error) {
	s.mu.Lock()
	revoked := s.revoked
	s.mu.Unlock()
	if token := r.Header.Get("Project-Access-Token"); token != "" {
		if token != ProjectToken || revoked {
			return c, errors.New("Project Token not found")
		}
		return caller{}, nil
	}
	if revoked {
		return caller{bearer: true, nobody: true}, nil
	}
	switch r.Header.Get("Authorization") {
	case "Bearer " + AccountToken:
		return caller{bearer: true, account: true}, nil
	case "Bearer " + WorkspaceToken:
		return caller{bearer: true}, nil
	default:
		return caller{bearer: true, nobody: true}, nil
	}
}

// serve answers one HTTP request.
func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	if agent := r.Header.Get("User-Agent"); !strings.HasPrefix(agent, "convoy") {
		s.t.Errorf("railwaytest: User-Agent is %q", agent)
	}
	if r.Header.Get("Upgrade") != "" {
		s.socket(w, r)
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	req, op, err := s.check(body)
	if err != nil {
		s.t.Errorf("railwaytest: %v", err)
		w.WriteHeader(http.StatusBadRequest)
		answer(w, nil, wireError("GRAPHQL_VALIDATION_FAILED", err.Error(), ""))
		return
	}
	s.mu.Lock()
	remaining, wait := s.note(req.Name)
	fault, faulty := s.fault(req.Name)
	s.mu.Unlock()
	s.limits(w, remaining)
	if wait > 0 {
		fault, faulty = Fault{Status: http.StatusTooManyRequests, Retry: wait}, true
	}
	var data object
	if !faulty || fault.Act {
		data, err = s.execute(r, req, op)
	}
	if fault.Hook != nil {
		fault.Hook()
	}
	if faulty && s.wrong(w, fault, data) {
		return
	}
	if err != nil {
		answer(w, nil, wireError("INTERNAL_SERVER_ERROR", err.Error(), "trace-1"))
		return
	}
	answer(w, data, nil)
}

// wrong answers as the fault demands. It reports whether the answer is complete.
func (s *Server) wrong(w http.ResponseWriter, f Fault, data object) bool {
	switch {
	case f.Cut:
		panic(http.ErrAbortHandler)
	case f.Body != "":
		w.WriteHeader(max(f.Status, http.StatusOK))
		io.WriteString(w, f.Body) //nolint:errcheck // the reader may be gone
	case f.Status == http.StatusTooManyRequests:
		w.Header().Set("Retry-After", strconv.Itoa(int(f.Retry/time.Second)))
		http.Error(w, "Too Many Requests", f.Status)
	case f.Status != 0:
		http.Error(w, "<html>bad gateway</html>", f.Status)
	case f.Message != "":
		answer(w, data, wireError("INTERNAL_SERVER_ERROR", f.Message, f.Trace))
	default:
		return false
	}
	return true
}

func wireError(code, message, trace string) []object {
	return []object{{"message": message, "extensions": object{"code": code, "traceId": trace}}}
}

func answer(w http.ResponseWriter, data object, list []object) {
	out := object{"data": data}
	if len(data) == 0 {
		out["data"] = nil
	}
	if list != nil {
		out["errors"] = list
	}
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(out) //nolint:errcheck // the reader may be gone
}

// execute does what an operation asks, field by field.
func (s *Server) execute(r *http.Request, req request, op *ast.OperationDefinition) (data object, err error) {
	who, err := s.callerOf(r)
	if err != nil {
		return nil, err
	}
	defer func() {
		if bad := recover(); bad != nil {
			s.t.Errorf("railwaytest: %s: %v", req.Name, bad)
			err = fmt.Errorf("%v", bad)
		}
	}()
	data = object{}
	cut := func(f *ast.Field, value any) any { return s.cut(f, req.Variables, value) }
	for _, one := range op.SelectionSet {
		field := one.(*ast.Field)
		resolve := resolvers[field.Name]
		if resolve == nil {
			panic("unexpected operation " + field.Name)
		}
		value, err := resolve(s, who, field.ArgumentMap(req.Variables))
		if err != nil {
			return nil, err
		}
		s.mu.Lock()
		data[field.Alias] = project(cut, field.SelectionSet, field.Definition.Type, value)
		s.mu.Unlock()
	}
	return data, nil
}

var errNotAuthorized = errors.New("Not Authorized")

type resolver func(s *Server, who caller, args map[string]any) (any, error)

// known wraps a resolver for callers with a valid token; it holds the lock.
func known(do func(s *Server, args map[string]any) (any, error)) resolver {
	return func(s *Server, who caller, args map[string]any) (any, error) {
		if who.nobody {
			return nil, errNotAuthorized
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		return do(s, args)
	}
}

// making wraps a resolver that makes or deletes services.
func making(do func(s *Server, args map[string]any) (any, error)) resolver {
	return func(s *Server, who caller, args map[string]any) (any, error) {
		if !who.bearer && s.opts.ProjectLimits {
			return nil, errNotAuthorized
		}
		return known(do)(s, who, args)
	}
}

var resolvers map[string]resolver

func init() {
	resolvers = map[string]resolver{
		"apiToken": func(s *Server, who caller, _ map[string]any) (any, error) {
			if who.nobody && s.opts.LooseNobody {
				return object{"workspaces": []object{}}, nil
			}
			if who.nobody || !who.bearer {
				return nil, errNotAuthorized
			}
			return object{"workspaces": []object{{"id": "ws-1", "name": "A Workspace"}}}, nil
		},
		"projectToken": func(_ *Server, who caller, _ map[string]any) (any, error) {
			if who.bearer {
				return nil, errNotAuthorized
			}
			return object{"projectId": Project, "environmentId": Environment, "name": "a project token"}, nil
		},
		"me": func(_ *Server, who caller, _ map[string]any) (any, error) {
			if !who.account {
				return nil, errNotAuthorized
			}
			return object{
				"id":                "user-1",
				"name":              "Ada",
				"email":             "ada@example.com",
				"apiTokenRateLimit": object{"remainingPoints": 900, "resetsAt": "2026-11-22T20:00:00Z"},
			}, nil
		},
		"project": known(func(s *Server, args map[string]any) (any, error) {
			if args["id"] != Project {
				return nil, errNotAuthorized
			}
			return object{"id": Project, "name": "a project", "subscriptionType": s.opts.Plan}, nil
		}),
		"environment":             known((*Server).environment),
		"metrics":                 known((*Server).metrics),
		"serviceInstance":         known((*Server).instance),
		"variables":               known((*Server).variables),
		"deployment":              known((*Server).deployment),
		"deploymentEvents":        known((*Server).events),
		"buildLogs":               known((*Server).buildLogs),
		"deploymentLogs":          known((*Server).deployLogs),
		"serviceCreate":           making((*Server).create),
		"serviceInstanceUpdate":   making((*Server).update),
		"serviceInstanceDeployV2": making((*Server).deployV2),
		"serviceDelete":           deleteSlowly,
	}
}

// page cuts a page out of a list.
func (s *Server) page(all []object, args map[string]any) object {
	first := s.opts.PageSize
	if n, ok := args["first"].(int64); ok {
		first = min(first, int(n))
	} else if n, ok := args["first"].(json.Number); ok {
		i, _ := n.Int64()
		first = min(first, int(i))
	} else if f, ok := args["first"].(float64); ok {
		first = min(first, int(f))
	}
	from := 0
	if after, ok := args["after"].(string); ok && after != "" {
		from, _ = strconv.Atoi(after)
	}
	to := min(from+first, len(all))
	edges := []object{}
	for i := from; i < to; i++ {
		edges = append(edges, object{"node": all[i], "cursor": strconv.Itoa(i + 1)})
	}
	return object{"edges": edges, "pageInfo": object{"hasNextPage": to < len(all), "endCursor": text(strconv.Itoa(to))}}
}
