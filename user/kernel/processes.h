/* SPDX-License-Identifier: MIT */
/* processes.h - the processes of the node: their network namespaces and cgroups (v2). */
#ifndef PORTLIC_PROCESSES_H
#define PORTLIC_PROCESSES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fault.h"

struct process {
	int pid;
	uint64_t netns; /* inode */
	char *cgroup;	/* path in the hierarchy, "/" at its top */
};

struct processes {
	struct process *list;
	size_t n;
};

/* Calls each() with the pid of every process; what it returns ends the walk unless 0. -errno of /proc: f says so. */
int processes_each(int (*each)(int pid, void *data), void *data, struct fault *f);

/* Those that end meanwhile are left out. */
int processes_read(struct processes *out, struct fault *f);
void processes_free(struct processes *p);

uint64_t process_start(int pid); /* when it began, clock ticks since boot; 0: it has gone */
int process_parent(int pid);	 /* 0: it has gone, or none of ours */
bool process_is_root(int pid);	 /* its effective user is 0 */
bool process_is_called(int pid, const char *name); /* by /proc/PID/comm */

#endif
