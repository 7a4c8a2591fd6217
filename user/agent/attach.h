/* SPDX-License-Identifier: MIT */
/* attach.h - gates come up, and go. */
#ifndef PORTLIC_AGENT_ATTACH_H
#define PORTLIC_AGENT_ATTACH_H

#include <stdint.h>

#include "fault.h"

struct agent;
struct gate_entry;

/* How it went, on the loop: err 0 or -errno, and the fault. */
typedef void attach_done(struct agent *agent, void *arg, int err, const struct fault *f);

/* Puts a gate up where it belongs, which has place_id() `place` now. done may be NULL. */
void attach_open(struct agent *agent, struct gate_entry *entry, uint64_t place, attach_done *done,
		 void *arg);

/* Takes a gate out of the table, down with its pins, and frees the entry. done may be NULL. */
void attach_remove(struct agent *agent, struct gate_entry *entry, attach_done *done, void *arg);

#endif
