/* SPDX-License-Identifier: MIT */
/* guest.c - which limit gives a client its seat, and whether it may be one too many. */
#include "guest.h"

#include <string.h>

#include <bpf/bpf.h>

#include "address.h"
#include "node_priv.h"
#include "seattable.h"
#include "shares.h"

bool limit_room(const struct node *node, const struct seat_limit *limit,
		const struct plic_usage_key *usage, uint64_t now_ns, uint32_t *seats)
{
	struct plic_share share;

	*seats = limit->seats;
	if (!limit->shared)
		return true;
	if (!shares_in_force(node, usage, now_ns, &share))
		return false;
	if (share.seats < *seats)
		*seats = share.seats;
	return true;
}

static void turn(struct guest *g, const struct seat_limit *limit)
{
	g->key.usage.line = limit->line;
	g->key.usage.owner = limit->node_wide ? PLIC_NODE_WIDE : g->gate;
}

static bool has(struct guest *g, const struct seat_limit *limit)
{
	uint32_t seats;

	turn(g, limit);
	return limit_room(g->node, limit, &g->key.usage, g->now_ns, &seats) &&
	       seattable_has(g->node, &g->key);
}

static bool is_new(const struct guest *g, const struct seat_limit *limit)
{
	return !g->was_limited || !seating_gives(&g->before, limit->line, limit->shared);
}

/* Nobody who stands is thrown out because a limit comes. */
static bool may_exceed(const struct guest *g, const struct seat_limit *limit)
{
	return g->now.mode != PLIC_ENFORCE || is_new(g, limit);
}

static bool give(struct guest *g, const struct seat_limit *limit, bool over)
{
	uint32_t seats;

	turn(g, limit);
	if (over && limit->shared && is_new(g, limit))
		shares_seed(g->node, &g->key.usage, g->now_ns);
	if (!limit_room(g->node, limit, &g->key.usage, g->now_ns, &seats) &&
	    (!over || g->now.mode == PLIC_ENFORCE))
		return false;
	return seattable_give(g->node, &g->key, seats, over, g->connections, g->now_ns);
}

static bool lookup_source(const struct guest *g, uint32_t set, uint32_t *value)
{
	struct plic_source_key key = {.prefixlen = 32 + 128, .set = set};

	memcpy(key.address, g->key.address, sizeof(key.address));
	return bpf_map_lookup_elem(g->node->map[NODE_SOURCES], &key, value) == 0;
}

static bool give_policy(struct guest *g)
{
	const struct seat_limit *limit = &g->now.policy;

	return !limit->seats || has(g, limit) || give(g, limit, may_exceed(g, limit));
}

/* A grant that takes this client and limits nothing. Where on lo it is from nobody knows here. */
static bool is_free(struct guest *g, const struct seat_free *grant)
{
	uint32_t origin = PLIC_ORIGIN_EXTERNAL, in;

	if (!grant->origins && !grant->sources)
		return true;
	if (grant->sources && lookup_source(g, grant->sources, &in) && in)
		return true;
	if (!grant->origins)
		return false;
	if (address_is_loopback(g->key.address))
		return true;
	lookup_source(g, PLIC_SOURCES_ORIGINS, &origin);
	return grant->origins >> (origin & 7) & 1;
}

static bool give_license(struct guest *g)
{
	const struct seating *s = &g->now;

	if (!s->n_license)
		return true;
	for (size_t i = 0; i < s->n_free; i++)
		if (is_free(g, &s->free[i]))
			return true;
	for (size_t i = 0; i < s->n_license; i++)
		if (has(g, &s->license[i]))
			return true;
	for (size_t i = 0; i < s->n_license; i++)
		if (s->license[i].gives && give(g, &s->license[i], false))
			return true;
	for (size_t i = 0; i < s->n_license; i++)
		if (s->license[i].gives && may_exceed(g, &s->license[i]) &&
		    give(g, &s->license[i], true))
			return true;
	for (size_t i = 0; i < s->n_license; i++) {
		turn(g, &s->license[i]);
		if (s->license[i].gives && s->license[i].shared)
			shares_ask(g->node, &g->key.usage);
	}
	return false;
}

bool guest_sit(struct guest *g)
{
	return give_policy(g) && give_license(g);
}
