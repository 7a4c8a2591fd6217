/* SPDX-License-Identifier: MIT */
/* quotas.c - the node's table of what is used of quotas, and that of rates when a gate goes. */
#include "quotas.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>

#include "cleanup.h"
#include "hash.h"
#include "node_priv.h"
#include "pins.h"

int quota_compare(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct plic_usage_key));
}

_Static_assert(sizeof(struct quota_use) ==
		       sizeof(struct plic_usage_key) + sizeof(struct plic_quota),
	       "records of hash_read");

int quotas_read(struct node *node, struct quota_use **out, size_t *n, struct fault *f)
{
	struct quota_use *list;
	int r = hash_read(node->map[NODE_QUOTAS], sizeof(list->key), sizeof(list->quota),
			  (void **)&list, n);

	if (r < 0)
		return fault_set(f, -r, "can't read what is used of quotas: %s", strerror(-r));
	qsort(list, *n, sizeof(*list), quota_compare);
	*out = list;
	return 0;
}

int quotas_put(struct node *node, uint32_t owner, const struct quota_use *list, size_t n,
	       struct fault *f)
{
	for (size_t i = 0; i < n; i++) {
		struct plic_usage_key key = list[i].key;
		int r;

		key.owner = owner;
		r = bpf_map_update_elem(node->map[NODE_QUOTAS], &key, &list[i].quota, BPF_NOEXIST);
		if (r < 0 && r != -EEXIST)
			return fault_set(f, -r, "can't give back what was used of quotas: %s",
					 strerror(-r));
	}
	return 0;
}

static void forget(const char *maps, const char *name, uint32_t gate)
{
	_close_ int fd = pins_get(maps, name);
	struct plic_usage_key key, next;
	int r = fd < 0 ? fd : bpf_map_get_next_key(fd, NULL, &next);

	while (r == 0) {
		key = next;
		r = bpf_map_get_next_key(fd, &key, &next);
		if (key.owner == gate)
			bpf_map_delete_elem(fd, &key);
	}
}

void usage_forget(const char *maps, uint32_t gate)
{
	forget(maps, PLIC_MAP_QUOTAS, gate);
	forget(maps, PLIC_MAP_RATES, gate);
}
