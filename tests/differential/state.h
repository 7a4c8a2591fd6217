/* SPDX-License-Identifier: MIT */
/* state.h - what the programs find: a rule set, who spoke first, the pod's connected sockets. */
#ifndef PORTLIC_TEST_STATE_H
#define PORTLIC_TEST_STATE_H

#include "box.h"

void state_open(struct box *box);
/* n cells; none: there is no set. rebuilt: read, and written again by user/core/ruleset.c. */
void state_set_rules(const struct plic_cell *cells, uint32_t n, bool rebuilt);
/* which: enum table. All that is in it: n entries. */
void state_write(uint32_t which, const uint8_t *entries, uint32_t n);
void state_dump(uint32_t which);			     /* to stdout: u32 n, n entries */
uint32_t state_set_sockets(const uint8_t *keys, uint32_t n); /* plic_mark_keys. How many stand */

#endif
