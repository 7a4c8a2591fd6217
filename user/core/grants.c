/* SPDX-License-Identifier: MIT */
/* grants.c - times on the boot clock, and how many licenses fit into one rule. */
#include "grants.h"

#include <stdlib.h>
#include <string.h>

#include "limit.h"

#define NS_PER_S 1000000000

__u64 time_base_boot_ns(const struct time_base *base, __s64 t)
{
	__int128 ns = ((__int128)t - base->wall_s) * NS_PER_S + base->boot_ns;

	if (ns < 0)
		return 0;
	return ns >= (__int128)PLIC_NEVER ? PLIC_NEVER : (__u64)ns;
}

/*
 * Whether a revocation is what ends this license. A list that is known ahead of its `at` shows only
 * in what it changed: the lapse, or an end before exp + grace with no rl_max_age to explain it.
 */
static bool ends_by_revocation(const struct license_view *view)
{
	const struct license *lic = view->lic;

	return view->state == STATE_REVOKED || view->lapse != lic->lapse ||
	       (!lic->rl_max_age_s && view->deadlines.new_until < lic->exp + lic->grace_s);
}

/* The same on every node and whatever the files are called: FNV-1a of issuer and line. */
static __u32 salt_of(const struct license *lic)
{
	const char *const parts[] = {lic->iss, lic->lid};
	__u32 hash = 0x811c9dc5;

	for (size_t i = 0; i < 2; i++)
		for (const char *c = parts[i]; c && *c; c++)
			hash = (hash ^ (__u8)*c) * 0x01000193;
	return hash;
}

bool grant_of_license(const struct license_view *view, __u32 number, const struct time_base *base,
		      bool brownout, struct plic_grant *out)
{
	if (view->state == STATE_REJECTED || view->state == STATE_SUPERSEDED || !view->lic)
		return false;
	memset(out, 0, sizeof(*out));
	out->license = number;
	if (view->deadlines.from > base->wall_s)
		out->from_ns = time_base_boot_ns(base, view->deadlines.from);
	out->new_until_ns = time_base_boot_ns(base, view->deadlines.new_until);
	out->cut_at_ns = time_base_boot_ns(base, view->deadlines.cut_at);
	out->lapse = view->lapse;
	out->ended_reason = ends_by_revocation(view) ? PLIC_REASON_REVOKED : PLIC_REASON_LAPSED;
	if (brownout && out->new_until_ns != PLIC_NEVER &&
	    out->ended_reason == PLIC_REASON_LAPSED) {
		out->step_ns = view->lic->grace_s * (__u64)NS_PER_S / 4;
		out->salt = out->step_ns ? salt_of(view->lic) : 0;
	}
	return true;
}

struct plic_grant grant_of_open(const struct policy_open *open, const char *namespace)
{
	return (struct plic_grant){
		.origins = open->from.origins,
		.sources = from_set_id(&open->from, namespace),
		.new_until_ns = PLIC_NEVER,
		.cut_at_ns = PLIC_NEVER,
		.ended_reason = PLIC_REASON_WITHDRAWN,
	};
}

struct plic_grant grant_of_tombstone(const struct tombstone *t)
{
	return (struct plic_grant){.cut_at_ns = t->cut_at_ns, .ended_reason = t->reason};
}

static int compare_u64(__u64 a, __u64 b)
{
	return (a > b) - (a < b);
}

/* The order in a rule: ends last, is cut last, begins first; then whatever is stable. */
static int compare_ends(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;
	const struct plic_grant *g = &x->grant, *h = &y->grant;
	int c = compare_u64(h->new_until_ns, g->new_until_ns);

	c = c ?: compare_u64(h->cut_at_ns, g->cut_at_ns);
	c = c ?: compare_u64(g->from_ns, h->from_ns);
	c = c ?: g->lapse - h->lapse;
	c = c ?: compare_u64(x->rank, y->rank);
	c = c ?: g->ended_reason - h->ended_reason;
	c = c ?: (!*x->name) - (!*y->name);
	c = c ?: strcmp(x->name, y->name);
	return c ?: compare_u64(g->license, h->license);
}

static int compare_begins(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;

	return compare_u64(x->grant.from_ns, y->grant.from_ns) ?: compare_ends(a, b);
}

/* Whether they give the same to the same clients, whenever they do. */
static int compare_terms(const struct candidate *x, const struct candidate *y)
{
	return x->grant.lapse - y->grant.lapse ?: compare_u64(x->grant.sources, y->grant.sources)
	       ?: compare_u64(x->grant.origins, y->grant.origins)
	       ?: memcmp(&x->limit, &y->limit, sizeof(x->limit));
}

static int compare_terms_begins(const void *a, const void *b)
{
	return compare_terms(a, b) ?: compare_begins(a, b);
}

static bool same_grant(const struct candidate *x, const struct candidate *y)
{
	struct plic_grant g = x->grant, h = y->grant;

	g.license = h.license = 0; /* the same file under two names is one */
	return x->rank == y->rank && !memcmp(&g, &h, sizeof(g));
}

/* c is in the order of compare_ends. */
static size_t drop_doubles(struct candidate *c, size_t n)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		if (kept && same_grant(&c[kept - 1], &c[i]))
			limit_widen(&c[kept - 1].limit, &c[i].limit);
		else
			c[kept++] = c[i];
	}
	return kept;
}

/* Takes b into a, whose times overlap or touch: the one that ends last gives the license. */
static void merge(struct candidate *a, const struct candidate *b)
{
	__u64 from = a->grant.from_ns, cut = a->grant.cut_at_ns;

	if (b->grant.cut_at_ns > cut)
		cut = b->grant.cut_at_ns;
	if (compare_ends(b, a) < 0)
		*a = *b;
	a->grant.from_ns = from; /* a began first */
	a->grant.cut_at_ns = cut;
}

static size_t merge_overlapping(struct candidate *c, size_t n)
{
	size_t kept = 0;

	qsort(c, n, sizeof(*c), compare_terms_begins);
	for (size_t i = 0; i < n; i++) {
		if (kept && !compare_terms(&c[kept - 1], &c[i]) &&
		    c[i].grant.from_ns <= c[kept - 1].grant.new_until_ns)
			merge(&c[kept - 1], &c[i]);
		else
			c[kept++] = c[i];
	}
	return kept;
}

size_t grants_reduce(struct candidate *c, size_t n)
{
	qsort(c, n, sizeof(*c), compare_ends);
	n = drop_doubles(c, n);
	if (n <= PLIC_MAX_GRANTS)
		return n;
	/*
	 * What has begun is from 0, so one of each lapse is left of it, and what is in force now never
	 * makes room for what is to come.
	 */
	n = merge_overlapping(c, n);
	if (n > PLIC_MAX_GRANTS) {
		qsort(c, n, sizeof(*c), compare_begins);
		n = PLIC_MAX_GRANTS;
	}
	qsort(c, n, sizeof(*c), compare_ends);
	return n;
}
