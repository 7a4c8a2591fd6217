/* SPDX-License-Identifier: MIT */
/* notify_send.h - one event is given to its target. */
#ifndef PORTLIC_AGENT_NOTIFY_SEND_H
#define PORTLIC_AGENT_NOTIFY_SEND_H

#include "notify.h"

/* Sends n->current; notify_sent() is called when it is over. -errno and why if it can't begin. */
int notify_send(struct notifier *n, struct fault *why);

/* why: NULL when it was taken. */
void notify_sent(struct notifier *n, const struct fault *why);

/* Looks at the queues at the loop's next turn. */
void notify_soon(struct notify *notify);

#endif
