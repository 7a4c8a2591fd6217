/* SPDX-License-Identifier: MIT */
/* layout.c - see layout.h. */
#include <stddef.h>
#include <stdio.h>

#include "box.h"
#include "judge.h"
#include "layout.h"

#define FIELD(type, field)                                                                         \
	printf("field %s.%s %zu %zu\n", #type, #field, offsetof(struct type, field),               \
	       sizeof(((struct type *)0)->field))
#define CONSTANT(name) printf("constant %s %llu\n", #name, (unsigned long long)(name))

static void tell_rules(void)
{
	FIELD(plic_header, generation);
	FIELD(plic_header, n_cells);
	FIELD(plic_header, n_slots);
	FIELD(plic_header, slot_cell);
	FIELD(plic_header, interim);
	FIELD(plic_header, ip_open);
	FIELD(plic_header, mode);
	FIELD(plic_header, deny);
	FIELD(plic_header, until_ns);
	FIELD(plic_rule, mode);
	FIELD(plic_rule, deny);
	FIELD(plic_rule, n_grants);
	FIELD(plic_rule, flags);
	FIELD(plic_rule, origins);
	FIELD(plic_rule, sources);
	FIELD(plic_rule, interim);
	FIELD(plic_rule, until_ns);
	FIELD(plic_rule, grants);
	FIELD(plic_grant, from_ns);
	FIELD(plic_grant, new_until_ns);
	FIELD(plic_grant, cut_at_ns);
	FIELD(plic_grant, step_ns);
	FIELD(plic_grant, license);
	FIELD(plic_grant, salt);
	FIELD(plic_grant, lapse);
	FIELD(plic_grant, ended_reason);
	FIELD(plic_grant, origins);
	FIELD(plic_grant, sources);
}

void layout_tell(bool lookups)
{
	tell_rules();
	CONSTANT(PLIC_CELL_SIZE);
	CONSTANT(PLIC_CELL_HEADER);
	CONSTANT(PLIC_CELL_DEFAULT);
	CONSTANT(PLIC_CELL_DIR);
	CONSTANT(PLIC_DIR_CELLS);
	CONSTANT(PLIC_DIR_ENTRIES);
	CONSTANT(PLIC_BLOCK_PORTS);
	CONSTANT(PLIC_CELL_FIRST_FREE);
	CONSTANT(PLIC_MAX_GRANTS);
	CONSTANT(PLIC_RULE_NARROW);
	CONSTANT(PLIC_RULE_VIA);
	CONSTANT(sizeof(struct plic_grant));
	CONSTANT(JUDGE_MAX_CELLS);
	CONSTANT(BOX_SLOTS);
	CONSTANT(lookups);
	printf("end\n");
}
