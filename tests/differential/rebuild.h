/* SPDX-License-Identifier: MIT */
/* rebuild.h - a rule set read and written again by user/core/ruleset.c. */
#ifndef PORTLIC_TEST_REBUILD_H
#define PORTLIC_TEST_REBUILD_H

#include "ruleset.h"

/* slots: how many counters a gate has. Exits if the set is none that ruleset.c could write. */
void rebuild(const struct plic_cell *cells, uint32_t n, uint32_t slots, struct ruleset *out);

#endif
