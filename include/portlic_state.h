/* SPDX-License-Identifier: MIT */
/* portlic_state.h - part of portlic.h, which is what is included: what the programs keep: counters, flows, clients, limits, events. */
#ifndef PORTLIC_STATE_H
#define PORTLIC_STATE_H

#ifndef PORTLIC_H
#error include portlic.h
#endif

/*
 * Allowed traffic towards one port, kept apart for each CPU ("lane"): element
 * slot * (n_cpus + 1) + cpu of the gate's traffic map (an ARRAY in map-in-map `plic_traffic`, key:
 * gate id). Only that CPU writes a lane, with softirqs off, so the adds need not be atomic. The last
 * lane, cpu == n_cpus, belongs to user space: totals carried over when the map was enlarged.
 * A sum over all lanes never goes back.
 */
struct plic_traffic {
	__u64 packets;	   /* wire segments: a merged GSO frame counts as its segments */
	__u64 bytes;	   /* from the IP header on */
	__u64 connections; /* TCP: reached ESTABLISHED; UDP, SCTP: new flow entries */
	__u64 last_ns;	   /* boot clock, jiffy resolution; 0: never */
};

/*
 * What was denied, or would have been (audit): the gate's HASH `plic_denials`. A named port is
 * found by its slot with port 0 (a range has one entry); others by their number with slot
 * PLIC_SLOT_OTHER. Port 0 with slot PLIC_SLOT_OTHER takes what the bounded table has no room for,
 * and packets that have no port.
 */
struct plic_denial_key {
	__u16 slot;
	__u16 port;
	__u8 proto;   /* IP protocol number, 0: none was read */
	__u8 reason;  /* enum plic_reason */
	__u8 verdict; /* PLIC_DENIED or PLIC_AUDIT */
	/*
	 * 0. User space's own entries beside one of the programs: 1: what it moved from ports to `other`;
	 * 2: how much of the entry is the probes of `portlic check`, which readers leave out.
	 */
	__u8 pad;
};

struct plic_denial {
	__u64 packets;
	__u64 bytes;
	__u64 connections; /* TCP: SYNs; UDP, SCTP: every packet, for none became a flow */
	__u64 last_ns;
};

#define PLIC_MAX_DENIALS 1024
#define PLIC_DENIAL_PORTS_BURST 32 /* unnamed ports that may enter the table at once ... */
#define PLIC_DENIAL_PORTS_PER_S 1  /* ... and then per second; the rest is `other` */

/*
 * A flow without TCP's own state. `plic_flows` (LRU, a gate's own): the pod's outbound UDP and SCTP
 * flows. `plic_clients` (LRU, a gate's own): peers of licensed UDP and SCTP ports.
 * IPv4 addresses are IPv4-mapped. remote all zero with remote_port 0: any remote (after the pod
 * sent to a multicast or broadcast address), for PLIC_ANY_REMOTE_NS.
 */
struct plic_flow_key {
	__u8 remote[16];
	__u16 remote_port;
	__u16 local_port;
	__u8 proto; /* IP protocol number */
	__u8 pad[3];
};

struct plic_flow {
	__u64 last_ns;
};

/*
 * How many entries plic_flows was given, ever: the gate's PERCPU_ARRAY `plic_flowed`. What the kernel threw
 * out for lack of room is what was put in, less what was taken out, less what is there. PLIC_FLOWED_USER is user
 * space's own, on CPU 0: what it put in less what it took out.
 */
enum plic_flowed {
	PLIC_FLOWED_KERNEL,
	PLIC_FLOWED_USER,
	PLIC_N_FLOWED,
};

#define PLIC_ANY_REMOTE_NS 10000000000ULL
#define PLIC_FLOW_IDLE_NS                                                                          \
	3600000000000ULL /* a UDP or SCTP flow ends when nothing came for so long */
#define PLIC_FLOW_NAMED_NS 60000000000ULL /* ... or, once its port is named, nothing was sent */
#define PLIC_CLIENT_NS 60000000000ULL	  /* who spoke within this time is being answered */

/*
 * Marker of a TCP connection that the pod opened from a port that has a rule: `plic_marks` (LRU, a
 * gate's own). Segments are told by the tuple as it is on the wire, with both addresses, for the pod may
 * have several; sockets by the cookie, whatever NAT inside the pod makes of the tuple.
 * Example: 10.0.0.2:45000 connects to 192.0.2.1:443: { ::ffff:192.0.2.1, ::ffff:10.0.0.2, 443, 45000 }.
 */
struct plic_mark_key {
	__u8 remote[16], local[16]; /* IPv4 mapped */
	__u16 remote_port, local_port;
};

struct plic_mark {
	__u64 cookie; /* of the socket, as SO_COOKIE and sock_diag tell it */
};

/*
 * TCP connections of the kubelet: `plic_probes` (LRU, the node's own), key: as the pod sees them, so remote
 * is the kubelet's end. Those that the kubelet opens are written on its cgroup, ahead of their SYN; where
 * that can't be had, a gate writes what it takes for a probe.
 */
struct plic_probe {
	__u64 opened_ns; /* boot clock; a SYN is the kubelet's for PLIC_PROBE_FRESH_NS */
	__u64 closed_ns; /* 0: it stands */
	__u32 gate;	 /* whose guess it is; PLIC_NODE_WIDE: it is the kubelet's */
	__s32 left;	 /* bytes that may still come in; of a guess only */
	__u32 taken;	 /* gate id + 1: it was let in as a probe there; 0: nowhere yet */
	__u32 pad;
};
#define PLIC_MAX_PROBES 16384
#define PLIC_PROBE_FRESH_NS 60000000000ULL

/*
 * How probes are told: `plic_kubelet`, one element. GUESS: what comes from the node's addresses is taken for
 * a probe, up to a budget for each gate and port. CGROUP turns into it by itself once nobody has seen the
 * kubelet for PLIC_KUBELET_LOST_NS: then neither the agent lives nor is it the same cgroup.
 */
enum plic_told {
	PLIC_TOLD_NONE, /* there are no probes */
	PLIC_TOLD_CGROUP,
	PLIC_TOLD_GUESS,
};

struct plic_kubelet {
	__u64 cgroup;  /* id, of CGROUP */
	__u64 seen_ns; /* boot clock: the agent found it there, or it opened a connection */
	__u32 told;    /* enum plic_told */
	__u32 pad;
};
#define PLIC_KUBELET_LOST_NS 30000000000ULL
#define PLIC_PROBE_BURST 10 /* connections, then one in this time: */
#define PLIC_PROBE_INTERVAL_NS 500000000ULL
#define PLIC_PROBE_BYTES 65536 /* in, from the IP header on, of one connection */

/*
 * Who connected to a port that has a rule: `plic_peers` (LRU, the node's own), written by the ledger when
 * a TCP handshake is done, never per packet. Gate ids are given out again: what is older than the gate
 * isn't its own.
 */
struct plic_peer_key {
	__u8 remote[16]; /* IPv4 mapped */
	__u32 gate;
	__u16 slot;
	__u16 pad;
};

struct plic_peer {
	__u64 last_ns; /* boot clock */
	__u64 connections;
};

#define PLIC_MAX_PEERS 65536

/*
 * Source sets: `plic_sources` (LPM trie, the node's own). The longest prefix of an address in a set says
 * whether it is in. Set PLIC_SOURCES_ORIGINS maps addresses to origins instead.
 * Example: "cidr": "10.0.0.0/8" but for "10.9.0.0/16" is { 32+96+8, set, ::ffff:10.0.0.0 } = 1 and
 * { 32+96+16, set, ::ffff:10.9.0.0 } = 0. The value of an address that a pod of the cluster has, while it has
 * it: PLIC_SOURCE_POD, and what networks say of just this address, for when the pod is gone. Programs only ask
 * whether it is 0.
 */
struct plic_source_key {
	__u32 prefixlen;  /* in bits, 32 of them for the set */
	__u32 set;	  /* a digest of its networks and of which pods are in it */
	__u8 address[16]; /* IPv4 mapped */
};
#define PLIC_SOURCES_ORIGINS 0
/* Bits of a value. */
#define PLIC_SOURCE_IN 1  /* a network that is in */
#define PLIC_SOURCE_POD 2 /* a pod's address */
#define PLIC_SOURCE_NETWORK                                                                        \
	4 /* ... that is a network of the policy as well: _IN says what that means */
#define PLIC_MAX_SOURCES 65536

/*
 * Who sends on `lo`: `plic_senders` (LRU, the node's own), written where a packet that may open a flow to
 * a port with a rule leaves, read where it comes in. The addresses and ports are those on the wire.
 */
struct plic_sender_key {
	__u8 remote[16], local[16]; /* IPv4 mapped; remote: the sender's */
	__u16 remote_port, local_port;
	__u32 gate;
	__u8 proto;
	__u8 pad[7];
};

struct plic_sender {
	__u64 cgroup;  /* id (cgroup v2), 0: unknown */
	__u32 origins; /* the one that it is, or those that it may be: bit enum plic_origin */
	__u32 pad;
};

#define PLIC_MAX_SENDERS 16384
/* Upper half of skb->cb[0] of such a packet, which keeps it from the egress of `lo` to its ingress. */
#define PLIC_SENDER_NOTED 0x706c0000

/*
 * What user space knows of a cgroup: the node's HASH `plic_cgroups`, key: its id. It holds for the cgroups
 * below it too, unless its origin is NODE: a container that has just begun may be among those. Key
 * PLIC_CGROUP_STRANGER is the programs' word to user space: somebody unknown sends or listens in this gate.
 */
struct plic_cgroup {
	__u32 gate;   /* the pod that it is a container of, with origin SIBLING; else 0 */
	__u32 origin; /* enum plic_origin of what it sends on the `lo` of a gate */
};
#define PLIC_CGROUP_STRANGER 0 /* no cgroup has this id */
#define PLIC_MAX_CGROUPS 65536
#define PLIC_CGROUP_LEVELS 8 /* of the sender's ancestors that are looked up, the deepest first */

/* Which cgroup listens on a port: the node's HASH `plic_owners`. Value: cgroup id. */
struct plic_owner_key {
	__u32 gate;
	__u16 port;
	__u8 proto; /* IP protocol number */
	__u8 pad;
};
#define PLIC_MAX_OWNERS 65536

/* New connections by where they came from: the node's HASH `plic_arrivals`. */
struct plic_arrival_key {
	__u32 gate;
	__u16 slot;
	__u8 origin;
	__u8 pad;
};

struct plic_arrival {
	__u64 connections;
	__u64 last_ns;
};
#define PLIC_MAX_ARRIVALS 65536

/*
 * What is used of a limit. owner: a gate id, or PLIC_NODE_WIDE. port: the one that the client named, also
 * within a range. Entries are made by the programs, and read, kept and given back by user space.
 */
struct plic_usage_key {
	__u64 line;
	__u32 owner;
	__u16 port;
	__u8 proto; /* IP protocol number */
	__u8 pad;
};
#define PLIC_NODE_WIDE 0xffffffff
#define PLIC_MAX_USAGE 65536

/*
 * A quota: `plic_quotas` (HASH, the node's own). Its key has line ^ window_ns in the place of the line,
 * for windows of another length are another quota; port and proto are 0 with PLIC_LIMIT_QUOTA_LINE. Two
 * windows, so that the change of one loses nothing.
 */
struct plic_quota {
	__u64 window;			/* number of the newer one, (now - start_ns) / window_ns */
	__u64 ends_ns;			/* boot clock: when that one ends, for user space */
	__u64 connections[2], bytes[2]; /* of window w in [w % 2] */
};

/* Seats: `plic_seats` (HASH, the node's own) counts them, `plic_seated` has one entry a seat. */
struct plic_seats {
	__u64 used;
};

struct plic_seated_key {
	struct plic_usage_key usage;
	__u8 address[16]; /* IPv4 mapped */
};

struct plic_seated {
	__u64 connections; /* that stand (TCP) */
	__u64 last_ns;	   /* boot clock: the last new connection, or (UDP, SCTP) packet */
};
#define PLIC_MAX_SEATED 262144
/* A TCP client makes room if all seats are taken and nothing came for longer than people and pools pause. */
#define PLIC_SEAT_IDLE_NS 900000000000ULL

/*
 * Seats that this node has borrowed of a line whose seats are counted over the cluster: `plic_shares` (HASH,
 * the node's own), key: with owner PLIC_NODE_WIDE. User space writes until_ns and seats; programs count in
 * `asked`, and make the entry for it where there is none. From until_ns on nobody sits there, the agent alive
 * or dead, nor without an entry.
 * Example: 3 of 50 seats, the node's until 12:00: { 12:00, 0, 3 }. { 12:00, 7, 0 }: who sits stays until
 * then, nobody else gets in, and 7 would.
 */
struct plic_share {
	__u64 until_ns; /* boot clock; 0: nobody sits by an earlier one any more, or there was none */
	__u64 asked;	/* how often a client found no seat: a measure, no count of clients */
	__u32 seats;
	__u32 full; /* user space's own: 1: no node can borrow more, so who is idle makes room */
};

/* What a standing TCP connection holds: `plic_holders` (HASH, the node's own), key: address of the socket. */
struct plic_holder {
	struct plic_seated_key license, policy;
	__u64 seats; /* which of the two: PLIC_HOLDER_LICENSE, PLIC_HOLDER_POLICY */
};
#define PLIC_HOLDER_LICENSE 1
#define PLIC_HOLDER_POLICY 2

/*
 * First bytes of TCP connections to ports that demand TLS: `plic_hellos` (ARRAY_OF_MAPS, gate id -> LRU),
 * a table only where a gate has such a port. An entry that is gone is made anew from what the socket has
 * received; a connection without either has lost its state.
 */
struct plic_hello {
	__u32 first; /* sequence number of the first byte, host byte order */
	__u32 seen;  /* bytes of frames that came; from PLIC_HELLO_DONE on none is looked at */
};
#define PLIC_HELLO_BYTES 6	  /* 16 03 0x, two of length, 01 */
#define PLIC_HELLO_DONE (1 << 30) /* far from where sequence numbers come round */
#define PLIC_MAX_HELLOS 16384

/*
 * What was denied, or let through all the same: the node's RINGBUF `plic_events`. Rate-limited for each
 * gate, CPU and reason; what is left out is counted (plic_budget.events_lost).
 */
struct plic_event {
	__u64 time_ns; /* boot clock */
	__u64 generation;
	__u64 cgroup; /* of a sender on `lo`, 0: unknown */
	__u32 gate;
	__u32 license;	 /* the agent's number, 0: none */
	__u32 ifindex;	 /* in the gate's namespace; 0: unknown */
	__u16 port;	 /* that the client named */
	__u16 real_port; /* that the socket has; 0: unknown, the packet got no socket */
	__u16 remote_port;
	__u8 proto, verdict, reason, origin;
	__u8 hook; /* enum plic_hook */
	__u8 tcp_flags;
	__u8 remote[16], local[16]; /* IPv4 mapped */
};

enum plic_hook {
	PLIC_HOOK_WIRE,
	PLIC_HOOK_SOCKET,
	PLIC_HOOK_EGRESS,
	PLIC_HOOK_LEDGER,
	PLIC_HOOK_SHIELD,
	PLIC_HOOK_HOST,
};

#define PLIC_EVENTS_BYTES (1 << 20)
#define PLIC_EVENT_BURST 20		    /* of one reason, on each CPU ... */
#define PLIC_EVENT_INTERVAL_NS 100000000ULL /* ... then one in this time */

_Static_assert(sizeof(struct plic_traffic) == 32, "plic_traffic");
_Static_assert(sizeof(struct plic_denial_key) == 8, "plic_denial_key");
_Static_assert(sizeof(struct plic_denial) == 32, "plic_denial");
_Static_assert(sizeof(struct plic_flow_key) == 24, "plic_flow_key");
_Static_assert(sizeof(struct plic_mark_key) == 36, "plic_mark_key");
_Static_assert(sizeof(struct plic_probe) == 32, "plic_probe");
_Static_assert(sizeof(struct plic_kubelet) == 24, "plic_kubelet");
_Static_assert(sizeof(struct plic_peer_key) == 24, "plic_peer_key");
_Static_assert(sizeof(struct plic_source_key) == 24, "plic_source_key");
_Static_assert(sizeof(struct plic_sender_key) == 48, "plic_sender_key");
_Static_assert(sizeof(struct plic_owner_key) == 8, "plic_owner_key");
_Static_assert(sizeof(struct plic_arrival_key) == 8, "plic_arrival_key");
_Static_assert(sizeof(struct plic_usage_key) == 16, "plic_usage_key");
_Static_assert(sizeof(struct plic_seated_key) == 32, "plic_seated_key");
_Static_assert(sizeof(struct plic_share) == 24, "plic_share");
_Static_assert(sizeof(struct plic_event) == 80, "plic_event");

#endif
