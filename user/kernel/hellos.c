/* SPDX-License-Identifier: MIT */
/* hellos.c - a gate's table of first bytes, made and removed. */
#include "hellos.h"

#include <linux/bpf.h>
#include <string.h>

#include <bpf/bpf.h>

#include "cleanup.h"
#include "node_priv.h"

static bool there(const struct node *node, uint32_t gate)
{
	uint32_t inner;

	return bpf_map_lookup_elem(node->map[NODE_HELLOS], &gate, &inner) == 0;
}

int hellos_make(struct node *node, uint32_t gate, const struct ruleset *set, struct fault *f)
{
	_close_ int fd = -1;
	int r;

	if (!(ruleset_flags(set) & PLIC_RULE_TLS) || there(node, gate))
		return 0;
	r = fd = bpf_map_create(BPF_MAP_TYPE_LRU_HASH, "plic_hello", sizeof(struct plic_mark_key),
				sizeof(struct plic_hello), PLIC_MAX_HELLOS, NULL);
	if (fd >= 0)
		r = bpf_map_update_elem(node->map[NODE_HELLOS], &gate, &fd, BPF_ANY);
	return r < 0 ? fault_set(f, -r,
				 "can't make the table of connections to ports that demand TLS: %s",
				 strerror(-r))
		     : 0;
}

void hellos_drop(struct node *node, uint32_t gate, const struct ruleset *set)
{
	if (!(ruleset_flags(set) & PLIC_RULE_TLS) && there(node, gate))
		bpf_map_delete_elem(node->map[NODE_HELLOS], &gate);
}
