/* SPDX-License-Identifier: MIT */
/* origin_config.h - the configuration's `origins`: whose networks and cgroups are whose. Pure. */
#ifndef PORTLIC_ORIGIN_CONFIG_H
#define PORTLIC_ORIGIN_CONFIG_H

#include <stddef.h>

#include "cidr.h"

struct origin_config {
	struct cidr *node, *pods; /* networks */
	size_t n_node, n_pods;
	char **runtimes; /* cgroups of container runtimes, beside those that are known: see cgroup_unit() */
	size_t n_runtimes;
};

/* The member `origins` of root; absent or null: none. -EINVAL with key and remedy, -ENOMEM. */
int origin_config_read(const cJSON *root, struct origin_config *out, struct fault *f);
void origin_config_free(struct origin_config *config);

#endif
