/* SPDX-License-Identifier: MIT */
/*
 * test_cost.c - what the programs cost the verifier, against verifier-cost.txt. The numbers depend on
 * the kernel, so they are compared on the one that they were taken on only. COST_RECORD=1 writes them.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "cgroup.skel.h"
#include "gate.skel.h"
#include "kubelet.skel.h"
#include "ledger.skel.h"
#include "shield.skel.h"
#include "tap.h"

#define RECORD "tests/bpf/verifier-cost.txt"
#define TOLERANCE 20 /* percent */
#define MAX_PROGRAMS 16

struct cost {
	char kernel[sizeof(((struct utsname *)0)->release)], program[32];
	unsigned int insns;	/* the program's own */
	unsigned int processed; /* by the verifier: the limit is a million */
	unsigned int jited;	/* bytes */
};

static size_t measure(struct bpf_object *object, struct cost *costs)
{
	struct bpf_program *program;
	struct utsname kernel;
	size_t n = 0;

	uname(&kernel);
	/* Up to the second dot: patch releases don't count. */
	*strchrnul(strchrnul(kernel.release, '.') + 1, '.') = '\0';
	bpf_object__for_each_program(program, object)
	{
		struct bpf_prog_info info = {};
		__u32 len = sizeof(info);

		if (bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &len))
			continue;
		snprintf(costs[n].kernel, sizeof(costs[n].kernel), "%s", kernel.release);
		snprintf(costs[n].program, sizeof(costs[n].program), "%s",
			 bpf_program__name(program));
		costs[n].insns = bpf_program__insn_cnt(program);
		costs[n].jited = info.jited_prog_len;
		costs[n++].processed = info.verified_insns;
	}
	return n;
}

/* 0 if there is no record for this program on this kernel. */
static unsigned int recorded(const struct cost *cost)
{
	char kernel[64], program[32], line[256];
	unsigned int processed = 0, p;
	FILE *f = fopen(RECORD, "re");

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "%63s %31s %*u %u", kernel, program, &p) == 3 &&
		    !strcmp(kernel, cost->kernel) && !strcmp(program, cost->program))
			processed = p;
	if (f)
		fclose(f);
	return processed;
}

static void compare(const struct cost *c)
{
	unsigned int before = recorded(c);

	if (!before || !c->processed) {
		printf("ok %d - %s: %u processed # SKIP no record for kernel %s\n", ++tap_cases,
		       c->program, c->processed, c->kernel);
		return;
	}
	check(c->processed <= before + before * TOLERANCE / 100,
	      "%s: %u instructions, %u processed (recorded %u), %u bytes jited", c->program,
	      c->insns, c->processed, before, c->jited);
}

static int record(const struct cost *costs, size_t n)
{
	FILE *f = fopen(RECORD, "we");

	if (!f) {
		perror(RECORD);
		return 1;
	}
	fprintf(f, "# kernel program instructions processed-by-the-verifier\n"
		   "# renewed by: sudo COST_RECORD=1 build/tests/bpf/test_cost\n");
	for (size_t i = 0; i < n; i++)
		fprintf(f, "%s %s %u %u\n", costs[i].kernel, costs[i].program, costs[i].insns,
			costs[i].processed);
	return fclose(f) != 0;
}

int main(void)
{
	struct cost costs[MAX_PROGRAMS];
	struct cgroup_bpf *cgroup;
	struct gate_bpf *gate;
	struct kubelet_bpf *kubelet;
	struct ledger_bpf *ledger;
	struct shield_bpf *shield;
	size_t n;

	if (geteuid() != 0) {
		printf("skip: needs root\n");
		return 77;
	}
	gate = gate_bpf__open_and_load();
	cgroup = cgroup_bpf__open_and_load();
	ledger = ledger_bpf__open_and_load();
	shield = shield_bpf__open_and_load();
	kubelet = kubelet_bpf__open_and_load();
	if (!check(gate, "gate loads") || !check(cgroup, "cgroup loads") ||
	    !check(ledger, "ledger loads") || !check(shield, "shield loads") ||
	    !check(kubelet, "kubelet loads"))
		return tap_end();
	n = measure(gate->obj, costs);
	n += measure(cgroup->obj, costs + n);
	n += measure(ledger->obj, costs + n);
	n += measure(shield->obj, costs + n);
	n += measure(kubelet->obj, costs + n);
	if (getenv("COST_RECORD"))
		return record(costs, n);
	for (size_t i = 0; i < n; i++)
		compare(&costs[i]);
	gate_bpf__destroy(gate);
	cgroup_bpf__destroy(cgroup);
	ledger_bpf__destroy(ledger);
	shield_bpf__destroy(shield);
	kubelet_bpf__destroy(kubelet);
	return tap_end();
}
