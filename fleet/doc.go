// Package fleet keeps the one list of nodes: the services that a provider made,
// joined with the members that the cluster sees.
package fleet
