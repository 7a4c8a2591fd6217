/* SPDX-License-Identifier: MIT */
/* ruleset.c - a list of ports -> cells (layout: portlic.h). */
#include "ruleset.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "cells.h"
#include "cleanup.h"

struct builder {
	struct plic_cell *cells;
	size_t n_cells, room;
	__u64 until_ns; /* of the interim, 0: none */
	__u16 *buckets; /* rule cells by hash, open addressing; 0: empty */
	size_t n_buckets;
};

static void builder_free(struct builder *b)
{
	free(b->cells);
	free(b->buckets);
}

/* Appends n zeroed cells; their first number goes to *first. The cells may move. */
static int add_cells(struct builder *b, size_t n, size_t *first, struct fault *f)
{
	if (b->n_cells + n > PLIC_MAX_CELLS)
		return fault_set(f, E2BIG,
				 "rule set: more than %d cells are needed; let fewer ports of the "
				 "gate differ in license, times or policy",
				 PLIC_MAX_CELLS);
	if (b->n_cells + n > b->room) {
		size_t room = 2 * b->room + n;
		struct plic_cell *cells = realloc(b->cells, room * sizeof(*cells));

		if (!cells)
			return fault_set(f, ENOMEM, "rule set: out of memory for %zu cells", room);
		b->cells = cells;
		b->room = room;
	}
	memset(&b->cells[b->n_cells], 0, n * sizeof(*b->cells));
	*first = b->n_cells;
	b->n_cells += n;
	return 0;
}

/* Equal rules are equal bytes: grants that aren't used and pads are zero. */
static struct plic_rule canonical_rule(const struct plic_rule *rule)
{
	struct plic_rule r;

	memset(&r, 0, sizeof(r));
	r.mode = rule->mode;
	r.deny = rule->deny;
	r.n_grants = rule->n_grants;
	r.flags = rule->flags;
	r.origins = rule->origins;
	r.sources = rule->sources;
	memcpy(r.grants, rule->grants, rule->n_grants * sizeof(r.grants[0]));
	return r;
}

static size_t hash_rule(const struct plic_rule *rule)
{
	const unsigned char *bytes = (const unsigned char *)rule;
	__u64 h = 0xcbf29ce484222325ULL; /* FNV-1a */

	for (size_t i = 0; i < sizeof(*rule); i++)
		h = (h ^ bytes[i]) * 0x100000001b3ULL;
	return h ^ h >> 32;
}

/* limits NULL: none. */
static bool same_rule(const struct builder *b, size_t cell, const struct plic_rule *r,
		      const struct rule_limits *limits)
{
	return !memcmp(&b->cells[cell].rule, r, sizeof(*r)) &&
	       (!limits || !memcmp(&b->cells[cell + 1], limits, sizeof(*limits)));
}

/* The cell of a rule: one that is there with equal contents, or a new one. */
static int cell_of(struct builder *b, const struct plic_rule *r, const struct rule_limits *limits,
		   __u16 *cell, struct fault *f)
{
	size_t n = 1 + (limits ? RULE_LIMIT_CELLS : 0);
	size_t at = hash_rule(r) & (b->n_buckets - 1), fresh;
	int err;

	for (; b->buckets[at]; at = (at + 1) & (b->n_buckets - 1)) {
		if (same_rule(b, b->buckets[at], r, limits)) {
			*cell = b->buckets[at];
			return 0;
		}
	}
	err = add_cells(b, n, &fresh, f);
	if (err)
		return err;
	b->cells[fresh].rule = *r;
	if (limits)
		memcpy(&b->cells[fresh + 1], limits, sizeof(*limits));
	b->buckets[at] = fresh;
	*cell = fresh;
	return 0;
}

static const struct rule_limits *limits_of(const struct plic_rule *rule,
					   const struct rule_limits *limits)
{
	return rule->flags & PLIC_RULE_LIMITS ? limits : NULL;
}

/* *r: the rule with its interim, whose cell is made first; the same rule twice is no interim. */
static int with_interim(struct builder *b, const struct ruleset_port *p, struct plic_rule *r,
			struct fault *f)
{
	const struct rule_limits *limits;
	struct plic_rule first;
	int err;

	*r = canonical_rule(&p->rule);
	if (!p->interim)
		return 0;
	first = canonical_rule(p->interim);
	limits = limits_of(&first, p->interim_limits);
	if (!memcmp(&first, r, sizeof(first)) &&
	    (!limits || !memcmp(limits, p->limits, sizeof(*limits))))
		return 0;
	err = cell_of(b, &first, limits, &r->interim, f);
	if (!err)
		r->until_ns = b->until_ns;
	return err;
}

static int rule_cell(struct builder *b, const struct ruleset_port *p, __u16 *cell, struct fault *f)
{
	struct plic_rule r;
	int err = with_interim(b, p, &r, f);

	return err ? err : cell_of(b, &r, limits_of(&r, p->limits), cell, f);
}

static int overlap(const struct ruleset_port *p, unsigned int port, struct fault *f)
{
	return fault_set(f, EEXIST,
			 "rule set: port %u of IP protocol %u stands in two ranges, one "
			 "of them %u-%u",
			 port, p->ip_proto, p->port, p->end_port);
}

/* Names ports first..last, which lie in one block. */
static int fill_block(struct builder *b, const struct ruleset_port *p, unsigned int first,
		      unsigned int last, struct plic_index index, struct fault *f)
{
	size_t dir = dir_cell(proto_index(p->ip_proto), first), cell;
	unsigned int entry = dir_entry(first);

	cell = b->cells[dir].dir[entry];
	if (!cell) {
		int err = add_cells(b, 1, &cell, f);

		if (err)
			return err;
		b->cells[dir].dir[entry] = cell;
	}
	for (unsigned int port = first; port <= last; port++) {
		struct plic_index *slot = &b->cells[cell].index[port % PLIC_BLOCK_PORTS];

		if (slot->rule)
			return overlap(p, port, f);
		*slot = index;
	}
	return 0;
}

static int add_port(struct builder *b, const struct ruleset_port *p, struct fault *f)
{
	struct plic_index index = {.slot = p->slot};
	unsigned int last, whole = 0; /* index cell of the whole blocks of this range */
	int err = rule_cell(b, p, &index.rule, f);

	for (unsigned int port = p->port; !err && port <= p->end_port; port = last + 1) {
		size_t dir = dir_cell(proto_index(p->ip_proto), port);
		bool is_whole;

		last = port | (PLIC_BLOCK_PORTS - 1);
		is_whole = port % PLIC_BLOCK_PORTS == 0 && last <= p->end_port;
		if (last > p->end_port)
			last = p->end_port;
		if (is_whole && whole) {
			if (b->cells[dir].dir[dir_entry(port)])
				return overlap(p, port, f);
			b->cells[dir].dir[dir_entry(port)] = whole;
			continue;
		}
		err = fill_block(b, p, port, last, index, f);
		if (!err && is_whole)
			whole = b->cells[dir].dir[dir_entry(port)];
	}
	return err;
}

static bool limited_well(const struct plic_rule *rule, const struct rule_limits *limits)
{
	return rule_valid(rule) && (limits || !(rule->flags & PLIC_RULE_LIMITS));
}

static int check_port(const struct builder *b, const struct ruleset_port *p, size_t n_slots,
		      struct fault *f)
{
	if (!p->port || p->end_port < p->port || proto_index(p->ip_proto) == PLIC_N_PROTO ||
	    p->slot == PLIC_SLOT_OTHER || p->slot >= n_slots ||
	    !limited_well(&p->rule, p->limits) ||
	    (p->interim && (!b->until_ns || !limited_well(p->interim, p->interim_limits))))
		return fault_set(f, EINVAL,
				 "rule set: ports %u-%u, IP protocol %u, slot %u of %zu: out of "
				 "range, or their rule is",
				 p->port, p->end_port, p->ip_proto, p->slot, n_slots);
	return 0;
}

static int builder_init(struct builder *b, const struct plic_rule *default_rule,
			const struct ruleset_interim *interim, size_t n_ports, struct fault *f)
{
	const struct ruleset_port other = {.rule = *default_rule,
					   .interim = interim ? &interim->default_rule : NULL};
	size_t first, n_buckets = 64;
	struct plic_rule rest;
	int err;

	/* Never more rules than cells, so half of the buckets stay empty. */
	while (n_buckets < 4 * n_ports && n_buckets < 2 * PLIC_MAX_CELLS)
		n_buckets *= 2;
	b->buckets = calloc(n_buckets, sizeof(*b->buckets));
	if (!b->buckets)
		return fault_set(f, ENOMEM, "rule set: out of memory for %zu ports", n_ports);
	b->n_buckets = n_buckets;
	b->until_ns = interim ? interim->until_ns : 0;
	err = add_cells(b, PLIC_CELL_FIRST_FREE, &first, f);
	if (!err)
		err = with_interim(b, &other, &rest, f);
	if (!err)
		b->cells[PLIC_CELL_DEFAULT].rule = rest;
	return err;
}

static int add_slots(struct builder *b, const struct plic_slot *slots, size_t n_slots,
		     size_t *first, struct fault *f)
{
	int err = add_cells(b, (n_slots + PLIC_CELL_SLOTS - 1) / PLIC_CELL_SLOTS, first, f);

	if (!err)
		memcpy(&b->cells[*first], slots, n_slots * sizeof(*slots));
	return err;
}

static void fill_header(struct plic_header *head, const struct plic_header *header)
{
	memcpy(head->ip_open, header->ip_open, sizeof(head->ip_open));
	head->mode = header->mode;
	head->deny = header->deny;
	head->via = header->via;
}

/* The header's own interim; it may equal it. */
static int add_interim_header(struct builder *b, const struct ruleset_interim *interim,
			      struct fault *f)
{
	size_t cell;
	int err = add_cells(b, 1, &cell, f);

	if (err)
		return err;
	fill_header(&b->cells[cell].header, &interim->header);
	b->cells[PLIC_CELL_HEADER].header.interim = cell;
	b->cells[PLIC_CELL_HEADER].header.until_ns = interim->until_ns;
	return 0;
}

static bool heads_valid(const struct plic_header *header, const struct plic_rule *default_rule)
{
	return rule_valid(default_rule) && header->mode <= PLIC_OFF && header->deny <= PLIC_DROP;
}

int ruleset_build(const struct plic_header *header, const struct plic_rule *default_rule,
		  const struct ruleset_port *ports, size_t n_ports, const struct plic_slot *slots,
		  size_t n_slots, const struct ruleset_interim *interim, struct ruleset *out,
		  struct fault *f)
{
	_cleanup_(builder_free) struct builder b = {0};
	struct plic_header *head;
	size_t slot_cell;
	int err;

	if (n_slots > RULESET_MAX_SLOTS)
		return fault_set(
			f, E2BIG,
			"rule set: %zu counters of ports and ranges, at most %d; name fewer, "
			"or take the gate down and up so that old ones are forgotten",
			n_slots, RULESET_MAX_SLOTS);
	if (!n_slots || !heads_valid(header, default_rule) ||
	    (interim &&
	     (!interim->until_ns || !heads_valid(&interim->header, &interim->default_rule))))
		return fault_set(f, EINVAL, "rule set: header, default rule or slots out of range");
	err = builder_init(&b, default_rule, interim, n_ports, f);
	for (size_t i = 0; !err && i < n_ports; i++) {
		err = check_port(&b, &ports[i], n_slots, f);
		if (!err)
			err = add_port(&b, &ports[i], f);
	}
	if (!err && interim)
		err = add_interim_header(&b, interim, f);
	if (!err)
		err = add_slots(&b, slots, n_slots, &slot_cell, f);
	if (err)
		return err;
	head = &b.cells[PLIC_CELL_HEADER].header;
	head->generation = header->generation;
	fill_header(head, header);
	head->n_cells = b.n_cells;
	head->n_slots = n_slots;
	head->slot_cell = slot_cell;
	out->n_cells = b.n_cells;
	out->cells = TAKE_PTR(b.cells);
	return 0;
}

void ruleset_free(struct ruleset *set)
{
	free(set->cells);
	*set = (struct ruleset){0};
}
