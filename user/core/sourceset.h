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

#endif
