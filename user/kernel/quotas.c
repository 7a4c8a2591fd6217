/* SPDX-License-Identifier: MIT */
/* quotas.c - the node's table of what is used of quotas, and that of rates when a gate goes. */
#include "quotas.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>

#include "cleanup.h"
#include "node_priv.h"
#include "pins.h"

#define BATCH 1024

int quota_compare(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct plic_usage_key));
}

static int add(struct quota_use **list, size_t *n, const struct plic_usage_key *keys,
	       const struct plic_quota *values, size_t count)
{
	struct quota_use *grown = reallocarray(*list, *n + count + 1, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		grown[(*n)++] = (struct quota_use){keys[i], values[i]};
	*list = grown;
	return 0;
}

int quotas_read(struct node *node, struct quota_use **out, size_t *n, struct fault *f)
{
	_free_ struct plic_usage_key *keys = calloc(BATCH, sizeof(*keys));
	_free_ struct plic_quota *values = calloc(BATCH, sizeof(*values));
	_free_ struct quota_use *list = NULL;
	uint32_t batch, *from = NULL, count;
	size_t found = 0;
	int r = keys && values ? 0 : -ENOMEM, more;

	while (r == 0) {
		count = BATCH;
		r = bpf_map_lookup_batch(node->map[NODE_QUOTAS], from, &batch, keys, values, &count,
					 NULL);
		if (r < 0 && r != -ENOENT) /* -ENOENT: the end */
			break;
		more = add(&list, &found, keys, values, count);
		r = more ? more : r;
		from = &batch;
	}
	if (r != -ENOENT)
		return fault_set(f, -r, "can't read what is used of quotas: %s", strerror(-r));
	qsort(list, found, sizeof(*list), quota_compare);
	*out = TAKE_PTR(list);
	*n = found;
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
