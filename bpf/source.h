/* SPDX-License-Identifier: MIT */
/*
 * source.h - who the client is: its address, and the origin that cgroups (on lo) or address sets tell. Pure.
 */
#ifndef PORTLIC_BPF_SOURCE_H
#define PORTLIC_BPF_SOURCE_H

#include <stdbool.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "maps.h"

#define ORIGIN_BIT(name) (1U << PLIC_ORIGIN_##name)

struct client {
	__u32 address[4]; /* IPv4 mapped */
	__u32 origins;	  /* mask: the one that it is, or all that it may be */
};

static __always_inline bool is_loopback(const struct client *client)
{
	const __u32 *words = client->address;

	if (words[0] | words[1])
		return false;
	return words[2] ? (words[3] & bpf_htonl(0xff000000)) == bpf_htonl(0x7f000000)
			: words[3] == bpf_htonl(1);
}

/* An address that isn't on lo. Unlisted ones are external. */
static __always_inline __u32 origin_of_address(const __u32 address[4])
{
	struct plic_source_key key = {.prefixlen = 32 + 128, .set = PLIC_SOURCES_ORIGINS};
	__u32 *origin;

	__builtin_memcpy(key.address, address, sizeof(key.address));
	origin = bpf_map_lookup_elem(&plic_sources, &key);
	return 1U << (origin ? *origin & 7 : PLIC_ORIGIN_EXTERNAL);
}

/* The one origin of a mask; of several, unknown. */
static __always_inline __u32 origin_of_mask(__u32 origins)
{
	__u32 found = PLIC_ORIGIN_UNKNOWN;

	if (origins & (origins - 1))
		return PLIC_ORIGIN_UNKNOWN;
	for (__u32 i = 1; i < PLIC_N_ORIGINS; i++)
		if (origins >> i & 1)
			found = i;
	return found;
}

/* Nobody wrote down who sent it: unknown, which only a policy that says "unknown" admits. */
static __always_inline __u32 origin_of_sender(const struct plic_sender_key *key)
{
	struct plic_sender *sender = bpf_map_lookup_elem(&plic_senders, key);

	return sender ? sender->origins : 1U << PLIC_ORIGIN_UNKNOWN;
}

/* One that may be several has to be admitted as each of them. */
static __always_inline bool source_admitted(__u32 origins, __u32 sources,
					    const struct client *client)
{
	struct plic_source_key key = {.prefixlen = 32 + 128, .set = sources};
	__u32 *in;

	if (!origins && !sources)
		return true;
	if ((origins & client->origins) == client->origins)
		return true;
	if (!sources)
		return false;
	__builtin_memcpy(key.address, client->address, sizeof(key.address));
	in = bpf_map_lookup_elem(&plic_sources, &key);
	return in && *in;
}

/* What to say of a client that isn't admitted. */
static __always_inline __u32 source_reason(__u32 sources)
{
	return sources ? PLIC_REASON_SOURCE : PLIC_REASON_ORIGIN;
}

#endif
