/* SPDX-License-Identifier: MIT */
/* hellos.h - a gate's table of first bytes (plic_hellos), which it has while a rule of it demands TLS. */
#ifndef PORTLIC_HELLOS_H
#define PORTLIC_HELLOS_H

#include <stdint.h>

#include "fault.h"
#include "node.h"
#include "ruleset.h"

/* Before a set is in force: makes the table if it needs one that isn't there. */
int hellos_make(struct node *node, uint32_t gate, const struct ruleset *set, struct fault *f);

/* After it: removes the table if it needs none. */
void hellos_drop(struct node *node, uint32_t gate, const struct ruleset *set);

#endif
