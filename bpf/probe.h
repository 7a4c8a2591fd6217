/* SPDX-License-Identifier: MIT */
/*
 * probe.h - is a connection to a port that the pod's spec probes (PLIC_RULE_PROBE) the kubelet's? What tells is
 * the pair of its ends (plic_probes); an address of the node alone is anybody's whose traffic it masquerades.
 */
#ifndef PORTLIC_BPF_PROBE_H
#define PORTLIC_BPF_PROBE_H

#include <stdbool.h>

#include "kubelet.h"
#include "source.h"

/* One that a gate took for a probe is that gate's alone. */
static __always_inline bool probe_is_of(const struct plic_probe *probe, __u32 gate)
{
	return probe && (probe->gate == PLIC_NODE_WIDE || probe->gate == gate);
}

/* May a connection with these ends begin? What has ended may be followed by another process's. */
static __always_inline bool probe_is_fresh(const struct plic_probe *probe, __u64 now)
{
	return !probe->closed_ns && (__s64)(now - probe->opened_ns) < (__s64)PLIC_PROBE_FRESH_NS;
}

/* Of a connection whose handshake is done, which wire or host let begin. */
static __always_inline bool probe_is_known(const struct plic_mark_key *key, __u32 gate)
{
	return probe_is_of(bpf_map_lookup_elem(&plic_probes, key), gate);
}

/* Is an address of the node all there is to go by? */
static __always_inline bool probes_are_guessed(__u64 now)
{
	__u32 zero = 0;
	struct plic_kubelet *kubelet = bpf_map_lookup_elem(&plic_kubelet, &zero);

	if (!kubelet || kubelet->told == PLIC_TOLD_NONE)
		return false;
	return kubelet->told == PLIC_TOLD_GUESS ||
	       (__s64)(now - kubelet->seen_ns) > (__s64)PLIC_KUBELET_LOST_NS;
}

#endif
