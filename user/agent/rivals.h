/* SPDX-License-Identifier: MIT */
/* rivals.h - foreign programs that decide before a gate's own, or instead: told, counted, warned of. */
#ifndef PORTLIC_AGENT_RIVALS_H
#define PORTLIC_AGENT_RIVALS_H

#include "gates.h"
#include "json.h"

/* Takes over what a sweep found, counts what it put ahead again, and logs what is new. */
void rivals_swept(struct gate_entry *entry, const struct gate_sweep *seen);

/* A warning for each hook that a foreign program overrides. */
void rivals_warn(cJSON *warnings, const struct gate_entry *entry);

/* What is overridden, by whom, and the remedy: one sentence. interface "": the namespace. */
void rival_text(enum gate_hook hook, const char *interface, const struct gate_rival *rival,
		char *text, size_t size);

#endif
