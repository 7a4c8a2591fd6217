/* SPDX-License-Identifier: MIT */
/*
 * portlic.h - the one contract between the BPF programs and user space.
 *
 * Included by bpf/ (clang, target bpf) and by user/ and tests/ (the host's compiler), so it holds
 * fixed-width types and constants only. Every hole is a named, zeroed `pad`; sizes and offsets are
 * asserted below. Times are nanoseconds of CLOCK_BOOTTIME, ports are in host byte order and
 * addresses in network byte order unless a comment says otherwise.
 */
#ifndef PORTLIC_H
#define PORTLIC_H

#include <linux/types.h>

#define PLIC_ABI 3			 /* raised when a pinned map's layout changes */
#define PLIC_MAX_GATES 4096		 /* gate ids are 0 .. PLIC_MAX_GATES-1 */
#define PLIC_NEVER 0xffffffffffffffffULL /* a time that never comes (saturation of any later one) */

/*
 * Why a packet was denied. One list: the number is in maps and events (never reused), the word is
 * the metric label, the CLI text and the JSON value, the sentence is what people read.
 */
#define PLIC_REASONS(X)                                                                            \
	X(1, UNLICENSED, "unlicensed", "no license in force opens this port")                      \
	X(2, NOT_YET_VALID, "not_yet_valid", "the license for this port has not begun")            \
	X(3, LAPSED, "lapsed", "the license for this port has ended")                              \
	X(4, REVOKED, "revoked", "the vendor revoked the license for this port")                   \
	X(5, WITHDRAWN, "withdrawn", "the license or policy that opened this port was removed")    \
	X(6, SOURCE, "source", "the policy does not admit this source address")                    \
	X(7, ORIGIN, "origin", "the policy does not admit this kind of origin")                    \
	X(8, SEATS, "seats", "all seats on this port are taken")                                   \
	X(9, RATE, "rate", "connections arrive faster than the limit on this port")                \
	X(10, QUOTA, "quota", "the quota of this port's license is used up")                       \
	X(11, PLAINTEXT, "plaintext", "this port demands TLS and the connection did not begin it") \
	X(12, BROWNOUT, "brownout", "the license has ended and a share of clients is turned away") \
	X(13, FRAGMENT, "fragment", "a first fragment too short to hold the transport header")     \
	X(14, MALFORMED, "malformed", "headers that can't be read to the end")                     \
	X(15, PROTOCOL, "protocol", "a protocol that no policy opens")                             \
	X(16, STATE_LOST, "state_lost", "the state needed to judge this packet is gone")

enum plic_reason {
	PLIC_REASON_NONE,
#define PLIC_REASON_ENUM(number, name, word, text) PLIC_REASON_##name = number,
	PLIC_REASONS(PLIC_REASON_ENUM)
#undef PLIC_REASON_ENUM
};

/*
 * Where a connection came from. On `lo` the sender's cgroup tells, elsewhere the address. One list, as
 * above; 0 is unknown.
 */
#define PLIC_ORIGINS(X)                                                                            \
	X(1, SAME_CONTAINER, "same-container") /* lo: the cgroup that listens */                   \
	X(2, SIBLING, "sibling")	       /* lo: another container of the pod */              \
	X(3, RUNTIME, "runtime")	       /* lo: the container runtime, so a port-forward */  \
	X(4, NODE, "node")		       /* an address of the node, or its process on lo */  \
	X(5, PROBE, "probe")		       /* the kubelet's probes */                          \
	X(6, POD, "pod")		       /* an address of the cluster's pods */              \
	X(7, EXTERNAL, "external")	       /* all other addresses */

enum plic_origin {
	PLIC_ORIGIN_UNKNOWN,
#define PLIC_ORIGIN_ENUM(number, name, word) PLIC_ORIGIN_##name = number,
	PLIC_ORIGINS(PLIC_ORIGIN_ENUM)
#undef PLIC_ORIGIN_ENUM
		PLIC_N_ORIGINS,
};

enum plic_verdict {
	PLIC_ALLOWED = 0,
	PLIC_DENIED = 1,
	PLIC_AUDIT = 2, /* would be denied, was let through */
};

enum plic_mode {
	PLIC_ENFORCE = 0,
	PLIC_AUDIT_MODE = 1,
	PLIC_OFF = 2, /* everything passes, nothing is counted */
};

enum plic_deny {
	PLIC_REFUSE = 0, /* TCP RST, ICMP port unreachable: the client learns at once */
	PLIC_DROP = 1,
};

enum plic_lapse {
	PLIC_BLOCK_NEW = 0, /* at new_until_ns: new flows are refused; at cut_at_ns: all are cut */
	PLIC_BLOCK = 1,	    /* cut_at_ns == new_until_ns */
	PLIC_REPORT = 2,    /* let through after new_until_ns, counted as audit/lapsed */
};

/* Index of a transport protocol with ports in a rule set's directory. */
enum plic_proto {
	PLIC_TCP = 0,
	PLIC_UDP = 1,
	PLIC_SCTP = 2,
	PLIC_N_PROTO = 3,
};

/*
 * Rule set of one gate: an ARRAY of 256-byte cells, variable in length, immutable once it is
 * published in map `plic_sets` (key: gate id). A port is found in three array lookups whatever the
 * number of ports:
 *
 *   directory cell  PLIC_CELL_DIR + proto * PLIC_DIR_CELLS + port / 8192,  .dir[port / 64 % 128]
 *                   = number of the index cell; 0: no port of this block of 64 is named
 *   index cell      .index[port % 64] = { rule cell, counter slot }; rule 0: this port isn't named
 *   rule cell       .rule
 *
 * A port that isn't named has the rule PLIC_CELL_DEFAULT and slot PLIC_SLOT_OTHER.
 *
 * A rule may name another one that stands in for it until a time (a break-glass, a rehearsal, a change
 * that waits to be confirmed): what ends an interim is the kernel's clock, the agent dead or alive. An
 * interim rule has no interim itself. The header cell has one of the same kind.
 * Example: 8080/TCP. 8080 / 8192 = 0, 8080 / 64 % 128 = 126, 8080 % 64 = 16:
 * cells[2].dir[126] = 27, cells[27].index[16] = { 26, 1 }, cells[26].rule.grants[0] = { 0, ... }.
 */
#define PLIC_CELL_SIZE 256
#define PLIC_CELL_HEADER 0
#define PLIC_CELL_DEFAULT 1
#define PLIC_CELL_DIR 2
#define PLIC_DIR_CELLS 8     /* a protocol: 8 cells * 128 entries * 64 ports = 65536 */
#define PLIC_DIR_ENTRIES 128 /* entries in a directory cell */
#define PLIC_BLOCK_PORTS 64  /* ports in an index cell */
#define PLIC_CELL_FIRST_FREE (PLIC_CELL_DIR + PLIC_N_PROTO * PLIC_DIR_CELLS)
#define PLIC_MAX_CELLS 65536
#define PLIC_MAX_GRANTS 4
#define PLIC_SLOT_OTHER 0 /* counter slot of all ports without one of their own */

/* What one license line (or one `open` of a policy) gives to a port. */
struct plic_grant {
	__u64 from_ns;	    /* valid from, inclusive; 0: since ever */
	__u64 new_until_ns; /* new flows are admitted before this time; PLIC_NEVER */
	__u64 cut_at_ns;    /* established TCP flows are cut from this time; >= new_until_ns */
	/*
	 * Brown-out, 0: none. Of the last three steps before new_until_ns each turns another quarter of the
	 * clients away, the first one the first quarter; a client is in or out by its address and `salt`.
	 * Example: exp + grace = new_until_ns, step = grace / 4: 100 % of the clients right after exp, then
	 * 75, 50 and at last 25 %.
	 */
	__u64 step_ns;
	__u32 license;	   /* the agent's number of the license, 0: an `open` of a policy */
	__u32 salt;	   /* of the license line, 0 without a brown-out */
	__u8 lapse;	   /* enum plic_lapse */
	__u8 ended_reason; /* enum plic_reason after new_until_ns: LAPSED, REVOKED, WITHDRAWN */
	/*
	 * Whom it is given to: an origin in the mask (bit: enum plic_origin) or an address of the source set
	 * (plic_sources). Both 0: everybody.
	 */
	__u16 origins;
	__u32 sources;
};

/*
 * How much of a port a grant gives. What is used of it is kept outside of rule sets, under the license
 * line and the port (struct plic_usage_key), so that it survives their swap.
 */
enum plic_limit_flag {
	PLIC_LIMIT_TLS = 1,   /* a connection has to begin with a TLS ClientHello */
	PLIC_LIMIT_BLOCK = 2, /* over the quota: denied; else let through and counted as audit */
	PLIC_LIMIT_SEATS_NODE = 4,  /* seats are counted over all gates of the node */
	PLIC_LIMIT_QUOTA_NODE = 8,  /* so is the quota */
	PLIC_LIMIT_QUOTA_LINE = 16, /* the quota is one for all ports of the line */
};

struct plic_limit {
	__u64 line;	   /* of the license line (iss, lid); PLIC_LINE_POLICY: the policy's own */
	__u64 interval_ns; /* rate: one connection in this time, after a burst; 0: no limit */
	__u64 quota_connections; /* in a window, 0: no limit */
	__u64 quota_bytes;	 /* the same, of packets that come in, from the IP header on */
	__u64 start_ns;		 /* boot clock: where window 0 begins; before boot: modulo 2^64 */
	__u64 window_ns;	 /* 0: no quota */
	__u32 burst;		 /* connections, >= 1 with interval_ns */
	__u32 seats;		 /* distinct clients at a time, 0: no limit */
	__u8 flags;		 /* enum plic_limit_flag */
	__u8 pad[7];
};
#define PLIC_LINE_POLICY 0

struct plic_rule {
	__u8 mode;	/* enum plic_mode */
	__u8 deny;	/* enum plic_deny */
	__u8 n_grants;	/* 0: unlicensed */
	__u8 flags;	/* enum plic_rule_flag */
	__u16 interim;	/* number of the rule cell that holds before until_ns; 0: none */
	__u16 origins;	/* as in a grant: the policy narrows all grants to these ... */
	__u64 until_ns; /* boot clock, 0 without an interim */
	struct plic_grant grants[PLIC_MAX_GRANTS]; /* the one that ends last comes first */
	__u32 sources;				   /* ... or these; both 0: everybody */
	__u32 pad;
};

enum plic_rule_flag {
	PLIC_RULE_NARROW = 1, /* it or a grant of it asks who the client is */
	/* The next cell is .limits, [i] of grants[i]; the one behind has the policy's own in [0]. */
	PLIC_RULE_LIMITS = 2,
	PLIC_RULE_SEATS = 4, /* one of the limits has seats */
	PLIC_RULE_QUOTA = 8, /* ... a quota */
	PLIC_RULE_TLS = 16,  /* ... demands TLS */
	PLIC_RULE_VIA = 32,  /* its own origins and sources hold at the socket and on lo alone */
};

struct plic_index {
	__u16 rule; /* number of the rule cell, 0: not named */
	__u16 slot; /* counter slot, an index in the gate's traffic map */
};

/* Whose counters a slot holds; user space only. Slot 0 is all zero: `other`. */
struct plic_slot {
	__u16 port, end_port; /* inclusive */
	__u8 ip_proto;	      /* IP protocol number */
	__u8 pad[3];
};
#define PLIC_CELL_SLOTS 32 /* slots described by one cell */

struct plic_header {
	__u64 generation;
	__u32 n_cells;
	__u32 n_slots;
	__u32 slot_cell; /* first of the cells with .slots, so that a set can be read back whole */
	__u16 interim; /* number of a header cell whose ip_open, mode and deny hold before until_ns */
	__u16 pad0;
	__u8 ip_open[32]; /* bit p % 8 of byte p / 8: IP protocol p is opened by a policy */
	__u8 mode;	  /* enum plic_mode of the gate, for packets that have no port */
	__u8 deny;	  /* enum plic_deny */
	/*
	 * TCP port of a sidecar to which NAT inside the pod leads what comes in; 0: none. A connection that
	 * wire admitted to another port may reach a socket there, nothing else does.
	 */
	__u16 via;
	__u8 pad[4];
	__u64 until_ns; /* boot clock, 0 without an interim */
};

struct plic_cell {
	union {
		struct plic_header header;
		struct plic_rule rule;
		struct plic_limit limits[PLIC_MAX_GRANTS];
		__u16 dir[PLIC_DIR_ENTRIES];
		struct plic_index index[PLIC_BLOCK_PORTS];
		struct plic_slot slots[PLIC_CELL_SLOTS];
		__u8 bytes[PLIC_CELL_SIZE];
	};
};

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
 * { 32+96+16, set, ::ffff:10.9.0.0 } = 0.
 */
struct plic_source_key {
	__u32 prefixlen;  /* in bits, 32 of them for the set */
	__u32 set;	  /* a digest of what is in it, so that its contents never change */
	__u8 address[16]; /* IPv4 mapped */
};
#define PLIC_SOURCES_ORIGINS 0
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

/* What a gate's pins say of themselves: the gate's ARRAY `plic_gate`, one element, user space only. */
struct plic_gate {
	__u32 abi, id;	 /* PLIC_ABI; gate id */
	__u64 netns_ino; /* inode of the network namespace, 0: the gate is a cgroup's */
	__u64 cgroup_id; /* of the cgroup, 0: the gate is a namespace's */
	__u64 since_ns;	 /* boot clock, when the gate came */
};

#define PLIC_NOTES 64	      /* a power of two; no fewer than frames that the stack batches */
#define PLIC_EVENT_REASONS 32 /* a power of two above enum plic_reason */

/* What one CPU may still do (token buckets in nanoseconds), and what its wire tells its socket. */
struct plic_budget {
	__u64 refuse_ns; /* boot clock up to which refusals are paid for */
	__u64 ports_ns;	 /* the same for unnamed ports that enter plic_denials */
	__u32 probing;	 /* wire is looking a socket up: socket must not count */
	__u32 pad;
	/*
	 * What wire has just decided of a local port (note_of()), in slot port % PLIC_NOTES. UDP: the
	 * packet answers the pod's own flow, which socket may not find again, for NAT inside the pod
	 * changes the remote end in between. TCP: the packet was denied and counted.
	 */
	__u64 notes[PLIC_NOTES];
	__u64 opened[PLIC_NOTES]; /* the SYNs that wire has just let in (opened_note()) */
	__u64 remaps;		  /* of them, those that reached another port's socket */
	__u64 events_ns
		[PLIC_EVENT_REASONS]; /* boot clock up to which events of a reason are paid for */
	__u64 events_lost;
};

/* Refusals (RST, ICMP) a gate may send, on each CPU: a burst, then one per interval. */
#define PLIC_REFUSE_BURST 1000
#define PLIC_REFUSE_INTERVAL_NS 1000000ULL

/* Names of maps, programs and pins: distinct within the kernel's 15 characters. */
#define PLIC_MAP_SETS "plic_sets"	  /* ARRAY_OF_MAPS, gate id -> ARRAY of plic_cell */
#define PLIC_MAP_TRAFFIC "plic_traffic"	  /* ARRAY_OF_MAPS, gate id -> ARRAY of plic_traffic */
#define PLIC_MAP_NETNS "plic_netns"	  /* HASH, u32 netns inode -> u32 gate id, for the ledger */
#define PLIC_MAP_CLOCK "plic_clock"	  /* PERCPU_ARRAY, the boot clock cached per jiffy */
#define PLIC_MAP_PEERS "plic_peers"	  /* LRU_HASH, for the ledger */
#define PLIC_MAP_SOURCES "plic_sources"	  /* LPM_TRIE */
#define PLIC_MAP_SENDERS "plic_senders"	  /* LRU_HASH */
#define PLIC_MAP_CGROUPS "plic_cgroups"	  /* HASH, u64 cgroup id -> struct plic_cgroup */
#define PLIC_MAP_OWNERS "plic_owners"	  /* HASH, struct plic_owner_key -> u64 cgroup id */
#define PLIC_MAP_ARRIVALS "plic_arrivals" /* HASH */
#define PLIC_MAP_RATES "plic_rates" /* HASH, struct plic_usage_key -> when the rate is paid up to */
#define PLIC_MAP_QUOTAS "plic_quotas"	/* HASH, struct plic_usage_key */
#define PLIC_MAP_SEATS "plic_seats"	/* HASH, struct plic_usage_key */
#define PLIC_MAP_SEATED "plic_seated"	/* HASH */
#define PLIC_MAP_HOLDERS "plic_holders" /* HASH, u64 -> struct plic_holder, the ledger's */
#define PLIC_MAP_HELLOS "plic_hellos" /* ARRAY_OF_MAPS, gate id -> LRU_HASH, struct plic_mark_key */
#define PLIC_MAP_EVENTS "plic_events" /* RINGBUF */
#define PLIC_MAP_GATE "plic_gate"     /* ARRAY of one, a gate's own */
#define PLIC_MAP_DENIALS "plic_denials" /* HASH, a gate's own */
#define PLIC_MAP_FLOWS "plic_flows"	/* LRU_HASH, a gate's own */
#define PLIC_MAP_FLOWED "plic_flowed"	/* PERCPU_ARRAY, a gate's own */
#define PLIC_MAP_CLIENTS "plic_clients" /* LRU_HASH, a gate's own */
#define PLIC_MAP_MARKS "plic_marks"	/* LRU_HASH, a gate's own */
#define PLIC_MAP_BINDS "plic_binds"	/* ARRAY, by enum plic_verdict: binds in a cgroup */
#define PLIC_MAP_BUDGET "plic_budget"	/* PERCPU_ARRAY, a gate's own: refusals, table entries */
#define PLIC_MAP_SPARED "plic_spared" /* PERCPU_ARRAY of one __u64, a gate's own: shield's drops */

_Static_assert(sizeof(struct plic_grant) == 48, "plic_grant");
_Static_assert(sizeof(struct plic_rule) == 16 + PLIC_MAX_GRANTS * 48 + 8, "plic_rule");
_Static_assert(sizeof(struct plic_limit) * PLIC_MAX_GRANTS == PLIC_CELL_SIZE, "plic_limit");
_Static_assert(sizeof(struct plic_index) == 4, "plic_index");
_Static_assert(sizeof(struct plic_header) == 72, "plic_header");
_Static_assert(sizeof(struct plic_slot) * PLIC_CELL_SLOTS == PLIC_CELL_SIZE, "plic_slot");
_Static_assert(sizeof(struct plic_cell) == PLIC_CELL_SIZE, "plic_cell");
_Static_assert(PLIC_DIR_CELLS *PLIC_DIR_ENTRIES *PLIC_BLOCK_PORTS == 65536, "directory");
_Static_assert(sizeof(struct plic_traffic) == 32, "plic_traffic");
_Static_assert(sizeof(struct plic_denial_key) == 8, "plic_denial_key");
_Static_assert(sizeof(struct plic_denial) == 32, "plic_denial");
_Static_assert(sizeof(struct plic_gate) == 32, "plic_gate");
_Static_assert(sizeof(struct plic_flow_key) == 24, "plic_flow_key");
_Static_assert(sizeof(struct plic_mark_key) == 36, "plic_mark_key");
_Static_assert(sizeof(struct plic_peer_key) == 24, "plic_peer_key");
_Static_assert(sizeof(struct plic_source_key) == 24, "plic_source_key");
_Static_assert(sizeof(struct plic_sender_key) == 48, "plic_sender_key");
_Static_assert(sizeof(struct plic_owner_key) == 8, "plic_owner_key");
_Static_assert(sizeof(struct plic_arrival_key) == 8, "plic_arrival_key");
_Static_assert(sizeof(struct plic_usage_key) == 16, "plic_usage_key");
_Static_assert(sizeof(struct plic_seated_key) == 32, "plic_seated_key");
_Static_assert(sizeof(struct plic_event) == 80, "plic_event");

#endif /* PORTLIC_H */
