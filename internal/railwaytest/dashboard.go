package railwaytest

import "maps"

// AddService adds a service, and returns its id.
func (s *Server) AddService(name string, variables map[string]string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.make(name, variables).id
}

// AddVolume gives the service of that name a volume.
func (s *Server) AddVolume(name, volume, mount string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state.volumes = append(
		s.state.volumes,
		object{"mountPath": mount, "serviceId": s.named(name).id, "volume": object{"id": "vol-" + volume, "name": volume}},
	)
}

// SetShared sets the shared variables.
func (s *Server) SetShared(variables map[string]string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state.shared = variables
}

// SetControl makes the control plane's service run something else.
func (s *Server) SetControl(image, repo string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state.services[Control].image, s.state.services[Control].repo = image, repo
}

// Delete deletes the service of that name, as a user of the dashboard would.
func (s *Server) Delete(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.remove(s.named(name))
}

// Deploy deploys the service of that name, as a user of the dashboard would, and returns the deployment's id.
func (s *Server) Deploy(name string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.deploy(s.named(name)).id
}

// Set gives the newest deployment of the service of that name a status now.
func (s *Server) Set(name string, stage Stage) {
	s.mu.Lock()
	defer s.mu.Unlock()
	one := s.named(name)
	s.enter(one.list[len(one.list)-1], stage)
}

// Seen is a service as tests look at it.
type Seen struct {
	ID, Name, Image, Repo string
	Variables             map[string]string
	Settings              map[string]any
	Deployments           []string // ids
	Status                string   // of the newest
}

// Services returns the services that are there, the control plane's left out.
func (s *Server) Services() (list []Seen) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, one := range s.state.ordered() {
		if one.id == Control {
			continue
		}
		seen := Seen{
			ID:        one.id,
			Name:      one.name,
			Image:     one.image,
			Repo:      one.repo,
			Variables: maps.Clone(one.variables),
			Settings:  maps.Clone(one.settings),
		}
		for _, d := range one.list {
			seen.Deployments, seen.Status = append(seen.Deployments, d.id), d.status
		}
		list = append(list, seen)
	}
	return list
}
