/* SPDX-License-Identifier: MIT */
/* seattable.h - the kernel's tables of seats: read, given, taken back, counted again. */
#ifndef PORTLIC_SEATTABLE_H
#define PORTLIC_SEATTABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "portlic.h"
#include "seating.h"

/* As the kernel has them: a client's entry, and what is used of a limit. */
struct seat {
	struct plic_seated_key key;
	struct plic_seated value;
};
struct seats_used {
	struct plic_usage_key usage;
	struct plic_seats value;
};

struct node;

/* New arrays, for free(). -errno. */
int seattable_read(const struct node *node, struct seat **out, size_t *n);
int seattable_read_used(const struct node *node, struct seats_used **out, size_t *n);

uint64_t seattable_used(const struct node *node, const struct plic_usage_key *usage);
bool seattable_has(const struct node *node, const struct plic_seated_key *key);

/* False: all are taken (over: one more than there are is given), or the table is full. */
bool seattable_give(const struct node *node, const struct plic_seated_key *key, uint32_t seats,
		    bool over, uint64_t connections, uint64_t now_ns);

/* Unless its client was active since it was read. The count follows with seattable_recount(). */
void seattable_free(const struct node *node, const struct seat *seat);

/*
 * Brings the counts in line with the entries, which the programs, for lack of atomic operations on two
 * maps, can't always. alive: whether the limit is still one; what nobody uses of others goes.
 */
int seattable_recount(const struct node *node,
		      bool (*alive)(const struct plic_usage_key *usage, void *data), void *data);

/* Forgets a gate: its id is given out again. Descriptors of the two maps. */
void seattable_forget(int seated, int seats, uint32_t gate);

#endif
