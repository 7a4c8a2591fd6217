/* SPDX-License-Identifier: MIT */
/* result.h - the result of the plugins before us, on to the runtime. Pure. */
#ifndef PORTLIC_CNI_RESULT_H
#define PORTLIC_CNI_RESULT_H

#include "json.h"

/*
 * prevResult in the given version of the specification, malloc; NULL: no memory. What a version doesn't have
 * (1.1.0: socketPath, pciID and mtu of interfaces; mtu, advmss, priority, table and scope of routes) is left
 * out of an older one, and the "version" of addresses comes and goes. All else stays as it is.
 */
char *cni_result_text(const cJSON *previous, const char *version);

/* The answer to VERSION; said: the cniVersion of the question, NULL: none. */
char *cni_versions_text(const char *said);

#endif
