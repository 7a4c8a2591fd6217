/* SPDX-License-Identifier: MIT */
/* cgroup.h - what user space knows of a cgroup, and how it hears of one that it doesn't know. */
#ifndef PORTLIC_BPF_CGROUP_H
#define PORTLIC_BPF_CGROUP_H

#include "maps.h"

/* Of a cgroup above somebody's own; NULL too if that one speaks for itself alone. */
static __always_inline const struct plic_cgroup *cgroup_of_ancestor(__u64 id)
{
	const struct plic_cgroup *cgroup = bpf_map_lookup_elem(&plic_cgroups, &id);

	return cgroup && cgroup->origin != PLIC_ORIGIN_NODE ? cgroup : NULL;
}

/* User space looks soon, and takes the mark away. */
static __always_inline void cgroup_stranger(__u32 gate)
{
	struct plic_cgroup mark = {.gate = gate};
	__u64 key = PLIC_CGROUP_STRANGER;

	if (!bpf_map_lookup_elem(&plic_cgroups, &key))
		bpf_map_update_elem(&plic_cgroups, &key, &mark, BPF_ANY);
}

#endif
