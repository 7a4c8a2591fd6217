/* SPDX-License-Identifier: MIT */
/*
 * denials.h - the bounded table of denials, and keeping room in it.
 *
 * When it fills up, ports that nobody licensed and that were knocked on least go from it; what they
 * counted goes to a key with pad DENIALS_CARRIED beside `other`, which the programs never write, so
 * that no count is lost between two writers. Readers see the two as one. What probes of `portlic check`
 * raised stands at keys with pad DENIALS_PROBES, and goes the same ways; readers see it nowhere.
 */
#ifndef PORTLIC_DENIALS_H
#define PORTLIC_DENIALS_H

#include <stddef.h>

#include "gate.h"

#define DENIALS_CARRIED 1
#define DENIALS_PROBES 2 /* how much of the entry of the same name is our own probes */

/* All entries as they are in the map, carried ones too; *out is the caller's. */
int denials_read(int fd, struct gate_denial **out, size_t *n, struct fault *f);

/*
 * Adds carried entries to their `other` and takes probes out; returns how many are left. *n_probes: knocks
 * that were taken out. An entry that others raised too keeps its time, be it that of a probe.
 */
size_t denials_merge(struct gate_denial *list, size_t n, uint64_t *n_probes);

/* Notes that so much of the entry `key` is a probe. */
int denials_note_probe(int fd, const struct plic_denial_key *key, const struct plic_denial *probe);

/* Nothing to do below 3/4 of the room; then down to 1/2. */
int denials_prune(int fd, struct fault *f);

#endif
