/* SPDX-License-Identifier: MIT */
/*
 * podnets.h - the network namespaces that the pods of this node are in, by their processes: the path of a
 * process's cgroup (v1 or v2) names its pod's UID, whatever the pod's own name is.
 */
#ifndef PORTLIC_PODNETS_H
#define PORTLIC_PODNETS_H

#include <stddef.h>
#include <stdint.h>

#include "fault.h"
#include "pod.h"

/* Processes of one pod in one namespace. A pod has several of them if it makes some of its own. */
struct podnet {
	char uid[POD_UID_MAX + 1];
	uint64_t netns;	    /* inode */
	int pid;	    /* its oldest process ... */
	uint64_t born_ns;   /* ... which began at this moment of the boot clock ... */
	char container[65]; /* ... in this container: the sandbox's, "" if the path names none */
	char *cgroup;	    /* the pod's own in the hierarchy of v2, NULL: it has none there */
};

struct podnets {
	struct podnet *list; /* the oldest process first */
	size_t n;
};

/* One walk through /proc. Processes that end meanwhile are left out. */
int podnets_read(struct podnets *out, struct fault *f);
void podnets_free(struct podnets *nets);

/*
 * A path of the namespace that outlives its processes, where somebody has bound it in /run/netns or
 * /var/run/netns; else that of its oldest process. -ENOENT: it has gone.
 */
int podnet_path(const struct podnet *net, char *path, size_t len);

#endif
