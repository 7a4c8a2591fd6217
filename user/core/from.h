/* SPDX-License-Identifier: MIT */
/* from.h - "from": whom an entry of a policy admits, by origin and by address. Pure. */
#ifndef PORTLIC_FROM_H
#define PORTLIC_FROM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fault.h"
#include "json.h"
#include "portlic.h"
#include "selector.h"
#include "sourceset.h"

#define FROM_MAX_PREFIXES 4096 /* of one "from" */

/* Pods of the cluster: { "podSelector", "namespaceSelector" }, as NetworkPolicy has them. */
struct from_pods {
	struct selector pods;	     /* no term: all pods ... */
	struct selector *namespaces; /* ... of such namespaces; NULL: of the gate's own */
};

/* All zero: everybody. */
struct from {
	uint16_t origins; /* mask, bit: enum plic_origin */
	struct source_set
		set; /* its id tells the pods too; the addresses of these come later, from outside */
	struct from_pods *pods;
	size_t n_pods;
};

/*
 * Reads the member "from": an array of { "cidr", "except" }, { "origin": [...] } and { "podSelector",
 * "namespaceSelector" }, of which one is enough. Absent: *out stays all zero. -EINVAL with a fault that names
 * the entry; -ENOMEM.
 */
int from_parse(const cJSON *object, struct from *out, struct fault *f);

/*
 * The set's id at a gate of this namespace: set.id, unless pods of the gate's own namespace are in it. NULL: a
 * gate of none, whose own pods are nobody; its id is none that a namespace has.
 */
uint32_t from_set_id(const struct from *from, const char *namespace);
void from_free(struct from *from);

#endif
