/* SPDX-License-Identifier: MIT */
/* pieces.c - a sweep over the edges of port ranges. */
#include "pieces.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"

struct edge {
	__u8 ip_proto;
	bool begins;
	__u32 port; /* of an end: the first port behind the span, up to 65536 */
	__u32 span;
};

static int compare_edges(const void *a, const void *b)
{
	const struct edge *x = a, *y = b;

	if (x->ip_proto != y->ip_proto)
		return x->ip_proto < y->ip_proto ? -1 : 1;
	if (x->port != y->port)
		return x->port < y->port ? -1 : 1;
	return (x->span > y->span) - (x->span < y->span);
}

static struct edge *sorted_edges(const struct span *spans, size_t n)
{
	struct edge *edges = calloc(2 * n, sizeof(*edges));

	if (!edges)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		edges[2 * i] = (struct edge){spans[i].ip_proto, true, spans[i].first, i};
		edges[2 * i + 1] = (struct edge){spans[i].ip_proto, false, spans[i].last + 1U, i};
	}
	qsort(edges, 2 * n, sizeof(*edges), compare_edges);
	return edges;
}

static void apply_edge(const struct edge *edge, __u32 *active, size_t *n)
{
	size_t at = *n;

	while (at && active[at - 1] >= edge->span)
		at--;
	if (edge->begins) {
		memmove(&active[at + 1], &active[at], (*n - at) * sizeof(*active));
		active[at] = edge->span;
		++*n;
	} else {
		--*n;
		memmove(&active[at], &active[at + 1], (*n - at) * sizeof(*active));
	}
}

int pieces_each(const struct span *spans, size_t n,
		int (*each)(void *ctx, const struct piece *piece), void *ctx)
{
	_free_ struct edge *edges = NULL;
	_free_ __u32 *active = NULL;
	size_t n_active = 0;

	if (!n)
		return 0;
	edges = sorted_edges(spans, n);
	active = calloc(n, sizeof(*active));
	if (!edges || !active)
		return -ENOMEM;
	for (size_t i = 0; i < 2 * n;) {
		const struct edge *here = &edges[i];
		struct piece piece;
		int err;

		for (; i < 2 * n && edges[i].ip_proto == here->ip_proto &&
		       edges[i].port == here->port;
		     i++)
			apply_edge(&edges[i], active, &n_active);
		if (!n_active)
			continue;
		/* A span is open, so its end follows. */
		piece.span = (struct span){here->port, edges[i].port - 1, here->ip_proto};
		piece.active = active;
		piece.n_active = n_active;
		err = each(ctx, &piece);
		if (err)
			return err;
	}
	return 0;
}
