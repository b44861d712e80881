// Package peer makes this node a member of a cluster: it finds the other nodes, proves its membership, and exchanges
// requests with them.
//
// It has two parts, both keyed by the cluster's cookie:
//
//   - Gossip (hashicorp/memberlist, UDP and TCP on one port) tracks membership.
//     Its members are instances, one for each run of a node, under a random id.
//     The node's name is metadata and refers to the youngest instance that has it.
//     So a redeployed node is a member immediately, while its predecessor still lives.
//   - HTTP/2 over TLS 1.3 with mutual certificates (net/http, a second port)
//     carries requests: calls, messages, and streams as long as their bodies.
//
// DNS only ever adds members. A poll resolves the query name, joins addresses that are not members, and looks up names
// lost within the hour. Only failed heartbeats, or an announced leave, remove a member.
//
// # Authentication
//
// Anyone who has the cookie is a member, and members are equal. HKDF-SHA-256 derives from the cookie the key that
// encrypts gossip (AES-256-GCM) and the seed of an Ed25519 certificate authority. Each process creates a new key, which
// this authority certifies for "convoy:NAME/INSTANCE". Both sides of a connection require and verify such a certificate
// before a byte reaches the application, and the caller verifies that it reached the intended instance.
//
// To change a cookie without downtime, do three rolling restarts, with "old,new", "new,old", and "new": the first is
// used, all are trusted.
//
// # Goroutines
//
// A Cluster owns these, and Close waits for them: the server's accept loop, the poll, one for each join in progress (at
// most joinsAtOnce), two for the gossip port, one that applies gossip's events in order, the handlers of
// requests, one for each node with messages waiting to be sent, and one for each instance that could not be called,
// while gossip considers it alive. memberlist has a dozen of its own, which end within its stream timeout after Close.
package peer
