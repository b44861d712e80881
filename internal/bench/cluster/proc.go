package main

import "convoy/internal/bench/stats"

// memory is what a process holds, in bytes, as Linux counts it: all that is resident, and of it what is its own and not
// of a file that all processes share. It is 0 elsewhere.
func memory(pid int) (resident, own float64) {
	values := stats.Status(pid)
	return values["VmRSS"] * 1024, values["RssAnon"] * 1024
}

// traffic is what a network namespace has sent over IPv6 so far.
type traffic struct {
	packets   float64 // of IPv6: UDP and TCP
	datagrams float64 // of UDP
	bytes     float64 // of IPv6, with all headers from IP's on
}

// sent reads the kernel's counters, of the network namespace that this process is in.
func sent() traffic {
	values := stats.Numbers("/proc/net/snmp6")
	return traffic{values["Ip6OutRequests"], values["Udp6OutDatagrams"], values["Ip6OutOctets"]}
}
