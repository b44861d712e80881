// Package netlab makes several IPv6 hosts out of one Linux machine, with a DNS
// server of their own, to break the network between them on purpose.
//
// Each host is a network namespace with one address, a /128 of a private prefix,
// behind a namespace that routes between them with an MTU of 1420, as on a
// WireGuard mesh. All faults drop packets silently, for a fault that refuses hides
// the bugs that matter: nftables rules in the routing namespace drop and lose, and
// since not every kernel can delay packets, a link between two taps does.
//
// It needs root, ip and nft, and touches nothing outside its own namespaces and
// their folders in /etc/netns, which end with the process. Labs run side by side.
package netlab
