/* SPDX-License-Identifier: MIT */
/* graveyard.h - the tombstones that a gate keeps, and for how long. Pure. */
#ifndef PORTLIC_GRAVEYARD_H
#define PORTLIC_GRAVEYARD_H

#include "compile.h"

/*
 * A tombstone stands on past its cut, until the connections that it cuts have timed out on both
 * sides (tcp_retries2: about 15 minutes); then their ports are free for the pod's own clients.
 */
#define GRAVEYARD_KEEP_NS (3600 * 1000000000ULL)
#define GRAVEYARD_MAX 1024 /* more than that make room ahead of time where nothing stands */

struct graveyard {
	struct tombstone *stones;
	size_t n;
};

/*
 * One more, kept for GRAVEYARD_KEEP_NS from its cut, or from now if that is past. One that covers the
 * other's ports and is cut no earlier takes its place. -ENOMEM.
 */
int graveyard_bury(struct graveyard *g, const struct tombstone *t, __u64 now_ns);

/* Whether sockets may stand on a port of t that would come to life without it. */
typedef bool graveyard_stands(const void *arg, const struct tombstone *t);

/* Forgets those whose time is over and where nothing stands. */
void graveyard_clear(struct graveyard *g, __u64 now_ns, graveyard_stands *stands, const void *arg);

void graveyard_free(struct graveyard *g);

#endif
