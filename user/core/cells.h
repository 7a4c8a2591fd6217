/* SPDX-License-Identifier: MIT */
/* cells.h - where a port stands in the cells of a rule set, and what a rule may say. Pure. */
#ifndef PORTLIC_CELLS_H
#define PORTLIC_CELLS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>

#include "portlic.h"

/* PLIC_N_PROTO: a protocol without ports. */
static inline unsigned int proto_index(__u8 ip_proto)
{
	switch (ip_proto) {
	case IPPROTO_TCP:
		return PLIC_TCP;
	case IPPROTO_UDP:
		return PLIC_UDP;
	case IPPROTO_SCTP:
		return PLIC_SCTP;
	default:
		return PLIC_N_PROTO;
	}
}

static inline size_t dir_cell(unsigned int proto, unsigned int port)
{
	return PLIC_CELL_DIR + proto * PLIC_DIR_CELLS +
	       port / (PLIC_BLOCK_PORTS * PLIC_DIR_ENTRIES);
}

static inline unsigned int dir_entry(unsigned int port)
{
	return port / PLIC_BLOCK_PORTS % PLIC_DIR_ENTRIES;
}

/* What a rule with PLIC_RULE_LIMITS has in the two cells behind its own. */
struct rule_limits {
	struct plic_limit grants[PLIC_MAX_GRANTS];
	struct plic_limit policy[PLIC_MAX_GRANTS]; /* [0]; the rest is zero */
};
#define RULE_LIMIT_CELLS (sizeof(struct rule_limits) / PLIC_CELL_SIZE)

static inline bool rule_valid(const struct plic_rule *rule)
{
	if (rule->mode > PLIC_OFF || rule->deny > PLIC_DROP || rule->n_grants > PLIC_MAX_GRANTS)
		return false;
	for (size_t i = 0; i < rule->n_grants; i++)
		if (rule->grants[i].cut_at_ns < rule->grants[i].new_until_ns ||
		    rule->grants[i].lapse > PLIC_REPORT)
			return false;
	return true;
}

#endif
