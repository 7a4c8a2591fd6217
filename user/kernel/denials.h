/* SPDX-License-Identifier: MIT */
/*
 * denials.h - the bounded table of denials, and keeping room in it.
 *
 * When it fills up, ports that nobody licensed and that were knocked on least go from it; what they
 * counted goes to a key with pad DENIALS_CARRIED beside `other`, which the programs never write, so
 * that no count is lost between two writers. Readers see the two as one.
 */
#ifndef PORTLIC_DENIALS_H
#define PORTLIC_DENIALS_H

#include <stddef.h>

#include "gate.h"

#define DENIALS_CARRIED 1

/* All entries as they are in the map, carried ones too; *out is the caller's. */
int denials_read(int fd, struct gate_denial **out, size_t *n, struct fault *f);

/* Adds carried entries to their `other`; returns how many are left. */
size_t denials_merge(struct gate_denial *list, size_t n);

/* Nothing to do below 3/4 of the room; then down to 1/2. */
int denials_prune(int fd, struct fault *f);

#endif
