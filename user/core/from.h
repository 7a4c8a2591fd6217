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
#include "sourceset.h"

#define FROM_MAX_PREFIXES 4096 /* of one "from" */

/* All zero: everybody. */
struct from {
	uint16_t origins; /* mask, bit: enum plic_origin */
	struct source_set set;
};

/*
 * Reads the member "from": an array of { "cidr", "except" } and { "origin": [...] }, of which one is
 * enough. Absent: *out stays all zero. -EINVAL with a fault that names the entry; -ENOMEM.
 */
int from_parse(const cJSON *object, struct from *out, struct fault *f);
void from_free(struct from *from);

#endif
