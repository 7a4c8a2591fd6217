/* SPDX-License-Identifier: MIT */
/* bind.h - who this node is, for licenses bound to a cluster or a node. */
#ifndef PORTLIC_BIND_H
#define PORTLIC_BIND_H

#include "cli.h"

struct identity {
	char *cluster, *node; /* NULL: not known */
	bool skip;	      /* bindings aren't looked at */
};

/* bind: "cluster=UID,node=ID", "skip" or NULL; the node's default is /etc/machine-id. */
int identity_parse(const char *bind, struct identity *out, struct failure *why);
void identity_free(struct identity *identity);

#endif
