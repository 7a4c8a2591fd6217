/* SPDX-License-Identifier: MIT */
/* outer.c - maps of maps: what is behind a gate's id, and putting something new there. */
#include <errno.h>
#include <linux/bpf.h>
#include <stdlib.h>

#include <bpf/bpf.h>

#include "cleanup.h"
#include "outer.h"

int outer_get(int outer, uint32_t id, uint32_t *max_entries)
{
	_close_ int fd = -1;
	struct bpf_map_info info = {0};
	__u32 len = sizeof(info);
	uint32_t inner;
	int r = bpf_map_lookup_elem(outer, &id, &inner);

	if (r < 0)
		return r;
	fd = bpf_map_get_fd_by_id(inner);
	if (fd < 0)
		return fd;
	r = bpf_obj_get_info_by_fd(fd, &info, &len);
	if (r < 0)
		return r;
	if (max_entries)
		*max_entries = info.max_entries;
	return TAKE_FD(fd);
}

static void put_one_by_one(int outer, const uint32_t *ids, const int *inner, size_t n, int *results)
{
	for (size_t i = 0; i < n; i++)
		if (results[i] == 0)
			results[i] = bpf_map_update_elem(outer, &ids[i], &inner[i], BPF_ANY);
}

void outer_put(int outer, const uint32_t *ids, const int *inner, size_t n, int *results)
{
	_free_ uint32_t *keys = calloc(n, sizeof(*keys));
	_free_ int *values = calloc(n, sizeof(*values));
	__u32 count = 0;

	if (n > 1 && keys && values) {
		for (size_t i = 0; i < n; i++) {
			if (results[i])
				continue;
			keys[count] = ids[i];
			values[count++] = inner[i];
		}
		if (count && bpf_map_update_batch(outer, keys, values, &count, NULL) == 0)
			return;
	}
	/* One gate; or no batches for maps of maps (before 5.19); or to learn which one failed. */
	put_one_by_one(outer, ids, inner, n, results);
}

/* What the kernel does after a change in a map of maps (5.0); another call for it alone there isn't. */
int outer_wait(void)
{
	const uint32_t zero = 0;
	_close_ int inner = bpf_map_create(BPF_MAP_TYPE_ARRAY, "plic_wait", sizeof(zero),
					   sizeof(zero), 1, NULL);
	LIBBPF_OPTS(bpf_map_create_opts, opts, .inner_map_fd = (__u32)inner);
	_close_ int outer = inner < 0 ? inner
				      : bpf_map_create(BPF_MAP_TYPE_ARRAY_OF_MAPS, "plic_waits",
						       sizeof(zero), sizeof(zero), 1, &opts);

	return outer < 0 ? outer : bpf_map_update_elem(outer, &zero, &inner, BPF_ANY);
}
