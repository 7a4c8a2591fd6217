/* SPDX-License-Identifier: MIT */
/* sweep.h - sees to it that every gate stays whole: interfaces, removed hooks, dead namespaces. */
#ifndef PORTLIC_AGENT_SWEEP_H
#define PORTLIC_AGENT_SWEEP_H

struct agent;

#define SWEEP_MS 500

/*
 * One round: a job over all gates that stand, and an attempt at those that don't. Skipped while the
 * round before is still under way.
 */
void sweep(struct agent *agent);

/* Goes on putting up gates that wait, a few at a time, so that other kernel work gets its turn. */
void sweep_waiting(struct agent *agent);

#endif
