/* SPDX-License-Identifier: MIT */
/* ledger.c - the node's one program that counts TCP connections where they begin. */
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "bpflog.h"
#include "cleanup.h"
#include "ledger.skel.h"
#include "node_priv.h"
#include "pins.h"

static void destroy(struct ledger_bpf **skel)
{
	ledger_bpf__destroy(*skel);
}

static int prog_info(int fd, struct bpf_prog_info *info)
{
	__u32 len = sizeof(*info);

	memset(info, 0, sizeof(*info));
	return bpf_obj_get_info_by_fd(fd, info, &len);
}

/* Whether the pinned link runs the very instructions that were just loaded. */
static bool same_program(int link, int prog)
{
	_close_ int old = -1;
	struct bpf_prog_info a, b;
	struct pins_link info;

	if (pins_link_info(link, &info) < 0)
		return false;
	old = bpf_prog_get_fd_by_id(info.prog_id);
	return old >= 0 && prog_info(old, &a) == 0 && prog_info(prog, &b) == 0 &&
	       memcmp(a.tag, b.tag, sizeof(a.tag)) == 0;
}

static int no_tracing(struct node *node, int err)
{
	snprintf(node->no_tracing, sizeof(node->no_tracing),
		 "this kernel can't run the ledger, so connections aren't counted, and "
		 "seats once a second: %s%s",
		 strerror(-err), bpflog_why());
	return 0;
}

/* A tracing link can't be given another program, so an older one is taken off first. */
static int replace(struct node *node, struct bpf_program *prog, int old, struct fault *f)
{
	_close_ int fd = old;
	struct bpf_link *link;
	int r;

	pins_detach(&fd, node->dir, NODE_PIN_LEDGER);
	link = bpf_program__attach(prog);
	if (!link)
		return no_tracing(node, -errno);
	node->ledger = fcntl(bpf_link__fd(link), F_DUPFD_CLOEXEC, 0);
	r = node->ledger < 0 ? fault_set(f, errno, "can't keep the ledger: %s", strerror(errno))
			     : pins_put(node->ledger, node->dir, NODE_PIN_LEDGER, f);
	bpf_link__destroy(link);
	return r;
}

/* *loaded: 0, or why the kernel doesn't take it. */
static int load(struct node *node, bool ancestors, struct ledger_bpf **out, int *loaded,
		struct fault *f)
{
	_cleanup_(destroy) struct ledger_bpf *skel = ledger_bpf__open();
	int r;

	if (!skel)
		return fault_set(f, errno, "can't read the ledger's BPF object: %s",
				 strerror(errno));
	skel->rodata->plic_n_cpus = node->n_cpus;
	skel->rodata->plic_has_ancestors = ancestors;
	r = node_share_maps(node, skel->obj);
	if (r < 0)
		return fault_set(f, -r, "can't share the node's maps: %s", strerror(-r));
	bpflog_begin();
	*loaded = ledger_bpf__load(skel);
	if (*loaded == 0)
		*out = TAKE_PTR(skel);
	return 0;
}

int ledger_open(struct node *node, struct fault *f)
{
	_cleanup_(destroy) struct ledger_bpf *skel = NULL;
	_close_ int old = pins_get(node->dir, NODE_PIN_LEDGER);
	int loaded = 0;
	int r = load(node, true, &skel, &loaded, f);

	if (r == 0 && loaded < 0)
		r = load(node, false, &skel, &loaded, f);
	if (r < 0)
		return r;
	if (loaded < 0)
		return no_tracing(node, loaded);
	if (old >= 0 && same_program(old, bpf_program__fd(skel->progs.plic_ledger))) {
		node->ledger = TAKE_FD(old);
		return 0;
	}
	return replace(node, skel->progs.plic_ledger, TAKE_FD(old), f);
}
