/* SPDX-License-Identifier: MIT */
/* version.c - versions of the specification. */
#include "version.h"

#include <stddef.h>
#include <string.h>

const char *const cni_versions[] = {"0.3.0", "0.3.1", "0.4.0", "1.0.0", CNI_NEWEST, NULL};

enum cni_era cni_era(const char *version)
{
	static const enum cni_era eras[] = {CNI_ERA_0_3, CNI_ERA_0_3, CNI_ERA_0_3, CNI_ERA_1_0,
					    CNI_ERA_1_1};

	for (size_t i = 0; cni_versions[i]; i++)
		if (!strcmp(version, cni_versions[i]))
			return eras[i];
	return CNI_ERA_NONE;
}
