// Package peer makes this node a member of a cluster: it finds the other nodes,
// proves to them that it belongs there, and talks to them.
//
// Two engines do it, each keyed by the cluster's cookie:
//
//   - Gossip (hashicorp/memberlist, UDP and TCP on one port) knows who is there.
//     Its members are instances, one for each run of a node, under a random id;
//     the node's name is metadata, and stands for the youngest instance that
//     bears it. So a node that is deployed anew is a member at once, though its
//     predecessor still lives.
//   - HTTP/2 over TLS 1.3 with mutual certificates (net/http, a second port)
//     carries requests: calls, messages, and streams as long as their bodies.
//
// DNS only ever adds members. A poll resolves the query name, joins what is not
// a member yet, and asks for the names lost within the hour; only heartbeats
// that fail, or a goodbye, take a member off.
//
// # Authentication
//
// Whoever holds the cookie is a member, and members are equal. From the cookie
// come, by HKDF-SHA-256, the key that encrypts gossip (AES-256-GCM) and the seed
// of an Ed25519 certificate authority. Each process makes a fresh key that this
// authority certifies for "convoy:NAME/INSTANCE". Both sides of a connection
// require and verify such a certificate before a byte reaches the application,
// and the caller checks that it reached the instance it meant.
//
// A cookie is changed without downtime by three rolling restarts, with
// "old,new", "new,old" and "new": the first is used, all are trusted.
//
// # Goroutines
//
// A Cluster owns these, and Close waits for them: the server's accept loop, the
// poll, one for each join under way (at most joinsAtOnce), one that lets gossip's
// connections in, one that applies
// gossip's events in their order, the handlers of requests, one for each node that
// messages are being sent to, and one for each instance that calls have failed to
// reach, as long as gossip has it alive. memberlist has a dozen of its own; they
// end within its stream timeout after Close.
package peer
