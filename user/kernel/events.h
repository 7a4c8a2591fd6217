/* SPDX-License-Identifier: MIT */
/* events.h - the node's ring of events (struct plic_event), which all gates write. */
#ifndef PORTLIC_EVENTS_H
#define PORTLIC_EVENTS_H

#include "node.h"
#include "portlic.h"

struct events;

typedef void events_take(const struct plic_event *event, void *arg);

/*
 * What was written while nobody read is handed over first: the ring is pinned. One reader at a time.
 * take is called from events_read() alone.
 */
int events_open(struct node *node, events_take *take, void *arg, struct events **out,
		struct fault *f);
int events_fd(const struct events *events); /* readable when there are some */
void events_read(struct events *events);
void events_close(struct events *events); /* NULL-safe */

#endif
