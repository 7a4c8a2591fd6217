/* SPDX-License-Identifier: MIT */
/* xdp.c - see xdp.h. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "xdp.h"

struct shield_bpf *xdp_open(struct box *box)
{
	struct shield_bpf *shield = shield_bpf__open();
	struct bpf_map *map, *theirs;

	if (!shield)
		exit(1);
	shield->rodata->plic_gate_id = BOX_GATE;
	shield->rodata->plic_n_cpus = box->n_cpus;
	memcpy((void *)shield->rodata->shield_mac, frame_mac, sizeof(frame_mac));
	bpf_object__for_each_map(map, shield->obj)
	{
		theirs = bpf_map__is_internal(map)
				 ? NULL
				 : bpf_object__find_map_by_name(box->skel->obj, bpf_map__name(map));
		if (theirs && bpf_map__reuse_fd(map, bpf_map__fd(theirs)))
			exit(1);
	}
	if (shield_bpf__load(shield)) {
		printf("not ok - load the shield: %s\n", strerror(errno));
		exit(1);
	}
	return shield;
}

void xdp_begin(struct box *box)
{
	struct plic_budget *lanes = calloc(box->n_cpus, sizeof(*lanes));
	uint32_t zero = 0;

	box_clear(box);
	for (int i = 0; i < box->n_cpus; i++)
		for (int reason = 0; reason < PLIC_EVENT_REASONS; reason++)
			lanes[i].events_ns[reason] = box_now() + 3600 * BOX_SECOND;
	if (bpf_map_update_elem(bpf_map__fd(box->skel->maps.plic_budget), &zero, lanes, BPF_ANY))
		perror("# budget");
	free(lanes);
}

int xdp_run(struct shield_bpf *shield, const struct frame *f)
{
	uint8_t out[4096];
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = f->bytes, .data_size_in = f->len,
		    .data_out = out, .data_size_out = sizeof(out));

	if (bpf_prog_test_run_opts(bpf_program__fd(shield->progs.plic_shield), &opts))
		return BOX_NO_RUN;
	return opts.retval;
}

uint64_t xdp_dropped(struct shield_bpf *shield, int n_cpus)
{
	uint64_t *lanes = calloc(n_cpus, sizeof(*lanes)), sum = 0;
	uint32_t zero = 0;

	bpf_map_lookup_elem(bpf_map__fd(shield->maps.plic_spared), &zero, lanes);
	for (int i = 0; i < n_cpus; i++)
		sum += lanes[i];
	free(lanes);
	return sum;
}
