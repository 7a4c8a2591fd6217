/* SPDX-License-Identifier: MIT */
/* graveyard.c - the tombstones that a gate keeps, and for how long. */
#include "graveyard.h"

#include <errno.h>
#include <stdlib.h>

static bool covers(const struct tombstone *a, const struct tombstone *b)
{
	return a->ip_proto == b->ip_proto && a->port <= b->port && b->end_port <= a->end_port &&
	       a->cut_at_ns >= b->cut_at_ns;
}

static __u64 later(__u64 a, __u64 b)
{
	return a > b ? a : b;
}

/* Takes out what t covers; the longest that one of them was to be kept, or t itself. */
static __u64 take_over(struct graveyard *g, const struct tombstone *t, __u64 kept_until_ns)
{
	size_t n = 0;

	for (size_t i = 0; i < g->n; i++) {
		if (covers(t, &g->stones[i]))
			kept_until_ns = later(kept_until_ns, g->stones[i].kept_until_ns);
		else
			g->stones[n++] = g->stones[i];
	}
	g->n = n;
	return kept_until_ns;
}

int graveyard_bury(struct graveyard *g, const struct tombstone *t, __u64 now_ns)
{
	__u64 kept_until_ns = later(t->cut_at_ns, now_ns) + GRAVEYARD_KEEP_NS;
	struct tombstone *grown;

	for (size_t i = 0; i < g->n; i++) {
		struct tombstone *old = &g->stones[i];

		if (!covers(old, t))
			continue;
		old->kept_until_ns = later(old->kept_until_ns, kept_until_ns);
		return 0;
	}
	grown = reallocarray(g->stones, g->n + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	g->stones = grown;
	kept_until_ns = take_over(g, t, kept_until_ns);
	grown[g->n] = *t;
	grown[g->n++].kept_until_ns = kept_until_ns;
	return 0;
}

void graveyard_clear(struct graveyard *g, __u64 now_ns, graveyard_stands *stands, const void *arg)
{
	size_t n = 0, left = g->n;

	for (size_t i = 0; i < g->n; i++) {
		const struct tombstone *t = &g->stones[i];
		bool over = now_ns >= t->kept_until_ns ||
			    (left > GRAVEYARD_MAX && now_ns >= t->cut_at_ns);

		if (over && !stands(arg, t))
			left--;
		else
			g->stones[n++] = *t;
	}
	g->n = n;
}

void graveyard_free(struct graveyard *g)
{
	free(g->stones);
	*g = (struct graveyard){0};
}
