/* SPDX-License-Identifier: MIT */
/* cluster_nodes.h - the networks of a cluster's nodes: their own addresses, and those that their pods get. Pure. */
#ifndef PORTLIC_CLUSTER_NODES_H
#define PORTLIC_CLUSTER_NODES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cidr.h"
#include "fault.h"
#include "json.h"

#define CLUSTER_NODES_MAX_BYTES (16 << 20) /* of the text that is kept */

struct cluster_node {
	char *name;
	struct cidr *addresses, *pods; /* status.addresses of type InternalIP; spec.podCIDRs */
	size_t n_addresses, n_pods;
	uint32_t round; /* of the last list that showed it */
};

struct cluster_nodes {
	struct cluster_node *list; /* sorted by name */
	size_t n, room;
	uint32_t round;
	bool listing;
	bool changed; /* the networks are other ones; for the caller to reset */
};

/* What a watch shows: nodes of v1. Networks that can't be read are left out, and the fault says which. */
void cluster_nodes_begin(struct cluster_nodes *nodes);
int cluster_nodes_present(struct cluster_nodes *nodes, const cJSON *object, struct fault *f);
void cluster_nodes_gone(struct cluster_nodes *nodes, const cJSON *object);
void cluster_nodes_end(struct cluster_nodes *nodes);
bool cluster_nodes_has(const struct cluster_nodes *nodes, const char *name);

/* What has to outlive a restart without the API server. NULL: no memory. */
char *cluster_nodes_print(const struct cluster_nodes *nodes);
int cluster_nodes_parse(const char *buf, size_t len, struct cluster_nodes *out,
			struct fault *f); /* -EBADMSG, -ENOMEM */
void cluster_nodes_free(struct cluster_nodes *nodes);

#endif
