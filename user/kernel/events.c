/* SPDX-License-Identifier: MIT */
/* events.c - reads the ring of events. */
#include "events.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/libbpf.h>

#include "cleanup.h"
#include "node_priv.h"

struct events {
	struct ring_buffer *ring;
	events_take *take;
	void *arg;
};

static int on_event(void *ctx, void *data, size_t size)
{
	struct events *events = ctx;

	if (size >= sizeof(struct plic_event))
		events->take(data, events->arg);
	return 0;
}

int events_open(struct node *node, events_take *take, void *arg, struct events **out,
		struct fault *f)
{
	struct events *events = calloc(1, sizeof(*events));
	int r;

	if (!events)
		return fault_set(f, ENOMEM, "no memory for events");
	events->take = take;
	events->arg = arg;
	events->ring = ring_buffer__new(node->map[NODE_EVENTS], on_event, events, NULL);
	if (events->ring) {
		*out = events;
		return 0;
	}
	r = errno;
	free(events);
	return fault_set(f, r, "can't read the events of the gates: %s", strerror(r));
}

int events_fd(const struct events *events)
{
	return ring_buffer__epoll_fd(events->ring);
}

void events_read(struct events *events)
{
	ring_buffer__consume(events->ring);
}

void events_close(struct events *events)
{
	if (!events)
		return;
	ring_buffer__free(events->ring);
	free(events);
}
