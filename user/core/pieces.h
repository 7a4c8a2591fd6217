/* SPDX-License-Identifier: MIT */
/* pieces.h - cuts overlapping port ranges into disjoint pieces. Pure. */
#ifndef PORTLIC_PIECES_H
#define PORTLIC_PIECES_H

#include <stddef.h>

#include "portlic.h"

struct span {
	__u16 first, last; /* inclusive, first <= last */
	__u8 ip_proto;
};

struct piece {
	struct span span;
	const __u32 *active; /* the spans that cover it, as indices, ascending; at least one */
	size_t n_active;
};

/*
 * Calls each() for every piece, sorted by protocol and port: the longest stretches on which the set
 * of covering spans doesn't change. Stops at the first error of each() and returns it; -ENOMEM.
 */
int pieces_each(const struct span *spans, size_t n,
		int (*each)(void *ctx, const struct piece *piece), void *ctx);

#endif
