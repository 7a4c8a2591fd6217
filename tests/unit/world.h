/* SPDX-License-Identifier: MIT */
/* world.h - licenses and a policy in memory, compiled; what test_compile.c and test_tombstone.c share. */
#ifndef TESTS_UNIT_WORLD_H
#define TESTS_UNIT_WORLD_H

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "compile.h"

#define S 1000000000ULL
#define WALL 1800000000LL		 /* "now" in seconds since 1970 UTC ... */
#define BOOT (1000 * S)			 /* ... and on the boot clock */
#define AT(seconds) (BOOT + (seconds)*S) /* seconds from now, on the boot clock */

static const struct plic_slot other;

#define MAX_VIEWS 16
struct world {
	struct license licenses[MAX_VIEWS];
	struct license_port ports[MAX_VIEWS][8];
	struct license_view views[MAX_VIEWS];
	struct policy policy;
	struct compile_input in;
};

static inline struct world new_world(void)
{
	struct world w;

	memset(&w, 0, sizeof(w));
	w.in.mode = -1;
	w.in.slots = &other;
	w.in.n_slots = 1;
	w.in.base = (struct time_base){WALL, BOOT};
	w.in.generation = 3;
	return w;
}

/* A license in force from long ago, which ends in `left` seconds from now. Returns its index. */
static inline size_t license(struct world *w, enum license_state state, __s64 left,
			     enum plic_lapse lapse)
{
	size_t i = w->in.n_views++;
	struct license *lic = &w->licenses[i];
	struct license_view *view = &w->views[i];

	*lic = (struct license){.exp = WALL + left, .lapse = lapse, .ports = w->ports[i]};
	lic->sha256[0] = 1 + i;
	*view = (struct license_view){.lic = lic, .state = state, .lapse = lapse};
	view->deadlines.from = WALL - 1000;
	view->deadlines.new_until = WALL + left;
	view->deadlines.cut_at = lapse == PLIC_REPORT  ? LIFECYCLE_NEVER
				 : lapse == PLIC_BLOCK ? WALL + left
						       : WALL + left + LICENSE_DRAIN_S;
	return i;
}

static inline void port(struct world *w, size_t i, __u16 first, __u16 last, const char *name)
{
	struct license_port *p = &w->ports[i][w->licenses[i].n_ports++];

	*p = (struct license_port){.port = first, .end_port = last, .protocol = IPPROTO_TCP};
	snprintf(p->name, sizeof(p->name), "%s", name);
}

static inline struct compiled compile(struct world *w)
{
	struct compiled c = {0};
	struct fault f = {0};

	w->in.views = w->views;
	if (compile_gate(&w->in, &c, &f))
		fail_msg("%s", f.text);
	return c;
}

static inline const struct plic_rule *look(const struct compiled *c, __u16 p)
{
	__u16 slot;

	return ruleset_lookup(&c->set, IPPROTO_TCP, p, RULESET_LASTING, &slot);
}

static inline void is_piece(const struct compiled *c, size_t i, __u16 first, __u16 last, __u16 slot)
{
	const struct compiled_port *p;

	if (i >= c->n_ports)
		fail_msg("piece %zu of %zu", i, c->n_ports);
	p = &c->ports[i];
	if (p->port != first || p->end_port != last || p->slot != slot)
		fail_msg("piece %zu is %u-%u slot %u, wanted %u-%u slot %u", i, p->port,
			 p->end_port, p->slot, first, last, slot);
	assert_int_equal(c->slots[slot].port, first);
	assert_int_equal(c->slots[slot].end_port, last);
	assert_int_equal(c->slots[slot].ip_proto, p->ip_proto);
}

static inline void is_grant(const struct plic_rule *rule, size_t i, __u64 from, __u64 until,
			    __u64 cut, __u32 number)
{
	assert_in_range(rule->n_grants, i + 1, PLIC_MAX_GRANTS);
	assert_int_equal(rule->grants[i].from_ns, from);
	assert_int_equal(rule->grants[i].new_until_ns, until);
	assert_int_equal(rule->grants[i].cut_at_ns, cut);
	assert_int_equal(rule->grants[i].license, number);
}

#endif
