/* SPDX-License-Identifier: MIT */
/* portlic_rules.h - part of portlic.h, which is what is included: the rule set of a gate. */
#ifndef PORTLIC_RULE_SET_H
#define PORTLIC_RULE_SET_H

#ifndef PORTLIC_H
#error include portlic.h
#endif

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
	/* With SEATS_NODE: seats are all that the cluster has; here it is the node's share (plic_shares). */
	PLIC_LIMIT_SEATS_SHARE = 32,
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
#define PLIC_LINE_PROBE PLIC_NEVER /* in plic_rates: what is taken for probes (plic_kubelet) */

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
	/* There is a sidecar: its own origins and sources hold at the socket and on lo alone. */
	PLIC_RULE_VIA = 32,
	/* The kubelet's probes (plic_probes) get in, whatever the grants say, and none of it limits them. */
	PLIC_RULE_PROBE = 64,
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

_Static_assert(sizeof(struct plic_grant) == 48, "plic_grant");
_Static_assert(sizeof(struct plic_rule) == 16 + PLIC_MAX_GRANTS * 48 + 8, "plic_rule");
_Static_assert(sizeof(struct plic_limit) * PLIC_MAX_GRANTS == PLIC_CELL_SIZE, "plic_limit");
_Static_assert(sizeof(struct plic_index) == 4, "plic_index");
_Static_assert(sizeof(struct plic_header) == 72, "plic_header");
_Static_assert(sizeof(struct plic_slot) * PLIC_CELL_SLOTS == PLIC_CELL_SIZE, "plic_slot");
_Static_assert(sizeof(struct plic_cell) == PLIC_CELL_SIZE, "plic_cell");
_Static_assert(PLIC_DIR_CELLS *PLIC_DIR_ENTRIES *PLIC_BLOCK_PORTS == 65536, "directory");

#endif
