/* SPDX-License-Identifier: MIT */
/*
 * memory.h - STATE_DIR/state.json: the history of this node, which a restart goes on from. A lost one is
 * rebuilt from the kept licenses and lists, with an alarm; nothing waits for it.
 */
#ifndef PORTLIC_AGENT_MEMORY_H
#define PORTLIC_AGENT_MEMORY_H

#include "history.h"

struct agent;

struct memory {
	struct history history;
	char *path;
	struct fault lost;    /* it couldn't be read at the start, "" if it could */
	struct fault trouble; /* it can't be written */
	uint64_t saved_ns;    /* boot clock, when it was tried last */
	bool changed;	      /* something in it is news */
};

/* To be called when the sources are open, before the clock starts. -ENOMEM. */
int memory_open(struct agent *agent);
void memory_close(struct memory *memory);

/* Once a second: writes what is news, and now and then the time. */
void memory_tick(struct agent *agent);
void memory_save(struct agent *agent);

#endif
