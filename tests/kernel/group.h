/* SPDX-License-Identifier: MIT */
/* group.h - cgroups of the test's own, named after its pid. */
#ifndef PORTLIC_TEST_GROUP_H
#define PORTLIC_TEST_GROUP_H

#include <stdbool.h>

/* False: this machine has none of version 2 that we may make, and why was printed as a skip. */
bool group_init(void);

/* Makes the cgroup "NAME", or one below another, and returns its path (four at a time). */
const char *group_make(const char *name);
void group_remove(const char *name); /* its processes must have ended */

/* This process, and what it forks, joins it; back to where it was with NULL. */
void group_join(const char *name);

#endif
