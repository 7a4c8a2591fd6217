/* SPDX-License-Identifier: MIT */
/* tcx.c - programs on an interface as links, kernel 6.6 and later; newer than libbpf 1.1's headers. */
#include <errno.h>
#include <linux/bpf.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "bpflog.h"
#include "cleanup.h"
#include "tcx.h"

/* From the kernel's uapi/linux/bpf.h. */
#define TCX_INGRESS 46
#define TCX_EGRESS 47
#define TCX_BEFORE (1U << 3) /* BPF_F_BEFORE with no other program named: at the head */

#define TCX_MAX_PROGRAMS 64

static int attach_type(enum gate_hook hook)
{
	return hook == HOOK_WIRE ? TCX_INGRESS : TCX_EGRESS;
}

int tcx_attach(int ifindex, enum gate_hook hook, int prog)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = TCX_BEFORE);

	return bpf_link_create(prog, ifindex, (enum bpf_attach_type)attach_type(hook), &opts);
}

int tcx_place(int ifindex, enum gate_hook hook, uint32_t prog_id)
{
	uint32_t ids[TCX_MAX_PROGRAMS];
	union bpf_attr attr = {0};

	attr.query.target_fd = (uint32_t)ifindex;
	attr.query.attach_type = (uint32_t)attach_type(hook);
	attr.query.prog_ids = (uintptr_t)ids;
	attr.query.prog_cnt = TCX_MAX_PROGRAMS;
	if (syscall(SYS_bpf, BPF_PROG_QUERY, &attr, sizeof(attr.query)) < 0)
		return -errno;
	for (uint32_t i = 0; i < attr.query.prog_cnt; i++)
		if (ids[i] == prog_id)
			return (int)i;
	return -ENOENT;
}

int tcx_probe(bool *has, struct fault *f)
{
	/* return TCX_NEXT */
	static const struct bpf_insn next[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = -1},
		{.code = BPF_JMP | BPF_EXIT},
	};
	_close_ int prog =
		bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "plic_probe", "MIT", next, 2, NULL);
	int r;

	if (prog < 0)
		return fault_set(f, -prog,
				 "can't load BPF programs: %s: portlicd needs CAP_BPF and "
				 "CAP_NET_ADMIN (or CAP_SYS_ADMIN before Linux 5.8)",
				 strerror(-prog));
	/* Interface 0 doesn't exist: a kernel that knows tcx says so, an older one -EINVAL. */
	r = tcx_attach(0, HOOK_WIRE, prog);
	if (r >= 0)
		close(r);
	*has = r == -ENODEV;
	return 0;
}
