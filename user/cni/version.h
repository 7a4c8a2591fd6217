/* SPDX-License-Identifier: MIT */
/* version.h - the versions of the CNI specification that we speak. Pure. */
#ifndef PORTLIC_CNI_VERSION_H
#define PORTLIC_CNI_VERSION_H

#include <stdbool.h>

#define CNI_NEWEST "1.1.0"

/* How results differ: up to 0.4.0 an address says "4" or "6", from 1.0.0 on it doesn't. */
enum cni_era { CNI_ERA_NONE = -1, CNI_ERA_0_3, CNI_ERA_1_0, CNI_ERA_1_1 };

/* Oldest first, ends with NULL. Before 0.3.0 there are no chains of plugins. */
extern const char *const cni_versions[];

enum cni_era cni_era(const char *version); /* CNI_ERA_NONE: not one of them */

#endif
