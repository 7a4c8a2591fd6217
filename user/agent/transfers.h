/* SPDX-License-Identifier: MIT */
/* transfers.h - libcurl on the agent's loop: what all transfers share. */
#ifndef PORTLIC_AGENT_TRANSFERS_H
#define PORTLIC_AGENT_TRANSFERS_H

#include <stdbool.h>
#include <uv.h>

struct transfer;

struct transfers {
	uv_loop_t *loop;
	uv_timer_t timer;
	void *multi;	      /* libcurl's */
	struct transfer *fed; /* those that a part came for, which was not handed on yet */
	bool on;
};

int transfers_start(struct transfers *transfers, uv_loop_t *loop);
void transfers_stop(struct transfers *transfers); /* each transfer must have been cancelled */

#endif
