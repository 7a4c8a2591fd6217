/* SPDX-License-Identifier: MIT */
/*
 * sourceset.h - addresses as the kernel's LPM trie holds them (struct plic_source_key): the longest prefix
 * of an address says whether it is in.
 */
#ifndef PORTLIC_SOURCESET_H
#define PORTLIC_SOURCESET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

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

/* What the set's own prefixes say of an address that is one of them, all 128 bits. */
enum source_under { SOURCE_UNDER_NONE, SOURCE_UNDER_OUT, SOURCE_UNDER_IN };

/* A pod's address that comes into a set, or leaves it, while rules name the set. */
struct source_change {
	uint32_t set;
	uint8_t address[16]; /* IPv4 mapped, network order */
	bool in;
	bool done;     /* the kernel has it so now */
	uint8_t under; /* enum source_under */
};

#endif
