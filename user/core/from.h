/* SPDX-License-Identifier: MIT */
/*
 * from.h - "from": whom an entry of a policy admits, by origin and by address. Pure.
 *
 * Address sets are what the kernel's LPM trie holds (struct plic_source_key): the longest prefix of an
 * address says whether it is in.
 */
#ifndef PORTLIC_FROM_H
#define PORTLIC_FROM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fault.h"
#include "json.h"
#include "portlic.h"

#define FROM_MAX_PREFIXES 4096 /* of one "from" */

struct source_prefix {
	uint8_t address[16]; /* IPv4 mapped, network order; bits behind len are zero */
	uint8_t len;	     /* 0 to 128 */
	bool in;
};

struct source_set {
	uint32_t id; /* digest of the prefixes; 0: no address is in it, and it has none */
	struct source_prefix *prefixes; /* sorted by address, then len; each once */
	size_t n_prefixes;
};

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
