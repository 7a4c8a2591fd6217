/* SPDX-License-Identifier: MIT */
/* shares.c - the node's shares of seats in the kernel's table. */
#include "shares.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>

#include "cleanup.h"
#include "gate_priv.h"
#include "hash.h"
#include "outer.h"
#include "seattable.h"

#define SEED_NS 60000000000ULL

/* As the kernel has them. */
struct entry {
	struct plic_usage_key usage;
	struct plic_share value;
};
_Static_assert(sizeof(struct entry) == sizeof(struct plic_usage_key) + sizeof(struct plic_share),
	       "records of hash_read");

int shares_compare(const void *a, const void *b)
{
	return memcmp(&((const struct share *)a)->usage, &((const struct share *)b)->usage,
		      sizeof(struct plic_usage_key));
}

static int read_entries(const struct node *node, struct entry **out, size_t *n)
{
	return hash_read(node->map[NODE_SHARES], sizeof((*out)->usage), sizeof((*out)->value),
			 (void **)out, n);
}

int shares_read(const struct node *node, struct share **out, size_t *n)
{
	_free_ struct entry *entries = NULL;
	struct share *list;
	size_t count;
	int r = read_entries(node, &entries, &count);

	if (r < 0)
		return r;
	list = calloc(count + 1, sizeof(*list));
	if (!list)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		const struct plic_share *value = &entries[i].value;

		list[i] = (struct share){.usage = entries[i].usage,
					 .seats = value->seats,
					 .until_ns = value->until_ns,
					 .asked = value->asked,
					 .used = seattable_used(node, &entries[i].usage)};
	}
	qsort(list, count, sizeof(*list), shares_compare);
	*out = list;
	*n = count;
	return 0;
}

/* Replaced as a whole, so that a program sees seats and time of one and the same share. */
static int put(const struct node *node, const struct plic_usage_key *usage,
	       const struct plic_share *share)
{
	return bpf_map_update_elem(node->map[NODE_SHARES], usage, share, BPF_ANY);
}

/* -EAGAIN: it has ended, and hasn't been swept. */
static int get(const struct node *node, const struct plic_usage_key *usage,
	       struct plic_share *share)
{
	int r = bpf_map_lookup_elem(node->map[NODE_SHARES], usage, share);

	if (r == 0 && share->until_ns && share->until_ns <= boot_now_ns())
		return -EAGAIN;
	return r;
}

int shares_write(const struct node *node, const struct plic_usage_key *usage, uint32_t seats,
		 uint64_t until_ns)
{
	struct plic_share share = {0};
	int r = get(node, usage, &share);

	if (r < 0 && r != -ENOENT)
		return r;
	share.seats = seats;
	share.until_ns = until_ns;
	return put(node, usage, &share);
}

int shares_lower(const struct node *node, const struct plic_usage_key *usage, uint32_t *seats)
{
	struct plic_share share;
	uint32_t before;
	uint64_t used;
	int r = bpf_map_lookup_elem(node->map[NODE_SHARES], usage, &share);

	if (r < 0)
		return r;
	before = share.seats;
	if (*seats >= before) {
		*seats = before;
		return 0;
	}
	/* None is idle: nothing can be lowered, and nobody has to wait each second to learn that. */
	if (seattable_used(node, usage) >= before) {
		*seats = before;
		return 0;
	}
	share.seats = *seats;
	r = put(node, usage, &share);
	if (r == 0)
		r = outer_wait();
	if (r < 0)
		return r;
	used = seattable_used(node, usage);
	if (used > before)
		used = before;
	if (used > *seats) {
		r = shares_write(node, usage, (uint32_t)used, share.until_ns);
		*seats = r == 0 ? (uint32_t)used : *seats;
	}
	return 0;
}

int shares_set_full(const struct node *node, const struct plic_usage_key *usage, bool full)
{
	struct plic_share share;
	int r = bpf_map_lookup_elem(node->map[NODE_SHARES], usage, &share);

	if (r < 0 || share.full == full)
		return r;
	share.full = full;
	return put(node, usage, &share);
}

int shares_drop(const struct node *node, const struct plic_usage_key *usage)
{
	struct plic_share share;
	int r = get(node, usage, &share);

	if (r < 0 || !share.until_ns)
		return r == -ENOENT || r == -EAGAIN ? 0 : r;
	share.seats = 0;
	share.until_ns = boot_now_ns();
	return put(node, usage, &share);
}

int shares_forget(const struct node *node, const struct plic_usage_key *usage)
{
	struct plic_share share;
	int r = bpf_map_lookup_elem(node->map[NODE_SHARES], usage, &share);

	if (r == 0 && !share.until_ns && !seattable_used(node, usage))
		r = bpf_map_delete_elem(node->map[NODE_SHARES], usage);
	return r == -ENOENT ? 0 : r;
}

bool shares_in_force(const struct node *node, const struct plic_usage_key *usage, uint64_t now_ns,
		     struct plic_share *out)
{
	return bpf_map_lookup_elem(node->map[NODE_SHARES], usage, out) == 0 &&
	       now_ns < out->until_ns;
}

void shares_seed(const struct node *node, const struct plic_usage_key *usage, uint64_t now_ns)
{
	const struct plic_share share = {.until_ns = now_ns + SEED_NS};

	bpf_map_update_elem(node->map[NODE_SHARES], usage, &share, BPF_NOEXIST);
}

void shares_ask(const struct node *node, const struct plic_usage_key *usage)
{
	struct plic_share share = {0};

	bpf_map_lookup_elem(node->map[NODE_SHARES], usage, &share);
	share.asked++;
	put(node, usage, &share);
}

void shares_sweep(const struct node *node, uint64_t ended_ns,
		  bool (*alive)(const struct plic_usage_key *usage, void *data), void *data)
{
	_free_ struct entry *entries = NULL;
	size_t n, asked = 0;

	if (read_entries(node, &entries, &n))
		return;
	for (size_t i = 0; i < n; i++) {
		const struct entry *e = &entries[i];
		const struct plic_share swept = {.asked = e->value.asked};

		if (e->value.until_ns > ended_ns)
			continue;
		if (!alive(&e->usage, data) || (!e->value.until_ns && ++asked > SHARES_ASKED))
			bpf_map_delete_elem(node->map[NODE_SHARES], &e->usage);
		else if (e->value.until_ns)
			put(node, &e->usage, &swept);
	}
}
