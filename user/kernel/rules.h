/* SPDX-License-Identifier: MIT */
/* rules.h - rule sets in the kernel: immutable once they are published. */
#ifndef PORTLIC_RULES_H
#define PORTLIC_RULES_H

#include "ruleset.h"

/* A filled and frozen map of the set's cells: its descriptor, or -errno. */
int rules_create(const struct ruleset *set, struct fault *f);

/* Reads a map of cells back; set is for ruleset_free. */
int rules_read(int fd, uint32_t n_cells, struct ruleset *set, struct fault *f);

#endif
