/* SPDX-License-Identifier: MIT */
/* node_priv.h - the inside of a node, for the files of this room and their tests. */
#ifndef PORTLIC_NODE_PRIV_H
#define PORTLIC_NODE_PRIV_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

#include "cgroups.h"
#include "node.h"
#include "portlic.h"

/* Node-wide maps, pinned in BPFFS/maps under their names. */
enum node_map {
	NODE_SETS,
	NODE_TRAFFIC,
	NODE_CLOCK,
	NODE_SOURCES,
	NODE_SENDERS,
	NODE_CGROUPS,
	NODE_OWNERS,
	NODE_ARRIVALS,
	NODE_RATES,
	NODE_QUOTAS,
	NODE_SEATS,
	NODE_SEATED,
	NODE_SHARES,
	NODE_HELLOS,
	NODE_EVENTS,
	NODE_PROBES,
	NODE_KUBELET,
	NODE_NETNS, /* from here on the ledger's alone */
	NODE_PEERS,
	NODE_HOLDERS,
	NODE_N_MAPS
};
#define NODE_PIN_LEDGER "ledger"
#define NODE_PIN_KUBELET "kubelet"
extern const char *const node_map_names[NODE_N_MAPS];

struct node {
	char *dir;   /* BPFFS */
	char *gates; /* BPFFS/gates */
	char *maps;  /* BPFFS/maps */
	int map[NODE_N_MAPS];
	int ledger; /* its link, -1 without tracing */
	unsigned int n_cpus;
	struct node_features features;
	char no_tracing[256];
	struct cgroup_table *cgroups; /* of the last scan, NULL: none yet */
	/* What gates that come up at once share: their ids, and the seats that seats_seed() counts and gives. */
	pthread_mutex_t lock;
	uint8_t claimed[PLIC_MAX_GATES / 8]; /* a bit for each id */
};

struct bpf_object;

/* Hands node->map (those that are >= 0) to the maps of the same name. */
int node_share_maps(const struct node *node, struct bpf_object *object);

/* Loads the ledger and attaches it unless the same is there already. node->ledger stays -1, and
 * no_tracing says why, where the kernel can't. */
int ledger_open(struct node *node, struct fault *f);

#endif
