/* SPDX-License-Identifier: MIT */
/* ports.h - the port list of a gate: rules in force and counters, row by row. */
#ifndef PORTLIC_AGENT_PORTS_H
#define PORTLIC_AGENT_PORTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "portlic.h"

#define PORTS_N_VERDICTS (PLIC_AUDIT + 1)
#define PORTS_N_REASONS (PLIC_REASON_STATE_LOST + 1)

struct rule_limits;

struct port_count {
	uint64_t packets, bytes, connections;
};

struct port_row {
	uint16_t port, end_port; /* 0: the rest of the gate */
	uint8_t ip_proto;	 /* 0: any */
	uint16_t slot;		 /* PLIC_SLOT_OTHER: a port without a rule */
	const char *name;
	const char *state;			   /* docs/api.md */
	const char *lid;			   /* NULL: none */
	uint64_t deadline_ns;			   /* boot clock; PLIC_NEVER: none */
	struct port_count count[PORTS_N_VERDICTS]; /* by enum plic_verdict */
	uint64_t denied[PORTS_N_REASONS];  /* packets by enum plic_reason, audited ones too */
	uint64_t arrivals[PLIC_N_ORIGINS]; /* connections that were let in, by enum plic_origin */
	uint64_t arrival_ns;		   /* boot clock, the last one of them; 0: never */
	enum plic_origin arrival_origin;   /* and where that came from */
	bool has_seats; /* they are limited; of a range: of the port with the fewest left: */
	uint64_t seats, seats_used; /* that there are here, that are taken */
	uint64_t seats_total;	    /* of the cluster, `seats` being borrowed of them; 0: not so */
	const struct plic_rule *rule;	  /* that holds now; NULL: no rule names it */
	const struct rule_limits *limits; /* of that rule */
	uint64_t access_ns, denied_ns; /* boot clock, last time let through and denied; 0: never */
};

struct gate_entry;

/*
 * Rows sorted by protocol and port, `other` last; strings belong to the entry. The caller frees *out.
 * None as long as the gate's counters haven't been read: zeros would look like a reset. 0 or -ENOMEM.
 *
 * PORTS_EACH: a port without a rule that was knocked on has a row; named since, it takes its count
 * along. PORTS_BY_SLOT, for series that must never go back: what was counted without a slot stays
 * in `other`, of which there is one for each protocol (0: not known).
 */
enum ports_rows { PORTS_EACH, PORTS_BY_SLOT };

int ports_list(const struct gate_entry *entry, enum ports_rows rows, uint64_t now_ns,
	       struct port_row **out, size_t *n);

/* Only what rules name, without counts, which nobody has to have read. Else as ports_list. */
int ports_named(const struct gate_entry *entry, uint64_t now_ns, struct port_row **out, size_t *n);

/* When the next row of those may have another state, rules unchanged; boot clock, PLIC_NEVER: never. */
uint64_t ports_next_change(const struct gate_entry *entry, uint64_t now_ns);

const char *verdict_word(unsigned int verdict); /* enum plic_verdict */
const char *hook_word(unsigned int hook);	/* enum plic_hook, of what decided; NULL: unknown */
const char *reason_word(unsigned int reason);	/* enum plic_reason */
const char *proto_word(uint8_t ip_proto);	/* "TCP", "UDP", "SCTP", else the number */

#endif
