/* SPDX-License-Identifier: MIT */
/* clsact.c - programs on an interface before Linux 6.6: filters, which root in the pod can remove. */
#include <errno.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>

#include <bpf/libbpf.h>

#include "clsact.h"
#include "netlink.h"
#include "rival.h"

/*
 * First priority, so that only a later BPF filter of the same one can get ahead; the handle is "plic", so
 * that a neighbour's filter 1 stays the neighbour's.
 */
#define PRIORITY 1
#define HANDLE 0x706c6963
#define HANDLE_AHEAD (HANDLE + 1) /* while clsact_regain() works */

static struct bpf_tc_hook tc_hook(int ifindex, enum gate_hook hook)
{
	return (struct bpf_tc_hook){
		.sz = sizeof(struct bpf_tc_hook),
		.ifindex = ifindex,
		.attach_point = hook == HOOK_WIRE ? BPF_TC_INGRESS : BPF_TC_EGRESS,
	};
}

static uint32_t parent_of(enum gate_hook hook)
{
	return TC_H_MAKE(TC_H_CLSACT, hook == HOOK_WIRE ? TC_H_MIN_INGRESS : TC_H_MIN_EGRESS);
}

static struct tcmsg *put_filter(struct nlmsghdr *nlh, uint16_t type, uint16_t flags, int ifindex,
				uint32_t parent)
{
	struct tcmsg *tc;

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = NLM_F_REQUEST | flags;
	tc = mnl_nlmsg_put_extra_header(nlh, sizeof(*tc));
	tc->tcm_family = AF_UNSPEC;
	tc->tcm_ifindex = ifindex;
	tc->tcm_parent = parent;
	return tc;
}

static int put(int ifindex, enum gate_hook hook, uint32_t handle, int prog)
{
	struct bpf_tc_hook on = tc_hook(ifindex, hook);
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = handle, .priority = PRIORITY, .prog_fd = prog,
		    .flags = BPF_TC_F_REPLACE);

	return bpf_tc_attach(&on, &opts);
}

static int no_reply(const struct nlmsghdr *nlh, void *data)
{
	return 0;
}

/* Filters of one priority are of one kind and protocol: what else took ours has to go. */
static int evict(int ifindex, enum gate_hook hook)
{
	char buf[128];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);

	put_filter(nlh, RTM_DELTFILTER, NLM_F_ACK, ifindex, parent_of(hook))->tcm_info =
		TC_H_MAKE(PRIORITY << 16, 0);
	return netlink_dump(NETLINK_ROUTE, nlh, no_reply, NULL);
}

int clsact_attach(int ifindex, enum gate_hook hook, int prog, bool *made)
{
	struct bpf_tc_hook on = tc_hook(ifindex, hook);
	int r = bpf_tc_hook_create(&on);

	if (r < 0 && r != -EEXIST)
		return r;
	*made = r == 0;
	r = put(ifindex, hook, HANDLE, prog);
	if (r == -EINVAL && evict(ifindex, hook) == 0)
		r = put(ifindex, hook, HANDLE, prog);
	return r;
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

static int take_off(int ifindex, enum gate_hook hook, uint32_t handle)
{
	struct bpf_tc_hook on = tc_hook(ifindex, hook);
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = handle, .priority = PRIORITY);

	return bpf_tc_detach(&on, &opts);
}

int clsact_detach(int ifindex, enum gate_hook hook)
{
	take_off(ifindex, hook, HANDLE_AHEAD); /* left by an agent that was killed */
	return take_off(ifindex, hook, HANDLE);
}

/* Of one priority the newest runs first. */
int clsact_regain(int ifindex, enum gate_hook hook, int prog)
{
	int r = put(ifindex, hook, HANDLE_AHEAD, prog);

	if (r == 0)
		r = take_off(ifindex, hook, HANDLE);
	if (r == 0)
		r = put(ifindex, hook, HANDLE, prog);
	return r ? r : take_off(ifindex, hook, HANDLE_AHEAD);
}

struct first {
	struct gate_rival *rival;
	bool seen;
};

static void read_rival(const struct nlmsghdr *nlh, struct gate_rival *rival)
{
	const struct nlattr *attr, *option;

	mnl_attr_for_each(attr, nlh, sizeof(struct tcmsg))
	{
		if (mnl_attr_get_type(attr) == TCA_KIND)
			snprintf(rival->name, sizeof(rival->name), "%s", mnl_attr_get_str(attr));
		if (mnl_attr_get_type(attr) != TCA_OPTIONS)
			continue;
		mnl_attr_for_each_nested(option, attr)
		{
			if (mnl_attr_get_type(option) == TCA_BPF_ID && !strcmp(rival->name, "bpf"))
				rival->prog_id = mnl_attr_get_u32(option);
		}
	}
	if (rival->prog_id)
		rival_is(rival, rival->prog_id);
}

/* They come in the order in which they run. */
static int look_first(const struct nlmsghdr *nlh, void *data)
{
	const struct tcmsg *tc = mnl_nlmsg_get_payload(nlh);
	struct first *first = data;

	if (nlh->nlmsg_type != RTM_NEWTFILTER || !tc->tcm_handle || first->seen)
		return 0;
	first->seen = true;
	if (tc->tcm_handle != HANDLE || TC_H_MAJ(tc->tcm_info) >> 16 != PRIORITY)
		read_rival(nlh, first->rival);
	return 0;
}

void clsact_first(int ifindex, enum gate_hook hook, struct gate_rival *rival)
{
	char buf[128];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct first first = {.rival = rival};

	put_filter(nlh, RTM_GETTFILTER, NLM_F_DUMP, ifindex, parent_of(hook));
	netlink_dump(NETLINK_ROUTE, nlh, look_first, &first);
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

	put_filter(nlh, RTM_GETTFILTER, NLM_F_DUMP, ifindex, parent);
	return netlink_dump(NETLINK_ROUTE, nlh, count_filter, n);
}

int clsact_remove_qdisc(int ifindex)
{
	struct bpf_tc_hook on = tc_hook(ifindex, HOOK_WIRE);
	unsigned int n = 0;
	int r = count_filters(ifindex, parent_of(HOOK_WIRE), &n);

	if (r == 0)
		r = count_filters(ifindex, parent_of(HOOK_EGRESS), &n);
	if (r < 0 || n)
		return r;
	on.attach_point = BPF_TC_INGRESS | BPF_TC_EGRESS; /* both: the qdisc itself */
	return bpf_tc_hook_destroy(&on);
}
