package session

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"time"

	"convoy/access"
	"convoy/fleet"
	"convoy/handlers/web"
)

const (
	// grantsEvery is the time between two comparisons with another node of the list of logins; grantsWait bounds one.
	grantsEvery = time.Minute
	grantsWait  = 5 * time.Second
	// maxGrantBytes bounds what another node sends of it.
	maxGrantBytes = 8 << 20
)

// merge adds grants of another node, ends what is open through those that have ended, and returns the new ones.
func (m *Manager) merge(grants []access.Grant) (news []access.Grant, err error) {
	news, err = m.Authority.Grants.Merge(grants, time.Now().UTC())
	if len(news) > 0 {
		m.Authority.Recheck()
	}
	return news, err
}

// Add adds a grant, or a new version of it, here and on all other nodes.
func (m *Manager) Add(g access.Grant) error {
	news, err := m.merge([]access.Grant{g})
	for _, node := range m.others() {
		if len(news) == 0 {
			break
		}
		m.announcing.Go(func() {
			ctx, cancel := context.WithTimeout(m.ctx, grantsWait)
			defer cancel()
			if _, err := m.exchange(ctx, node.Name, exchange{Grants: news}); err != nil {
				m.Log.Debug("logins not sent to a node", "node", node.Name, "err", err)
			}
		})
	}
	return err
}

// others are the living nodes except this one.
func (m *Manager) others() (list []fleet.Node) {
	for _, node := range m.Fleet.List() {
		if node.Status == fleet.Alive && !node.Self {
			list = append(list, node)
		}
	}
	return list
}

// exchange is what two nodes send each other of their lists: a digest, the new grants, or all.
type exchange struct {
	Digest string         `json:"digest"`
	Grants []access.Grant `json:"grants"`
}

// ExchangeGrants handles POST /grants, from another node. It responds to another digest with all grants.
func (m *Manager) ExchangeGrants(w http.ResponseWriter, r *http.Request) error {
	var theirs exchange
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxGrantBytes)).Decode(&theirs); err != nil {
		return web.BadBody(err)
	}
	if _, err := m.merge(theirs.Grants); err != nil {
		return web.BadRequest("%v", err)
	}
	response := exchange{Digest: m.Authority.Grants.Digest()}
	if theirs.Digest != "" && theirs.Digest != response.Digest {
		response.Grants = m.Authority.Grants.All()
	}
	return web.WriteJSON(w, http.StatusOK, response)
}

// exchange sends to another node, and returns its response.
func (m *Manager) exchange(ctx context.Context, node string, send exchange) (theirs exchange, err error) {
	body, err := json.Marshal(send)
	if err != nil {
		return theirs, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "/grants", bytes.NewReader(body))
	if err != nil {
		return theirs, err
	}
	r.Header.Set("Content-Type", "application/json")
	response, err := m.Cluster.Do(node, r)
	if err != nil {
		return theirs, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return theirs, fmt.Errorf("%s answered %s", node, response.Status)
	}
	return theirs, json.NewDecoder(io.LimitReader(response.Body, maxGrantBytes)).Decode(&theirs)
}

// sync makes the lists of this node and another equal.
func (m *Manager) sync(ctx context.Context, node string) error {
	ctx, cancel := context.WithTimeout(ctx, grantsWait)
	defer cancel()
	theirs, err := m.exchange(ctx, node, exchange{Digest: m.Authority.Grants.Digest()})
	if err != nil {
		return err
	}
	if _, err := m.merge(theirs.Grants); err != nil {
		return err
	}
	if theirs.Digest == m.Authority.Grants.Digest() {
		return nil
	}
	_, err = m.exchange(ctx, node, exchange{Grants: m.Authority.Grants.All()})
	return err
}

// ShareGrants keeps the lists of all nodes equal until ctx ends: it compares with each node that joins, and with one of
// them every minute.
func (m *Manager) ShareGrants(ctx context.Context) {
	tick := time.NewTicker(grantsEvery)
	defer tick.Stop()
	met := map[string]string{} // instances, by name
	for {
		changed := m.Fleet.Changed()
		for _, node := range m.others() {
			if met[node.Name] == node.Instance {
				continue
			}
			if err := m.sync(ctx, node.Name); err != nil {
				m.Log.Debug("list of logins not compared", "node", node.Name, "err", err)
				continue
			}
			met[node.Name] = node.Instance
		}
		select {
		case <-changed:
		case <-tick.C:
			if others := m.others(); len(others) > 0 {
				delete(met, others[rand.IntN(len(others))].Name)
			}
		case <-ctx.Done():
			return
		}
	}
}
