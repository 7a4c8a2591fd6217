/* SPDX-License-Identifier: MIT */
/* probes.h - the probes of one gate: each listener that nothing opens, by each way into the pod. */
#ifndef PORTLIC_AGENT_PROBES_H
#define PORTLIC_AGENT_PROBES_H

#include <stdbool.h>
#include <stddef.h>

#include "gates.h"

struct probes;

/*
 * Of the listeners that the last inspection saw. guessed: what has the node's address is taken for the kubelet's
 * where those are let in, as a knock from the other end of the veth would be: left out. NULL: no memory.
 */
struct probes *probes_new(const struct gate_entry *entry, bool guessed);
void probes_free(struct probes *probes); /* NULL-safe */

/* In a job that runs alone; gate NULL: it has gone. */
void probes_send(struct probes *probes, struct gate *gate);

enum probe_verdict { PROBE_PASSED, PROBE_FAILED, PROBE_SKIPPED };

/* Tells each result: what ("9090/tcp", "veth"), by which of the pod's interfaces ("": none). */
void probes_report(const struct probes *probes,
		   void (*tell)(void *arg, const char *what, const char *path,
				enum probe_verdict verdict, const char *text),
		   void *arg);

#endif
