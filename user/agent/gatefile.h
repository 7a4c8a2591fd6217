/* SPDX-License-Identifier: MIT */
/* gatefile.h - STATE_DIR/gates.json: the gates that the operator wants, over restarts. */
#ifndef PORTLIC_AGENT_GATEFILE_H
#define PORTLIC_AGENT_GATEFILE_H

struct agent;

/*
 * Loads the table. A file that can't be read as one is moved to gates.json.bad with an alarm, and
 * the pins tell what there was: lost state never blocks the start.
 */
void gatefile_load(struct agent *agent);

/* Writes it, with fsync and rename; what can't be written is an alarm, and tried again. */
void gatefile_save(struct agent *agent);
void gatefile_save_again(struct agent *agent); /* if it couldn't be; to be called often */

#endif
