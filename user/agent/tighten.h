/* SPDX-License-Identifier: MIT */
/*
 * tighten.h - a gate that was lax is enforced again: inbound flows that stand on ports which nothing opens
 * are drained, as those are that stood when a gate came.
 */
#ifndef PORTLIC_AGENT_TIGHTEN_H
#define PORTLIC_AGENT_TIGHTEN_H

#include <stdbool.h>

struct agent;
struct gate_entry;

/* Looks at what stands there and drains it; nothing where the gate isn't up. */
void tighten(struct agent *agent, const struct gate_entry *entry);

/* Drains what entry->stand has. true: there was some, so rules have to be compiled anew. */
bool tighten_now(struct gate_entry *entry);

#endif
