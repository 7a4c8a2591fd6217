/* SPDX-License-Identifier: MIT */
/* apply.c - rule sets into force, with room for their counters ahead of them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "gate_priv.h"
#include "hellos.h"
#include "outer.h"
#include "rules.h"
#include "seats.h"
#include "traffic.h"

/* What is on its way into the kernel for one gate. */
struct change {
	struct gate *gate;
	const struct ruleset *set;
	int cells, traffic; /* -1: none */
};

static uint32_t n_slots(const struct ruleset *set)
{
	return set->cells[PLIC_CELL_HEADER].header.n_slots;
}

static int prepare(struct change *c, struct fault *f)
{
	struct gate *g = c->gate;
	unsigned int cpus = g->node->n_cpus;
	int r = c->cells = rules_create(c->set, f);

	if (r >= 0)
		r = hellos_make(g->node, g->id, c->set, f);
	if (r < 0 || (g->traffic >= 0 && n_slots(c->set) <= g->traffic_slots))
		return r < 0 ? r : 0;
	r = c->traffic = traffic_create(cpus, traffic_room(n_slots(c->set)), f);
	if (r < 0 || g->traffic < 0)
		return r < 0 ? r : 0;
	/* Ahead of time too: should we die before settle(), next to nothing is lost. */
	return traffic_carry(g->traffic, c->traffic, cpus, g->traffic_slots, f);
}

/* After the swap nothing writes to the old counters any more: their sums are final. */
static int settle(struct change *c, struct fault *f)
{
	struct gate *g = c->gate;
	int r = 0;

	if (c->traffic < 0)
		return 0;
	if (g->traffic >= 0)
		r = traffic_carry(g->traffic, c->traffic, g->node->n_cpus, g->traffic_slots, f);
	cleanup_close(&g->traffic);
	g->traffic = TAKE_FD(c->traffic);
	g->traffic_slots = traffic_room(n_slots(c->set));
	return r;
}

/* Who stands has seats before they are asked for; a new gate has nobody yet (gate_open). */
static void seed(struct change *c)
{
	struct gate *g = c->gate;

	if (gate_linked(g) && seats_seed(g, g->seats.cells ? &g->seats : NULL, c->set, NULL))
		g->unseeded = true;
}

/* Puts one descriptor of each change into an outer map; -1 and failed ones are left out. */
static void put(int outer, const struct change *changes, bool traffic, size_t n, uint32_t *ids,
		int *fds, int *skip, int *results)
{
	for (size_t i = 0; i < n; i++) {
		ids[i] = changes[i].gate->id;
		fds[i] = traffic ? changes[i].traffic : changes[i].cells;
		skip[i] = results[i] ? results[i] : fds[i] < 0;
	}
	outer_put(outer, ids, fds, n, skip);
	for (size_t i = 0; i < n; i++)
		if (skip[i] < 0)
			results[i] = skip[i];
}

static int report(const struct change *changes, size_t n, const int *results, struct fault *f)
{
	for (size_t i = 0; i < n; i++)
		if (results[i])
			return f && f->text[0]
				       ? results[i]
				       : fault_set(
						 f, -results[i],
						 "can't put the rules of gate \"%s\" in force: %s",
						 changes[i].gate->name, strerror(-results[i]));
	return 0;
}

int gates_apply(struct node *node, struct gate *const *gates, const struct ruleset *const *sets,
		size_t n, int *results, struct fault *f)
{
	_free_ struct change *changes = calloc(n, sizeof(*changes));
	_free_ uint32_t *ids = calloc(n, sizeof(*ids));
	_free_ int *fds = calloc(n, sizeof(*fds));
	_free_ int *skip = calloc(n, sizeof(*skip));

	if (!changes || !ids || !fds || !skip)
		return fault_set(f, ENOMEM, "no memory for %zu gates", n);
	if (f)
		f->text[0] = '\0';
	for (size_t i = 0; i < n; i++) {
		changes[i] = (struct change){gates[i], sets[i], -1, -1};
		results[i] = prepare(&changes[i], f);
	}
	put(node->map[NODE_TRAFFIC], changes, true, n, ids, fds, skip, results);
	for (size_t i = 0; i < n; i++)
		if (results[i] == 0)
			results[i] = settle(&changes[i], f);
	for (size_t i = 0; i < n; i++)
		if (results[i] == 0)
			seed(&changes[i]);
	put(node->map[NODE_SETS], changes, false, n, ids, fds, skip, results);
	for (size_t i = 0; i < n; i++) {
		if (results[i] == 0) {
			gates[i]->n_slots = n_slots(sets[i]);
			hellos_drop(node, gates[i]->id, sets[i]);
			seats_keep(gates[i], sets[i]);
		}
		cleanup_close(&changes[i].cells);
		cleanup_close(&changes[i].traffic);
	}
	return report(changes, n, results, f);
}

int gate_apply(struct gate *g, const struct ruleset *set, struct fault *f)
{
	int result;

	return gates_apply(g->node, &g, &set, 1, &result, f);
}
