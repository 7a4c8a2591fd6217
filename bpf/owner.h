/* SPDX-License-Identifier: MIT */
/*
 * owner.h - which container listens on a TCP port, as soon as it does: listen() and close() run in its
 * context. User space looks at the sockets themselves now and then, and settles what is doubtful here. For
 * the ledger.
 */
#ifndef PORTLIC_BPF_OWNER_H
#define PORTLIC_BPF_OWNER_H

#include "cgroup.h"

/* Set by the loader: 0 on kernels that tell the caller's own cgroup alone (before Linux 5.11 or so). */
const volatile __u32 plic_has_ancestors = 1;

/* The container of this gate that the caller is in, as user space knows it; 0: it doesn't. */
static __always_inline __u64 current_container(__u32 gate)
{
	__u64 id = bpf_get_current_cgroup_id();
	const struct plic_cgroup *cgroup = NULL;

	if (id)
		cgroup = bpf_map_lookup_elem(&plic_cgroups, &id);
	for (int level = plic_has_ancestors ? PLIC_CGROUP_LEVELS : 0; !cgroup && level > 0;
	     level--) {
		id = bpf_get_current_ancestor_cgroup_id(level);
		if (id)
			cgroup = cgroup_of_ancestor(id);
	}
	return cgroup && cgroup->origin == PLIC_ORIGIN_SIBLING && cgroup->gate == gate ? id : 0;
}

/*
 * A second one on the same port (of another address, say) must not make the first one's clients its own: then
 * nobody owns it until user space has looked.
 */
static __always_inline void owner_listens(__u32 gate, __u16 port, __u8 proto)
{
	struct plic_owner_key key = {.gate = gate, .port = port, .proto = proto};
	__u64 id = current_container(gate), *owner = bpf_map_lookup_elem(&plic_owners, &key);

	if (id && !owner)
		bpf_map_update_elem(&plic_owners, &key, &id, BPF_NOEXIST);
	if (id && (!owner || *owner == id))
		return;
	bpf_map_delete_elem(&plic_owners, &key);
	cgroup_stranger(gate);
}

/* It may have another socket on the port, or leave it to the only one that is left. */
static __always_inline void owner_closes(__u32 gate, __u16 port, __u8 proto)
{
	struct plic_owner_key key = {.gate = gate, .port = port, .proto = proto};

	bpf_map_delete_elem(&plic_owners, &key);
	cgroup_stranger(gate);
}

#endif
