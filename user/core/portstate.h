/* SPDX-License-Identifier: MIT */
/* portstate.h - what a port is at a moment, and what becomes of it between two rule sets. Pure. */
#ifndef PORTLIC_PORTSTATE_H
#define PORTLIC_PORTSTATE_H

#include "compile.h"
#include "pieces.h"

/* docs/api.md says what each is. */
#define PORT_STATES(X)                                                                             \
	X(LICENSED, "licensed")                                                                    \
	X(GRACE, "grace")                                                                          \
	X(OPEN, "open")                                                                            \
	X(UNENFORCED, "unenforced")                                                                \
	X(AUDIT, "audit")                                                                          \
	X(PENDING, "pending")                                                                      \
	X(DRAINING, "draining")                                                                    \
	X(REVOKED, "revoked")                                                                      \
	X(LAPSED, "lapsed")                                                                        \
	X(UNLICENSED, "unlicensed")

enum port_state {
#define PORT_STATE_ENUM(name, word) PORT_##name,
	PORT_STATES(PORT_STATE_ENUM)
#undef PORT_STATE_ENUM
		PORT_N_STATES,
};

const char *port_state_word(enum port_state state);
bool port_state_admits(enum port_state state); /* new flows pass */

/* A license that a set was compiled from; its number there is its index + 1. */
struct port_license {
	char *lid;
	enum license_state state;
};

struct port_condition {
	enum port_state state;
	const char *lid;       /* of the license that stands for the port; NULL: none */
	__u64 deadline_ns;     /* boot clock, until when that one admits; PLIC_NEVER: none */
	__u64 cut_at_ns;       /* boot clock, the last cut of its grants; 0: it has none */
	bool drains;	       /* TCP: what is established goes on, to the cut at most */
	__u8 mode, deny;       /* enum plic_mode, enum plic_deny */
	__u8 reason;	       /* enum plic_reason for what nothing admits, audited or denied */
	enum plic_lapse lapse; /* of the grant that ends last */
};

/* What a rule is at now_ns. licenses may be NULL: then it has no lid and no grace. */
struct port_condition port_condition(const struct plic_rule *rule, __u8 ip_proto,
				     const struct port_license *licenses, size_t n_licenses,
				     __u64 now_ns);

/* A compiled set at a moment. */
struct port_side {
	const struct compiled *compiled;
	const struct port_license *licenses; /* NULL: not known */
	size_t n_licenses;
	__u64 now_ns;
};

/* What a client sees of a change. */
#define PORT_EFFECTS(X)                                                                            \
	X(KEEPS, "keeps") /* new flows pass as before, or don't */                                 \
	X(OPENS, "opens")                                                                          \
	X(DRAINS, "drains") /* new flows are refused, established ones go on to the cut */         \
	X(CLOSES, "closes") /* the same, the drain over; or there never is one (UDP, a mode) */    \
	X(CUTS, "cuts")	    /* established TCP connections end without a whole drain */

enum port_effect {
#define PORT_EFFECT_ENUM(name, word) PORT_##name,
	PORT_EFFECTS(PORT_EFFECT_ENUM)
#undef PORT_EFFECT_ENUM
		PORT_N_EFFECTS,
};

const char *port_effect_word(enum port_effect effect);

struct port_change {
	__u16 port, end_port; /* 0: the ports that no rule names, or a whole IP protocol */
	__u8 ip_proto;	      /* 0: any; without a port: that protocol */
	const char *name;     /* what a license of the two sets calls it, "" */
	struct port_condition before, after;
	enum port_effect effect;
};

/* Anything at all is another than before: the state, the license behind it, mode or deny. */
bool port_change_differs(const struct port_change *change);

/*
 * Every port that one of the sets names, cut where either of them cuts; the ports in `more` (in use
 * without a rule) by themselves; the IP protocols that one of them opens; and at the end the rest.
 * Names and lids belong to the two sides. *out is the caller's to free. -ENOMEM.
 */
int port_compare(const struct port_side *before, const struct port_side *after,
		 const struct span *more, size_t n_more, struct port_change **out, size_t *n);

#endif
