/* SPDX-License-Identifier: MIT */
/* programs.c - one instance of the gate's BPF object: loaded with the gate's id and maps. */
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <stddef.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "bpflog.h"
#include "cleanup.h"
#include "gate.skel.h"
#include "gate_priv.h"
#include "pins.h"

static const char *const map_names[GATE_N_MAPS] = {
	[GATE_ABOUT] = PLIC_MAP_GATE,	 [GATE_DENIALS] = PLIC_MAP_DENIALS,
	[GATE_FLOWS] = PLIC_MAP_FLOWS,	 [GATE_CLIENTS] = PLIC_MAP_CLIENTS,
	[GATE_BUDGET] = PLIC_MAP_BUDGET, [GATE_MARKS] = PLIC_MAP_MARKS,
	[GATE_FLOWED] = PLIC_MAP_FLOWED, [GATE_BINDS] = PLIC_MAP_BINDS,
};

static void destroy(struct gate_bpf **skel)
{
	gate_bpf__destroy(*skel);
}

static int keep(int *to, int fd)
{
	if (*to < 0)
		*to = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	return *to < 0 ? -errno : 0;
}

int gate_keep_program(int *prog, uint32_t *id, const struct bpf_program *program)
{
	struct bpf_prog_info info = {0};
	__u32 len = sizeof(info);
	int r = keep(prog, bpf_program__fd(program));

	if (r == 0)
		r = bpf_obj_get_info_by_fd(*prog, &info, &len);
	*id = info.id;
	return r;
}

static int share_maps(const struct gate *g, struct bpf_object *object, struct fault *f)
{
	int r = node_share_maps(g->node, object);

	for (int i = 0; i < GATE_N_MAPS && r == 0; i++)
		if (g->map[i] >= 0)
			r = bpf_map__reuse_fd(bpf_object__find_map_by_name(object, map_names[i]),
					      g->map[i]);
	return r < 0 ? fault_set(f, -r, "can't take the maps of gate \"%s\" over: %s", g->name,
				 strerror(-r))
		     : 0;
}

int gate_load_skeleton(const struct gate *g, struct bpf_object_skeleton *skeleton, struct fault *f)
{
	int r = share_maps(g, *skeleton->obj, f);

	if (r < 0)
		return r;
	bpflog_begin();
	r = bpf_object__load_skeleton(skeleton);
	return r < 0 ? fault_set(f, -r, "can't load the programs of gate \"%s\": %s%s", g->name,
				 strerror(-r), bpflog_why())
		     : 0;
}

int gate_keep_maps(struct gate *g, struct bpf_object *object, const struct bpf_map *state)
{
	int r = keep(&g->state, bpf_map__fd(state));

	for (int i = 0; i < GATE_N_MAPS && r == 0; i++) {
		const struct bpf_map *map = bpf_object__find_map_by_name(object, map_names[i]);

		r = map ? keep(&g->map[i], bpf_map__fd(map)) : 0;
	}
	return r;
}

static int keep_all(struct gate *g, struct gate_bpf *skel)
{
	const struct {
		enum gate_hook hook;
		const struct bpf_program *program;
	} all[] = {
		{HOOK_WIRE, skel->progs.plic_wire},
		{HOOK_EGRESS, skel->progs.plic_egress},
		{HOOK_SOCKET, skel->progs.plic_socket},
	};
	int r = gate_keep_maps(g, skel->obj, skel->maps.bss);

	for (size_t i = 0; i < ARRAY_SIZE(all) && r == 0; i++)
		r = gate_keep_program(&g->prog[all[i].hook], &g->prog_id[all[i].hook],
				      all[i].program);
	return r;
}

int gate_load(struct gate *g, bool marked, struct fault *f)
{
	_cleanup_(destroy) struct gate_bpf *skel = gate_bpf__open();
	int r;

	if (!skel)
		return fault_set(f, errno, "can't read the gate's BPF object: %s", strerror(errno));
	skel->rodata->plic_gate_id = g->id;
	skel->rodata->plic_n_cpus = g->node->n_cpus;
	skel->bss->plic_marked = marked;
	g->marked_at = offsetof(struct gate_bpf__bss, plic_marked);
	r = gate_load_skeleton(g, skel->skeleton, f);
	if (r < 0)
		return r;
	r = keep_all(g, skel);
	return r < 0 ? fault_set(f, -r, "can't keep the programs of gate \"%s\": %s", g->name,
				 strerror(-r))
		     : 0;
}

/* The linker leaves room behind the variables, so the map says how long its value is. */
int gate_set_marked(struct gate *g)
{
	struct bpf_map_info info = {0};
	__u32 len = sizeof(info);
	_free_ char *state = NULL;
	const uint32_t one = 1;
	uint32_t zero = 0;
	int r = bpf_obj_get_info_by_fd(g->state, &info, &len);

	if (r < 0)
		return r;
	state = calloc(1, info.value_size);
	if (!state)
		return -ENOMEM;
	r = bpf_map_lookup_elem(g->state, &zero, state);
	if (r < 0)
		return r;
	memcpy(state + g->marked_at, &one, sizeof(one));
	return bpf_map_update_elem(g->state, &zero, state, BPF_ANY);
}

void gate_find_maps(struct gate *g)
{
	for (int i = 0; i < GATE_N_MAPS; i++)
		g->map[i] = pins_get(g->dir, map_names[i]);
}

int gate_pin_maps(struct gate *g, struct fault *f)
{
	int r = 0;

	for (int i = 0; i < GATE_N_MAPS && r == 0; i++)
		r = g->map[i] < 0 ? 0 : pins_put(g->map[i], g->dir, map_names[i], f);
	return r;
}
