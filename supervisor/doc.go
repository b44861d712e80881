// Package supervisor lets shells outlive their node: a small process, the supervisor, starts the node, keeps what the
// node puts into its store, and starts the node again after a crash or with a new program. The node finds what its
// predecessor left. Linux only: elsewhere [Connect] finds no supervisor.
//
// # Protocol
//
// The two talk over a Unix socket pair of type SOCK_SEQPACKET, whose descriptor in the node is in the variable
// CONVOY_SUPERVISOR_FD. A packet is one message of at most 64 KiB: a JSON object on one line, then raw data. At most 16
// descriptors travel with it (SCM_RIGHTS). Unknown fields are ignored, and so are unknown kinds.
//
//	kind      fields              from        meaning
//	entry     name pid + data     supervisor  an entry of the store, with its files; ended, status, unknown if its
//	                                          process has ended
//	end                           supervisor  that was the last entry
//	exit      pid status unknown  supervisor  the process of an entry has ended
//	leave                         supervisor  end with status 0, and leave what the store holds running
//	put       name pid + data     node        store an entry, with its files, or replace the one of this name
//	drop      name                node        remove an entry, and close its files
//	ready     + version           node        the node serves
//	failed    + text              node        why the node is about to end
//	listen    name                node        listen at this path for commands; the answer follows
//	answer    status + text       supervisor  status 0: done; 1: it failed, and why
//
// Commands such as convoy upgrade connect to the Unix socket that listen named, and send one message whose data is the
// key in the file beside the socket (NAME.key beside NAME.sock): upgrade, stop, or keep. The answer ends the
// conversation.
//
// After keep, another process holds the store: a supervisor without a node, the holder. It gets the entries as a node
// does, with a pidfd as the last file if the field pidfd is true, and an end with the path, the listening socket and
// the file with the key, which it confirms with taken. The supervisor of the next node asks the holder for all that
// with the command take, and confirms it with taken and the key; then the holder ends.
package supervisor
