/* SPDX-License-Identifier: MIT */
/* host.c - a gate's programs on a cgroup: put there, replaced, looked after. */
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <string.h>
#include <sys/stat.h>

#include <bpf/bpf.h>

#include "cgrouptree.h"
#include "cleanup.h"
#include "gate_priv.h"
#include "pins.h"

/*
 * In the order that they come up: flows are known, connections marked and counted before anything is
 * denied. The pin of `host` comes last: pins without it are of a gate that was never up.
 */
static const struct {
	enum gate_hook hook;
	enum bpf_attach_type type;
	const char *pin;
} links[HOST_N_LINKS] = {
	[HOST_SENDMSG4] = {HOOK_EGRESS, BPF_CGROUP_UDP4_SENDMSG, "sendmsg4"},
	[HOST_SENDMSG6] = {HOOK_EGRESS, BPF_CGROUP_UDP6_SENDMSG, "sendmsg6"},
	[HOST_EGRESS] = {HOOK_EGRESS, BPF_CGROUP_INET_EGRESS, "egress"},
	[HOST_LEDGER] = {HOOK_LEDGER, BPF_CGROUP_SOCK_OPS, "ledger"},
	[HOST_BIND4] = {HOOK_BIND, BPF_CGROUP_INET4_BIND, "bind4"},
	[HOST_BIND6] = {HOOK_BIND, BPF_CGROUP_INET6_BIND, "bind6"},
	[HOST_INGRESS] = {HOOK_HOST, BPF_CGROUP_INET_INGRESS, GATE_PIN_HOST},
};

static int open_cgroup(const struct gate *g)
{
	_close_ int fd = open(g->cgroup, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	return st.st_ino == g->inode ? TAKE_FD(fd) : -ESTALE;
}

static const char *why(int error)
{
	if (error == EPERM)
		return "a program on it or on a cgroup above was put there as the only one "
		       "(without "
		       "BPF_F_ALLOW_MULTI): see \"bpftool cgroup tree\"";
	if (error == ESTALE)
		return "another cgroup stands there than before";
	return strerror(error);
}

/* A link stands beside the programs of others (it always is BPF_F_ALLOW_MULTI), and all have their say. */
static int attach(struct gate *g, enum host_link i, struct fault *f)
{
	_close_ int cgroup = open_cgroup(g);
	_close_ int link =
		cgroup < 0 ? cgroup : bpf_link_create(g->host_prog[i], cgroup, links[i].type, NULL);
	int r;

	if (link < 0)
		return fault_set(f, -link, "can't attach \"%s\" to the cgroup \"%s\": %s",
				 links[i].pin, g->cgroup, why(-link));
	r = pins_put(link, g->dir, links[i].pin, f);
	if (r < 0 || i != HOST_INGRESS)
		return r;
	cleanup_close(&g->socket);
	g->socket = TAKE_FD(link);
	return 0;
}

static bool is_present(const struct gate *g, enum host_link i)
{
	_close_ int link = pins_get(g->dir, links[i].pin);
	struct pins_link info;

	return link >= 0 && pins_link_info(link, &info) == 0 && info.cgroup == g->inode &&
	       info.prog_id == g->host_prog_id[i];
}

int host_cover(struct gate *g, struct gate_sweep *sweep, struct fault *f)
{
	uint64_t now = boot_now_ns();
	int r = 0;

	for (enum host_link i = 0; i < HOST_N_LINKS && r == 0; i++) {
		/* Of a new gate, before anything is denied. */
		if (i == HOST_INGRESS && !sweep && g->socket < 0)
			r = gate_seed(g, f);
		if (r < 0 || is_present(g, i))
			continue;
		r = attach(g, i, f);
		if (r == 0 && sweep)
			sweep->restored[links[i].hook]++;
	}
	if (r < 0)
		return r;
	if (sweep && g->covered_ns && (sweep->restored[HOOK_HOST] || sweep->restored[HOOK_EGRESS]))
		sweep->unprotected_ns = boot_now_ns() - g->covered_ns;
	g->covered_ns = now;
	return 0;
}

int host_adopt(struct gate *g, struct fault *f)
{
	for (enum host_link i = 0; i < HOST_N_LINKS; i++) {
		_close_ int link = pins_get(g->dir, links[i].pin);
		struct pins_link info;
		int r;

		if (link < 0 || pins_link_info(link, &info) < 0 || info.cgroup != g->inode)
			continue; /* put up anew below */
		r = bpf_link_update(link, g->host_prog[i], NULL);
		if (r < 0)
			return fault_set(f, -r,
					 "can't replace the programs of gate \"%s\": %s: the old "
					 "ones stay in force",
					 g->name, strerror(-r));
	}
	return host_cover(g, NULL, f);
}

int host_sweep(struct gate *g, struct gate_sweep *out, struct fault *f)
{
	struct gate_sweep sweep = {0};
	uint64_t there = 0;
	int r = cgroup_id(g->cgroup, &there, NULL);

	if (r == 0 && there == g->inode) {
		r = host_cover(g, &sweep, f);
		if (r < 0)
			return r;
	} else {
		/* Removed, but linked: sockets of it live on somewhere, guarded as they are. */
		sweep.dead = r == 0 || !gate_linked(g);
	}
	*out = sweep;
	return 0;
}

size_t host_attachments(const struct gate *g, struct gate_attachment list[HOST_N_LINKS])
{
	for (enum host_link i = 0; i < HOST_N_LINKS; i++)
		list[i] = (struct gate_attachment){
			.hook = links[i].hook,
			.kind = "cgroup",
			.present = is_present(g, i),
		};
	return HOST_N_LINKS;
}
