/* SPDX-License-Identifier: MIT */
/* outer.h - maps of maps: what is behind a gate's id, and putting something new there. */
#ifndef PORTLIC_OUTER_H
#define PORTLIC_OUTER_H

#include <stddef.h>
#include <stdint.h>

/* Descriptor of the map at id, *max_entries of it (may be NULL); -ENOENT: there is none. */
int outer_get(int outer, uint32_t id, uint32_t *max_entries);

/*
 * Puts inner[i] at ids[i] for all i, with one wait for RCU where the kernel can (6.8; before, one
 * each): when it returns, no program works on what stood there. results[i]: 0 or -errno; entries
 * with another value than 0 on entry are left out.
 */
void outer_put(int outer, const uint32_t *ids, const int *inner, size_t n, int *results);

/* Returns when no program that ran at the call runs any more, on any CPU. */
int outer_wait(void);

#endif
