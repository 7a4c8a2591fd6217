/* SPDX-License-Identifier: MIT */
/*
 * kubenodes.h - the nodes of the cluster, by a watch: their addresses are of origin node, and those that their
 * pods get of origin pod. Kept in STATE_DIR/k8s-nodes.json for as long as the API server is away.
 */
#ifndef PORTLIC_AGENT_KUBENODES_H
#define PORTLIC_AGENT_KUBENODES_H

#include <stdint.h>

#include <cjson/cJSON.h>

#include "cluster_nodes.h"
#include "fault.h"
#include "sourcesets.h"

struct agent;
struct kube_watch;

struct kubenodes {
	struct cluster_nodes nodes;
	struct kube_watch *watch; /* NULL: no Kubernetes */
	char *path;
	bool is_lost; /* the cluster has nodes, and none of them is called as this one */
	bool unsaved;
	uint64_t save_ns;	 /* boot clock: not before */
	struct fault unwritable; /* "" if it can be written */
};

int kubenodes_open(struct agent *agent); /* reads the file; -ENOMEM */
void kubenodes_start(struct agent *agent);
void kubenodes_stop(struct agent *agent);
void kubenodes_close(struct kubenodes *nodes);
void kubenodes_tick(struct agent *agent); /* once a second */

/* A name of this node that no node has, so that no pod is seen to be on it. */
void kubenodes_warn(const struct agent *agent, cJSON *warnings);

/* Whose networks are whose, by the cluster's word, in a new array; NULL: none, or no memory (*n tells). */
struct origin_network *kubenodes_networks(const struct agent *agent, size_t *n);

#endif
