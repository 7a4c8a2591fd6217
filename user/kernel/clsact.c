/* SPDX-License-Identifier: MIT */
/* clsact.c - programs on an interface before Linux 6.6: filters, which root in the pod can remove. */
#include <errno.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>

#include <bpf/libbpf.h>

#include "clsact.h"
#include "netlink.h"

/* First priority; the handle is "plic", so that a neighbour's filter 1 stays the neighbour's. */
#define PRIORITY 1
#define HANDLE 0x706c6963

static struct bpf_tc_hook tc_hook(int ifindex, enum gate_hook hook)
{
	return (struct bpf_tc_hook){
		.sz = sizeof(struct bpf_tc_hook),
		.ifindex = ifindex,
		.attach_point = hook == HOOK_WIRE ? BPF_TC_INGRESS : BPF_TC_EGRESS,
	};
}

int clsact_attach(int ifindex, enum gate_hook hook, int prog, bool *made)
{
	struct bpf_tc_hook on = tc_hook(ifindex, hook);
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = HANDLE, .priority = PRIORITY, .prog_fd = prog,
		    .flags = BPF_TC_F_REPLACE);
	int r = bpf_tc_hook_create(&on);

	if (r < 0 && r != -EEXIST)
		return r;
	*made = r == 0;
	return bpf_tc_attach(&on, &opts);
}

int clsact_query(int ifindex, enum gate_hook hook, uint32_t *prog_id)
{
	struct bpf_tc_hook on = tc_hook(ifindex, hook);
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = HANDLE, .priority = PRIORITY);
	int r = bpf_tc_query(&on, &opts);

	if (r == -EINVAL) /* no qdisc */
		return -ENOENT;
	if (r == 0)
		*prog_id = opts.prog_id;
	return r;
}

int clsact_detach(int ifindex, enum gate_hook hook)
{
	struct bpf_tc_hook on = tc_hook(ifindex, hook);
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = HANDLE, .priority = PRIORITY);

	return bpf_tc_detach(&on, &opts);
}

static int count_filter(const struct nlmsghdr *nlh, void *data)
{
	const struct tcmsg *tc = mnl_nlmsg_get_payload(nlh);

	/* A filter's header comes without a handle, once for each priority. */
	if (nlh->nlmsg_type == RTM_NEWTFILTER && tc->tcm_handle)
		++*(unsigned int *)data;
	return 0;
}

static int count_filters(int ifindex, uint32_t parent, unsigned int *n)
{
	char buf[128];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct tcmsg *tc;

	nlh->nlmsg_type = RTM_GETTFILTER;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	tc = mnl_nlmsg_put_extra_header(nlh, sizeof(*tc));
	tc->tcm_family = AF_UNSPEC;
	tc->tcm_ifindex = ifindex;
	tc->tcm_parent = parent;
	return netlink_dump(NETLINK_ROUTE, nlh, count_filter, n);
}

int clsact_remove_qdisc(int ifindex)
{
	struct bpf_tc_hook on = tc_hook(ifindex, HOOK_WIRE);
	unsigned int n = 0;
	int r = count_filters(ifindex, TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS), &n);

	if (r == 0)
		r = count_filters(ifindex, TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_EGRESS), &n);
	if (r < 0 || n)
		return r;
	on.attach_point = BPF_TC_INGRESS | BPF_TC_EGRESS; /* both: the qdisc itself */
	return bpf_tc_hook_destroy(&on);
}
