/* SPDX-License-Identifier: MIT */
/*
 * ruleset.h - builds the cells of include/portlic.h from a list of ports. Pure.
 */
#ifndef PORTLIC_RULESET_H
#define PORTLIC_RULESET_H

#include <stddef.h>

#include "cells.h"
#include "fault.h"
#include "portlic.h"

#define RULESET_MAX_SLOTS 65536 /* a slot is a u16 */

struct ruleset_port {
	__u16 port, end_port; /* inclusive; ranges of one protocol must not overlap */
	__u8 ip_proto;	      /* IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP */
	__u16 slot;	      /* counter slot, >= 1 */
	struct plic_rule rule;
	const struct rule_limits *limits; /* with PLIC_RULE_LIMITS */
	const struct plic_rule *interim;  /* holds before the interim's until_ns; NULL: the same */
	const struct rule_limits *interim_limits;
};

/* What holds before until_ns, in place of a set's own header and rule of ports not named. */
struct ruleset_interim {
	__u64 until_ns;		   /* boot clock, > 0 */
	struct plic_header header; /* ip_open, mode, deny */
	struct plic_rule default_rule;
};

struct ruleset {
	struct plic_cell *cells;
	__u32 n_cells;
};

/*
 * slots: n_slots >= 1 counter slots, slots[0] zero. default_rule: for ports not named (no grants;
 * mode and deny of the gate). header: generation, ip_open, mode and deny; the numbers of cells and
 * slots are filled in. Equal rules share a cell, and so do the whole blocks of one range. interim NULL:
 * none, and then no port has one. The rules' own `interim` and `until_ns` are filled in, too.
 * -EEXIST: two ranges overlap; -E2BIG: more than PLIC_MAX_CELLS cells or RULESET_MAX_SLOTS slots;
 * -EINVAL; -ENOMEM. out is the caller's, for ruleset_free.
 */
int ruleset_build(const struct plic_header *header, const struct plic_rule *default_rule,
		  const struct ruleset_port *ports, size_t n_ports, const struct plic_slot *slots,
		  size_t n_slots, const struct ruleset_interim *interim, struct ruleset *out,
		  struct fault *f);
void ruleset_free(struct ruleset *set);

/*
 * Checks every number in a set (it may come back from kernel memory) and reads the slots that it
 * describes: *slots is the caller's to free, *n >= 1. -EBADMSG: not a set that ruleset_build made.
 */
int ruleset_slots(const struct ruleset *set, struct plic_slot **slots, size_t *n, struct fault *f);

/*
 * Reads a set as the programs do at a moment of the boot clock: the default rule and slot 0 for a port
 * that isn't named or a protocol without ports. set has at least PLIC_CELL_FIRST_FREE cells.
 */
const struct plic_rule *ruleset_lookup(const struct ruleset *set, __u8 ip_proto, __u16 port,
				       __u64 now_ns, __u16 *slot);

/* For ruleset_lookup: after any interim, and during it (where there is one). */
#define RULESET_LASTING PLIC_NEVER
#define RULESET_INTERIM 0

/* Bits of enum plic_rule_flag that any rule of a port has, an interim one too. */
__u8 ruleset_flags(const struct ruleset *set);

/* What holds at a moment for packets without ports: ip_open, mode and deny of this header. */
const struct plic_header *ruleset_header(const struct ruleset *set, __u64 now_ns);

/* Boot time at which the set's interim ends or ended; 0: it has none. */
static inline __u64 ruleset_until_ns(const struct ruleset *set)
{
	return set->cells[PLIC_CELL_HEADER].header.until_ns;
}

#endif
