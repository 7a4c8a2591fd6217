/* SPDX-License-Identifier: MIT */
/* kubelet.c - the program on the kubelet's cgroup, and what the gates are told of it. */
#include "kubelet.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "bpflog.h"
#include "cleanup.h"
#include "gate_priv.h"
#include "kubelet.skel.h"
#include "pins.h"

static void destroy(struct kubelet_bpf **skel)
{
	kubelet_bpf__destroy(*skel);
}

bool kubelet_is_anew(const struct kubelet_place *place)
{
	struct stat st;

	return place->path && stat(place->path, &st) == 0 && st.st_ino != place->id;
}

void kubelet_place_free(struct kubelet_place *place)
{
	free(place->path);
	*place = (struct kubelet_place){0};
}

static int tell(struct node *node, const struct plic_kubelet *kubelet, struct fault *f)
{
	uint32_t zero = 0;
	int r = bpf_map_update_elem(node->map[NODE_KUBELET], &zero, kubelet, BPF_ANY);

	return r < 0 ? fault_set(f, -r, "can't tell the gates how probes are told: %s",
				 strerror(-r))
		     : 0;
}

static int load(const struct node *node, struct kubelet_bpf **out, struct fault *f)
{
	_cleanup_(destroy) struct kubelet_bpf *skel = kubelet_bpf__open();
	int r;

	if (!skel)
		return fault_set(f, errno, "can't read the kubelet's BPF object: %s",
				 strerror(errno));
	bpflog_begin();
	r = node_share_maps(node, skel->obj);
	if (r == 0)
		r = kubelet_bpf__load(skel);
	if (r < 0)
		return fault_set(f, -r, "can't load the program for the kubelet's cgroup: %s%s",
				 strerror(-r), bpflog_why());
	*out = TAKE_PTR(skel);
	return 0;
}

static const char *why(int error)
{
	if (error == EPERM)
		return "a program on it or on a cgroup above was put there as the only one "
		       "(without BPF_F_ALLOW_MULTI): see \"bpftool cgroup tree\"";
	return strerror(error);
}

static int attach(struct node *node, int prog, const struct kubelet_place *place, struct fault *f)
{
	_close_ int cgroup = open(place->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_close_ int link = -1;
	struct stat st;

	if (cgroup < 0 || fstat(cgroup, &st) < 0)
		return fault_set(f, errno, "can't open the kubelet's cgroup \"%s\": %s",
				 place->path, strerror(errno));
	if (st.st_ino != place->id)
		return fault_set(f, ESTALE, "the kubelet's cgroup \"%s\" has just been replaced",
				 place->path);
	link = bpf_link_create(prog, cgroup, BPF_CGROUP_SOCK_OPS, NULL);
	if (link < 0)
		return fault_set(f, -link, "can't attach to the kubelet's cgroup \"%s\": %s",
				 place->path, why(-link));
	return pins_put(link, node->dir, NODE_PIN_KUBELET, f);
}

static bool is_on(int link, const struct kubelet_place *place)
{
	struct pins_link info;

	return link >= 0 && pins_link_info(link, &info) == 0 && info.cgroup == place->id;
}

int kubelet_follow(struct node *node, const struct kubelet_place *place, struct fault *f)
{
	struct plic_kubelet kubelet = {
		.cgroup = place->id, .seen_ns = boot_now_ns(), .told = PLIC_TOLD_CGROUP};
	_cleanup_(destroy) struct kubelet_bpf *skel = NULL;
	_close_ int link = pins_get(node->dir, NODE_PIN_KUBELET);
	int r = load(node, &skel, f), prog;

	if (r < 0)
		return r;
	prog = bpf_program__fd(skel->progs.plic_prober);
	/* The pinned link gets this program, for an earlier agent may have been of another version. */
	if (!is_on(link, place) || bpf_link_update(link, prog, NULL) < 0) {
		/* It may still tell of a cgroup that is the kubelet's no more. */
		pins_detach(&link, node->dir, NODE_PIN_KUBELET);
		r = attach(node, prog, place, f);
	}
	return r < 0 ? r : tell(node, &kubelet, f);
}

int kubelet_leave(struct node *node, bool guess, struct fault *f)
{
	struct plic_kubelet kubelet = {.told = guess ? PLIC_TOLD_GUESS : PLIC_TOLD_NONE};
	_close_ int link = pins_get(node->dir, NODE_PIN_KUBELET);

	if (link >= 0)
		pins_detach(&link, node->dir, NODE_PIN_KUBELET);
	return tell(node, &kubelet, f);
}

int kubelet_seen(struct node *node, const struct kubelet_place *place, struct fault *f)
{
	_close_ int link = pins_get(node->dir, NODE_PIN_KUBELET);
	struct plic_kubelet kubelet;
	uint32_t zero = 0;
	int r = bpf_map_lookup_elem(node->map[NODE_KUBELET], &zero, &kubelet);

	if (r < 0)
		return fault_set(f, -r, "can't read how probes are told: %s", strerror(-r));
	if (!is_on(link, place))
		return fault_set(f, ENOENT, "the program is gone from the kubelet's cgroup \"%s\"",
				 place->path);
	kubelet.seen_ns = boot_now_ns();
	return tell(node, &kubelet, f);
}
