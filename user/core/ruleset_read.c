/* SPDX-License-Identifier: MIT */
/* ruleset_read.c - cells -> the rule of a port; whether cells are a rule set at all. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cells.h"
#include "ruleset.h"

/* Cells that a directory or an index may point at: behind the directories, before the slots. */
static bool points_well(const struct plic_header *head, unsigned int cell)
{
	return cell >= PLIC_CELL_FIRST_FREE && cell < head->slot_cell;
}

/* A rule, with its limits behind it if it has any. */
static bool has_its_cells(const struct ruleset *set, unsigned int cell)
{
	const struct plic_rule *rule = &set->cells[cell].rule;

	return rule_valid(rule) &&
	       (!(rule->flags & PLIC_RULE_LIMITS) ||
		points_well(&set->cells[PLIC_CELL_HEADER].header, cell + RULE_LIMIT_CELLS));
}

/* A rule that a port may have, and the interim that it may have. */
static bool whole_rule_valid(const struct ruleset *set, unsigned int cell)
{
	const struct plic_header *head = &set->cells[PLIC_CELL_HEADER].header;
	const struct plic_rule *rule = &set->cells[cell].rule;

	return has_its_cells(set, cell) && !rule->interim == !rule->until_ns &&
	       (!rule->interim ||
		(points_well(head, rule->interim) && has_its_cells(set, rule->interim)));
}

static bool index_valid(const struct ruleset *set, const struct plic_cell *cell)
{
	const struct plic_header *head = &set->cells[PLIC_CELL_HEADER].header;

	for (size_t i = 0; i < PLIC_BLOCK_PORTS; i++) {
		const struct plic_index *index = &cell->index[i];

		if (!index->rule)
			continue;
		if (!points_well(head, index->rule) || index->slot >= head->n_slots ||
		    !whole_rule_valid(set, index->rule))
			return false;
	}
	return true;
}

static bool header_valid(const struct ruleset *set)
{
	const struct plic_header *head = &set->cells[PLIC_CELL_HEADER].header;

	return head->n_cells == set->n_cells && set->n_cells <= PLIC_MAX_CELLS &&
	       head->mode <= PLIC_OFF && head->deny <= PLIC_DROP && head->n_slots &&
	       head->n_slots <= RULESET_MAX_SLOTS && head->slot_cell >= PLIC_CELL_FIRST_FREE &&
	       head->slot_cell < set->n_cells &&
	       (head->n_slots + PLIC_CELL_SLOTS - 1) / PLIC_CELL_SLOTS <=
		       set->n_cells - head->slot_cell &&
	       !head->interim == !head->until_ns &&
	       (!head->interim || points_well(head, head->interim));
}

static bool set_valid(const struct ruleset *set)
{
	const struct plic_header *head;

	if (set->n_cells <= PLIC_CELL_FIRST_FREE || !header_valid(set) ||
	    !whole_rule_valid(set, PLIC_CELL_DEFAULT))
		return false;
	head = &set->cells[PLIC_CELL_HEADER].header;
	for (size_t dir = PLIC_CELL_DIR; dir < PLIC_CELL_FIRST_FREE; dir++) {
		for (size_t i = 0; i < PLIC_DIR_ENTRIES; i++) {
			unsigned int cell = set->cells[dir].dir[i];

			if (cell &&
			    (!points_well(head, cell) || !index_valid(set, &set->cells[cell])))
				return false;
		}
	}
	return true;
}

int ruleset_slots(const struct ruleset *set, struct plic_slot **slots, size_t *n, struct fault *f)
{
	const struct plic_header *head;
	struct plic_slot *copy;

	if (!set_valid(set))
		return fault_set(f, EBADMSG,
				 "rule set of %u cells: its numbers contradict one another; remove "
				 "the gate's pins and put it up again",
				 set->n_cells);
	head = &set->cells[PLIC_CELL_HEADER].header;
	copy = calloc(head->n_slots, sizeof(*copy));
	if (!copy)
		return fault_set(f, ENOMEM, "rule set: out of memory for %u slots", head->n_slots);
	memcpy(copy, &set->cells[head->slot_cell], head->n_slots * sizeof(*copy));
	*slots = copy;
	*n = head->n_slots;
	return 0;
}

static const struct plic_rule *at_moment(const struct ruleset *set, unsigned int cell, __u64 now_ns)
{
	const struct plic_rule *rule = &set->cells[cell].rule;

	if (!rule->interim || rule->interim >= set->n_cells || now_ns >= rule->until_ns)
		return rule;
	return &set->cells[rule->interim].rule;
}

const struct plic_rule *ruleset_lookup(const struct ruleset *set, __u8 ip_proto, __u16 port,
				       __u64 now_ns, __u16 *slot)
{
	unsigned int proto = proto_index(ip_proto), cell;
	const struct plic_index *index;

	*slot = PLIC_SLOT_OTHER;
	if (proto == PLIC_N_PROTO)
		return at_moment(set, PLIC_CELL_DEFAULT, now_ns);
	cell = set->cells[dir_cell(proto, port)].dir[dir_entry(port)];
	if (!cell || cell >= set->n_cells)
		return at_moment(set, PLIC_CELL_DEFAULT, now_ns);
	index = &set->cells[cell].index[port % PLIC_BLOCK_PORTS];
	if (!index->rule || index->rule >= set->n_cells)
		return at_moment(set, PLIC_CELL_DEFAULT, now_ns);
	*slot = index->slot;
	return at_moment(set, index->rule, now_ns);
}

const struct plic_header *ruleset_header(const struct ruleset *set, __u64 now_ns)
{
	const struct plic_header *head = &set->cells[PLIC_CELL_HEADER].header;

	if (!head->interim || head->interim >= set->n_cells || now_ns >= head->until_ns)
		return head;
	return &set->cells[head->interim].header;
}

static __u8 block_flags(const struct ruleset *set, const struct plic_cell *block)
{
	__u8 flags = 0;

	for (size_t i = 0; i < PLIC_BLOCK_PORTS; i++) {
		const struct plic_rule *rule;

		if (!block->index[i].rule || block->index[i].rule >= set->n_cells)
			continue;
		rule = &set->cells[block->index[i].rule].rule;
		flags |= rule->flags;
		if (rule->interim && rule->interim < set->n_cells)
			flags |= set->cells[rule->interim].rule.flags;
	}
	return flags;
}

__u8 ruleset_flags(const struct ruleset *set)
{
	unsigned int last = 0;
	__u8 flags = 0;

	for (size_t dir = PLIC_CELL_DIR; dir < PLIC_CELL_FIRST_FREE; dir++) {
		for (size_t i = 0; i < PLIC_DIR_ENTRIES; i++) {
			unsigned int cell = set->cells[dir].dir[i];

			if (cell && cell != last &&
			    cell < set->n_cells) /* a range shares its block */
				flags |= block_flags(set, &set->cells[cell]);
			last = cell;
		}
	}
	return flags;
}
