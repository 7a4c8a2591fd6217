/* SPDX-License-Identifier: MIT */
/* host_load.c - one instance of the BPF object of a cgroup's gate. */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include <bpf/libbpf.h>

#include "cgroup.skel.h"
#include "cleanup.h"
#include "gate_priv.h"

static void destroy(struct cgroup_bpf **skel)
{
	cgroup_bpf__destroy(*skel);
}

static int keep_all(struct gate *g, struct cgroup_bpf *skel)
{
	const struct bpf_program *const all[HOST_N_LINKS] = {
		[HOST_SENDMSG4] = skel->progs.plic_sendmsg4,
		[HOST_SENDMSG6] = skel->progs.plic_sendmsg6,
		[HOST_EGRESS] = skel->progs.plic_sent,
		[HOST_LEDGER] = skel->progs.plic_handshake,
		[HOST_BIND4] = skel->progs.plic_bind4,
		[HOST_BIND6] = skel->progs.plic_bind6,
		[HOST_INGRESS] = skel->progs.plic_host,
	};
	int r = gate_keep_maps(g, skel->obj, skel->maps.bss);

	for (int i = 0; i < HOST_N_LINKS && r == 0; i++)
		r = gate_keep_program(&g->host_prog[i], &g->host_prog_id[i], all[i]);
	return r;
}

int host_load(struct gate *g, bool marked, struct fault *f)
{
	_cleanup_(destroy) struct cgroup_bpf *skel = cgroup_bpf__open();
	int r;

	if (!skel)
		return fault_set(f, errno, "can't read the BPF object for cgroups: %s",
				 strerror(errno));
	skel->rodata->plic_gate_id = g->id;
	skel->rodata->plic_n_cpus = g->node->n_cpus;
	skel->bss->plic_marked = marked;
	g->marked_at = offsetof(struct cgroup_bpf__bss, plic_marked);
	r = gate_load_skeleton(g, skel->skeleton, f);
	if (r < 0)
		return r;
	r = keep_all(g, skel);
	return r < 0 ? fault_set(f, -r, "can't keep the programs of gate \"%s\": %s", g->name,
				 strerror(-r))
		     : 0;
}
