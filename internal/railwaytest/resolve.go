package railwaytest

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/vektah/gqlparser/v2/ast"
)

// pages is a list in an answer that is cut when its arguments are known.
type pages []object

// environment answers with lists that project cuts into pages.
func (s *Server) environment(args map[string]any) (any, error) {
	if args["id"] != Environment {
		return nil, errNotAuthorized
	}
	var instances, variables pages
	for _, one := range s.state.ordered() {
		instances = append(instances, one.object())
		for _, name := range slices.Sorted(maps.Keys(one.variables)) {
			variables = append(variables, object{"name": name, "serviceId": one.id, "isSealed": false})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.state.shared)) {
		variables = append(variables, object{"name": name, "serviceId": nil, "isSealed": false})
	}
	return object{"id": Environment, "name": "production", "projectId": Project,
		"serviceInstances": instances, "variables": variables, "volumeInstances": pages(s.state.volumes)}, nil
}

// cut makes a page of a list, by the field's own arguments.
func (s *Server) cut(field *ast.Field, variables map[string]any, value any) any {
	if list, ok := value.(pages); ok {
		return s.page(list, field.ArgumentMap(variables))
	}
	return value
}

func (s *Server) service(args map[string]any, key string) (*service, error) {
	one := s.state.services[fmt.Sprint(args[key])]
	if one == nil {
		return nil, errors.New("Service not found")
	}
	return one, nil
}

func (s *Server) instance(args map[string]any) (any, error) {
	one, err := s.service(args, "serviceId")
	if err != nil {
		return nil, err
	}
	if !one.deleted.IsZero() {
		return nil, errors.New("ServiceInstance not found")
	}
	return one.object(), nil
}

// variables answers with values as they were written: rendering them would send secrets.
func (s *Server) variables(args map[string]any) (any, error) {
	if args["unrendered"] != true {
		return nil, errors.New("the fake returns unrendered variables only")
	}
	one, err := s.service(args, "serviceId")
	if err != nil {
		return nil, err
	}
	out := object{}
	for key, value := range one.variables {
		out[key] = value
	}
	return out, nil
}

func (s *Server) deployment(args map[string]any) (any, error) {
	d := s.state.deployments[fmt.Sprint(args["id"])]
	if d == nil {
		return nil, errors.New("Deployment not found")
	}
	return d.object(), nil
}

func (s *Server) events(args map[string]any) (any, error) {
	d := s.state.deployments[fmt.Sprint(args["id"])]
	if d == nil {
		return nil, errors.New("Deployment not found")
	}
	list := []object{}
	for _, e := range d.events {
		list = append(list, object{"node": e.object()})
	}
	return object{"edges": list}, nil
}

func (s *Server) buildLogs(args map[string]any) (any, error)  { return s.logOf(args, true) }
func (s *Server) deployLogs(args map[string]any) (any, error) { return s.logOf(args, false) }

func (s *Server) logOf(args map[string]any, build bool) (any, error) {
	d := s.state.deployments[fmt.Sprint(args["deploymentId"])]
	if d == nil {
		return nil, errors.New("Deployment not found")
	}
	lines := d.log
	if build {
		lines = d.build
	}
	list := []object{}
	for _, l := range lines {
		list = append(list, l.object())
	}
	return list, nil
}

func (s *Server) create(args map[string]any) (any, error) {
	in := args["input"].(map[string]any)
	name, _ := in["name"].(string)
	if in["projectId"] != Project || in["environmentId"] != Environment {
		return nil, errNotAuthorized
	}
	if s.named(name) != nil {
		return nil, fmt.Errorf("A service named %q already exists in this project", name)
	}
	variables := map[string]string{}
	given, _ := in["variables"].(map[string]any)
	for key, value := range given {
		variables[key] = fmt.Sprint(value)
	}
	one := s.make(name, variables)
	return object{"id": one.id, "name": one.name}, nil
}

func (s *Server) update(args map[string]any) (any, error) {
	one, err := s.service(args, "serviceId")
	if err != nil {
		return nil, err
	}
	if args["environmentId"] != Environment {
		return nil, errors.New("an update without environmentId changes all environments")
	}
	in := args["input"].(map[string]any)
	maps.Copy(one.settings, in)
	if source, ok := in["source"].(map[string]any); ok {
		one.image, _ = source["image"].(string)
		one.repo, _ = source["repo"].(string)
		if s.opts.AutoDeploy {
			s.deploy(one)
		}
	}
	return true, nil
}

func (s *Server) deployV2(args map[string]any) (any, error) {
	one, err := s.service(args, "serviceId")
	if err != nil {
		return nil, err
	}
	if one.image == "" && one.repo == "" {
		return nil, errors.New("Service has no source to deploy")
	}
	return s.deploy(one).id, nil
}

// deleteSlowly deletes as slowly as Railway does. Deleting again succeeds too.
func deleteSlowly(s *Server, who caller, args map[string]any) (any, error) {
	return making(func(s *Server, args map[string]any) (any, error) {
		one, err := s.service(args, "id")
		if err != nil {
			return nil, err
		}
		if s.opts.Deletes > 0 {
			s.mu.Unlock()
			time.Sleep(s.opts.Deletes)
			s.mu.Lock()
		}
		s.remove(one)
		return true, nil
	})(s, who, args)
}
