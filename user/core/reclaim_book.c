/* SPDX-License-Identifier: MIT */
/* reclaim_book.c - since when each borrower's Lease is unchanged. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "reclaim_priv.h"
#include "sorted.h"

#define S 1000000000ULL

int reclaim_new(struct reclaim **out)
{
	struct reclaim *r = calloc(1, sizeof(*r));

	if (!r)
		return -ENOMEM;
	*out = r;
	return 0;
}

void reclaim_free(struct reclaim *r)
{
	if (!r)
		return;
	while (r->n_nodes)
		reclaim_forget(r, r->n_nodes - 1);
	for (size_t i = 0; i < r->n_pools; i++) {
		free(r->pools[i].name);
		free(r->pools[i].version);
	}
	free(r->nodes);
	free(r->pools);
	reclaim_put_down(r);
	free(r->doomed);
	free(r);
}

/* What a Lease says that no node writes is no reason to take anything back earlier. */
static uint32_t hold_of(int64_t duration_s)
{
	return duration_s < TENURE_HOLD_MIN_S || duration_s > TENURE_HOLD_MAX_S
		       ? TENURE_HOLD_MAX_S
		       : (uint32_t)duration_s;
}

uint64_t reclaim_due_ns(const struct borrower *node)
{
	return node->seen_ns + node->hold_s * S + node->hold_s * S / RECLAIM_DRIFT +
	       RECLAIM_MARGIN_S * S;
}

bool reclaim_is_due(const struct borrower *node, uint64_t now_ns)
{
	return now_ns >= reclaim_due_ns(node);
}

static int compare(const void *node, const void *borrower)
{
	return strcmp(node, ((const struct borrower *)borrower)->node);
}

/* Where it is, or belongs. */
static size_t place(const struct reclaim *r, const char *node)
{
	return sorted_place(node, r->nodes, r->n_nodes, sizeof(*r->nodes), compare);
}

struct borrower *reclaim_find(const struct reclaim *r, const char *node)
{
	size_t at = place(r, node);

	return at < r->n_nodes && !strcmp(r->nodes[at].node, node) ? &r->nodes[at] : NULL;
}

struct borrower *reclaim_add(struct reclaim *r, const char *node, uint64_t now_ns)
{
	struct borrower *there = reclaim_find(r, node);
	size_t at = place(r, node);
	char *copy;

	if (there)
		return there;
	copy = strdup(node);
	if (!copy || array_grow(&r->nodes, r->n_nodes, &r->nodes_room, sizeof(*r->nodes))) {
		free(copy);
		return NULL;
	}
	memmove(&r->nodes[at + 1], &r->nodes[at], (r->n_nodes++ - at) * sizeof(*r->nodes));
	r->nodes[at] = (struct borrower){
		.node = copy, .hold_s = TENURE_HOLD_MAX_S, .seen_ns = now_ns, .in_pool = true};
	return &r->nodes[at];
}

void reclaim_forget(struct reclaim *r, size_t i)
{
	free(r->nodes[i].node);
	free(r->nodes[i].version);
	memmove(&r->nodes[i], &r->nodes[i + 1], (--r->n_nodes - i) * sizeof(*r->nodes));
}

void reclaim_begin(struct reclaim *r)
{
	r->round++;
	r->listing = true;
}

int reclaim_saw(struct reclaim *r, const char *node, const char *version, int64_t duration_s,
		uint64_t now_ns)
{
	struct borrower *b = reclaim_add(r, node, now_ns);
	char *copy;

	if (!b)
		return -ENOMEM;
	b->round = r->round;
	if (b->version && !strcmp(b->version, version))
		return 0;
	copy = strdup(version);
	if (!copy)
		return -ENOMEM;
	free(b->version);
	b->version = copy;
	b->hold_s = hold_of(duration_s);
	b->seen_ns = now_ns;
	return 0;
}

/* Whoever has deleted its Lease, the node may have been given a long one just before. */
static void is_gone(struct borrower *b, uint64_t now_ns)
{
	if (!b->version)
		return;
	free(b->version);
	b->version = NULL;
	b->hold_s = TENURE_HOLD_MAX_S;
	b->seen_ns = now_ns;
}

void reclaim_gone(struct reclaim *r, const char *node, uint64_t now_ns)
{
	struct borrower *b = reclaim_find(r, node);

	if (b)
		is_gone(b, now_ns);
}

void reclaim_end(struct reclaim *r, uint64_t now_ns)
{
	for (size_t i = 0; r->listing && i < r->n_nodes; i++)
		if (r->nodes[i].round != r->round)
			is_gone(&r->nodes[i], now_ns);
	r->listing = false;
	r->synced = true;
}
