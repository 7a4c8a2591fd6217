/* SPDX-License-Identifier: MIT */
/* rules.c - rule sets in the kernel: immutable once they are published. */
#include <errno.h>
#include <linux/bpf.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>

#include "cleanup.h"
#include "rules.h"

int rules_create(const struct ruleset *set, struct fault *f)
{
	/* So that sets of any length fit the same outer map (5.10). */
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_INNER_MAP);
	_free_ uint32_t *keys = calloc(set->n_cells, sizeof(*keys));
	_close_ int fd = -1;
	__u32 count = set->n_cells;
	int r;

	if (!keys)
		return fault_set(f, ENOMEM, "no memory for a rule set of %u cells", set->n_cells);
	for (uint32_t i = 0; i < count; i++)
		keys[i] = i;
	fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "plic_cells", sizeof(uint32_t), PLIC_CELL_SIZE,
			    set->n_cells, &opts);
	r = fd < 0 ? fd : bpf_map_update_batch(fd, keys, set->cells, &count, NULL);
	if (r == 0)
		r = bpf_map_freeze(fd);
	if (r < 0)
		return fault_set(f, -r, "can't make a rule set of %u cells: %s", set->n_cells,
				 strerror(-r));
	return TAKE_FD(fd);
}

int rules_read(int fd, uint32_t n_cells, struct ruleset *set, struct fault *f)
{
	_free_ struct plic_cell *cells = calloc(n_cells, sizeof(*cells));
	_free_ uint32_t *keys = calloc(n_cells, sizeof(*keys));
	__u32 count = n_cells;
	uint32_t last;
	int r;

	if (!cells || !keys)
		return fault_set(f, ENOMEM, "no memory for a rule set of %u cells", n_cells);
	r = bpf_map_lookup_batch(fd, NULL, &last, keys, cells, &count, NULL);
	if (r < 0 && r != -ENOENT)
		return fault_set(f, -r, "can't read a rule set back: %s", strerror(-r));
	if (count != n_cells || cells->header.n_cells != n_cells)
		return fault_set(f, EBADMSG, "the pinned rule set is %u cells long, not %u",
				 n_cells, cells->header.n_cells);
	set->cells = TAKE_PTR(cells);
	set->n_cells = n_cells;
	return 0;
}
