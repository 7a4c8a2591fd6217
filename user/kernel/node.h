/* SPDX-License-Identifier: MIT */
/* node.h - what all gates of a node share: maps, the ledger, the kernel's features. */
#ifndef PORTLIC_NODE_H
#define PORTLIC_NODE_H

#include <stdbool.h>

#include "fault.h"

struct node;

/*
 * Opens or creates BPFFS/maps and the ledger, all pinned, so that a restart finds them. bpffs: a
 * directory on a mounted bpf file system (it is made if its parent is one). -ENODEV: not a bpffs,
 * with the remedy. An older ledger is replaced; the connections of that moment may go uncounted.
 */
int node_open(const char *bpffs, struct node **out, struct fault *f);
void node_close(struct node *node); /* NULL-safe; the pins stay and go on enforcing */
int node_cleanup(const char *bpffs, struct fault *f); /* removes every pin and attachment */

struct node_features {
	bool tcx;     /* 6.6: links that can't be removed from inside the pod */
	bool tracing; /* tp_btf: the ledger counts connections */
};
const struct node_features *node_features(const struct node *node);
const char *node_no_tracing(const struct node *node); /* why tracing is false, else "" */

/* Names of the gates whose pins are there: a new NULL-terminated array for node_names_free. */
int node_gates(const struct node *node, char ***names, struct fault *f);
void node_names_free(char **names);

#endif
