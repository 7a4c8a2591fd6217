/* SPDX-License-Identifier: MIT */
/* tcx.c - programs on an interface as links, kernel 6.6 and later; newer than libbpf 1.1's headers. */
#include <errno.h>
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
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

/* The kernel's own, of BPF_PROG_QUERY: headers before 6.6 end after prog_cnt. */
struct tcx_query {
	uint32_t target, attach_type, query_flags, attach_flags;
	uint64_t prog_ids;
	uint32_t count, pad;
	uint64_t prog_flags, link_ids, link_flags, revision;
};

int tcx_find(int ifindex, enum gate_hook hook, uint32_t prog_id, struct tcx_place *out)
{
	uint32_t progs[TCX_MAX_PROGRAMS], links[TCX_MAX_PROGRAMS];
	struct tcx_query query = {
		.target = (uint32_t)ifindex,
		.attach_type = (uint32_t)attach_type(hook),
		.prog_ids = (uintptr_t)progs,
		.count = TCX_MAX_PROGRAMS,
		.link_ids = (uintptr_t)links,
	};

	if (syscall(SYS_bpf, BPF_PROG_QUERY, &query, sizeof(query)) < 0)
		return -errno;
	for (uint32_t i = 0; i < query.count; i++) {
		if (progs[i] != prog_id)
			continue;
		*out = (struct tcx_place){.link_id = links[i], .first_id = progs[0]};
		return 0;
	}
	return -ENOENT;
}

int tcx_load_next(void)
{
	/* return TCX_NEXT */
	static const struct bpf_insn next[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = -1},
		{.code = BPF_JMP | BPF_EXIT},
	};

	return bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "plic_next", "MIT", next, 2, NULL);
}

int tcx_load_stub(int prog, int *jump)
{
	_close_ int map = bpf_map_create(BPF_MAP_TYPE_PROG_ARRAY, "plic_jump", 4, 4, 1, NULL);
	/* r1 is the context: tail_call(r1, map, 0); return TC_ACT_SHOT */
	const struct bpf_insn code[] = {
		{.code = BPF_LD | BPF_DW | BPF_IMM,
		 .dst_reg = BPF_REG_2,
		 .src_reg = BPF_PSEUDO_MAP_FD,
		 .imm = map},
		{0},
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_3},
		{.code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_tail_call},
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = TC_ACT_SHOT},
		{.code = BPF_JMP | BPF_EXIT},
	};
	const uint32_t zero = 0;
	int r = map < 0 ? map : bpf_map_update_elem(map, &zero, &prog, BPF_ANY);

	if (r == 0)
		r = bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "plic_stub", "MIT", code,
				  sizeof(code) / sizeof(code[0]), NULL);
	if (r >= 0)
		*jump = TAKE_FD(map);
	return r;
}

int tcx_probe(bool *has, struct fault *f)
{
	_close_ int prog = tcx_load_next();
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
