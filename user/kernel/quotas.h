/* SPDX-License-Identifier: MIT */
/* quotas.h - what is used of quotas (plic_quotas), read, given back after a restart, and forgotten. */
#ifndef PORTLIC_QUOTAS_H
#define PORTLIC_QUOTAS_H

#include <stddef.h>
#include <stdint.h>

#include "fault.h"
#include "node.h"
#include "portlic.h"

struct quota_use {
	struct plic_usage_key key; /* owner: a gate's id, or PLIC_NODE_WIDE */
	struct plic_quota quota;
};

/* All of the node, sorted by quota_compare(). *out is the caller's. */
int quotas_read(struct node *node, struct quota_use **out, size_t *n, struct fault *f);
int quota_compare(const void *a, const void *b); /* by key */

/* Those of an owner, whatever the list says of it; what is counted there already stays. */
int quotas_put(struct node *node, uint32_t owner, const struct quota_use *list, size_t n,
	       struct fault *f);

/* maps: directory of the node's pins. What a gate used of quotas and rates, when it is gone. */
void usage_forget(const char *maps, uint32_t gate);

#endif
