/* SPDX-License-Identifier: MIT */
/* mapped.h - addresses as all tables have them: 16 bytes, IPv4 mapped. */
#ifndef PORTLIC_BPF_MAPPED_H
#define PORTLIC_BPF_MAPPED_H

#include <linux/types.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

static __always_inline void map_ipv4(__u8 address[16], __be32 ipv4)
{
	__u32 *words = (__u32 *)address;

	words[0] = 0;
	words[1] = 0;
	words[2] = bpf_htonl(0xffff);
	words[3] = ipv4;
}

#endif
