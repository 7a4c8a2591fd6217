/* SPDX-License-Identifier: MIT */
/* kubelet.h - the connections that the kubelet opens (plic_probes), and how they are told (plic_kubelet). */
#ifndef PORTLIC_BPF_KUBELET_H
#define PORTLIC_BPF_KUBELET_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "portlic.h"

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, PLIC_MAX_PROBES);
	__type(key, struct plic_mark_key);
	__type(value, struct plic_probe);
} plic_probes __weak SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct plic_kubelet);
} plic_kubelet __weak SEC(".maps");

#endif
