/* SPDX-License-Identifier: MIT */
/* cnifile.h - STATE_DIR/cni-selection.json: what portlic-cni may let pass without asking (cni_selection.h). */
#ifndef PORTLIC_AGENT_CNIFILE_H
#define PORTLIC_AGENT_CNIFILE_H

#include <stdbool.h>
#include <uv.h>

#include "fault.h"

struct agent;

struct cnifile {
	uv_timer_t soon;
	bool running;
	char *path;
	char *written;	      /* what is on disk, NULL: not known */
	struct fault trouble; /* why it can't be written, "" if it can */
};

/* Writes it at once. -ENOMEM. */
int cnifile_start(struct agent *agent);

/* Policies, namespaces or their annotations changed: written with the loop's next round, if it differs. */
void cnifile_changed(struct agent *agent);

void cnifile_stop(
	struct agent *agent); /* the file stays: the plugin goes by it without the agent */
void cnifile_free(struct cnifile *file);

#endif
