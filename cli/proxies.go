package cli

import "convoy/handlers"

// checkProxies reads -trusted-proxies. What is said there takes the place of Railway's edge.
func (cfg *config) checkProxies(f flags, _ func(string) string) error {
	if f.proxies == "" {
		return nil
	}
	networks, err := handlers.ParseProxies(splitList(f.proxies))
	if err != nil {
		return hint("name addresses or networks such as 10.1.0.0/16, or loopback or private", "-trusted-proxies: %w", err)
	}
	cfg.Proxies = handlers.Proxies{Networks: networks}
	return nil
}
