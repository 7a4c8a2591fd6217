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

#include "portlic_rules.h"
#include "portlic_state.h"

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
	__u32 n_opened;	 /* ever: the next one is opened[n_opened % PLIC_NOTES] */
	/*
	 * What wire has just decided of a local port (note_of()), in slot port % PLIC_NOTES. UDP: the
	 * packet answers the pod's own flow, which socket may not find again, for NAT inside the pod
	 * changes the remote end in between. TCP: the packet was denied and counted.
	 */
	__u64 notes[PLIC_NOTES];
	__u64 opened[PLIC_NOTES]; /* what wire has just let in (opened_note()) */
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
#define PLIC_MAP_SHARES "plic_shares"	/* HASH, struct plic_usage_key */
#define PLIC_MAP_HOLDERS "plic_holders" /* HASH, u64 -> struct plic_holder, the ledger's */
#define PLIC_MAP_HELLOS "plic_hellos" /* ARRAY_OF_MAPS, gate id -> LRU_HASH, struct plic_mark_key */
#define PLIC_MAP_EVENTS "plic_events" /* RINGBUF */
#define PLIC_MAP_PROBES "plic_probes" /* LRU_HASH, struct plic_mark_key -> struct plic_probe */
#define PLIC_MAP_KUBELET "plic_kubelet" /* ARRAY of one */
#define PLIC_MAP_GATE "plic_gate"	/* ARRAY of one, a gate's own */
#define PLIC_MAP_DENIALS "plic_denials" /* HASH, a gate's own */
#define PLIC_MAP_FLOWS "plic_flows"	/* LRU_HASH, a gate's own */
#define PLIC_MAP_FLOWED "plic_flowed"	/* PERCPU_ARRAY, a gate's own */
#define PLIC_MAP_CLIENTS "plic_clients" /* LRU_HASH, a gate's own */
#define PLIC_MAP_MARKS "plic_marks"	/* LRU_HASH, a gate's own */
#define PLIC_MAP_BINDS "plic_binds"	/* ARRAY, by enum plic_verdict: binds in a cgroup */
#define PLIC_MAP_BUDGET "plic_budget"	/* PERCPU_ARRAY, a gate's own: refusals, table entries */
#define PLIC_MAP_SPARED "plic_spared" /* PERCPU_ARRAY of one __u64, a gate's own: shield's drops */

_Static_assert(sizeof(struct plic_gate) == 32, "plic_gate");

#endif /* PORTLIC_H */
