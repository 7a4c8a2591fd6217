/* SPDX-License-Identifier: MIT */
/* sorted.h - where something is in a sorted array, or belongs: what bsearch() doesn't tell. Pure. */
#ifndef PORTLIC_SORTED_H
#define PORTLIC_SORTED_H

#include <stddef.h>

/* Index of the first of n elements of `size` bytes that isn't before key; n: none. compare: as bsearch() calls it. */
static inline size_t sorted_place(const void *key, const void *base, size_t n, size_t size,
				  int (*compare)(const void *key, const void *element))
{
	size_t low = 0, high = n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (compare(key, (const char *)base + middle * size) > 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

#endif
