/* SPDX-License-Identifier: MIT */
/* sockdiag.c - the sockets of the namespace this thread is in (sock_diag(7), IPv4 and IPv6). */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "address.h"
#include "cleanup.h"
#include "netlink.h"
#include "sockdiag.h"

struct sock_list {
	struct sock_entry *list;
	size_t n, room;
	uint8_t ip_proto; /* of the dump that is being read */
};

/* The kernel's 16 bytes hold an IPv4 address in the first four. */
static void copy_address(uint8_t to[16], const __be32 from[4], uint8_t family)
{
	if (family == AF_INET6) {
		memcpy(to, from, 16);
		return;
	}
	address_map(from, to);
}

static int add_socket(const struct nlmsghdr *nlh, void *data)
{
	const struct inet_diag_msg *m = mnl_nlmsg_get_payload(nlh);
	struct sock_list *l = data;
	const struct nlattr *attr;
	struct sock_entry *e;

	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*m))
		return -EPROTO;
	if (array_grow(&l->list, l->n, &l->room, sizeof(*l->list)))
		return -ENOMEM;
	e = &l->list[l->n++];
	*e = (struct sock_entry){
		.ip_proto = l->ip_proto,
		.tcp_state = m->idiag_state,
		.local_port = ntohs(m->id.idiag_sport),
		.remote_port = ntohs(m->id.idiag_dport),
		.connected = m->id.idiag_dport != 0,
		.inode = m->idiag_inode,
		.cookie = m->id.idiag_cookie[0] | (uint64_t)m->id.idiag_cookie[1] << 32,
		.ifindex = m->id.idiag_if,
		.family = m->idiag_family,
	};
	copy_address(e->local, m->id.idiag_src, m->idiag_family);
	copy_address(e->remote, m->id.idiag_dst, m->idiag_family);
	mnl_attr_for_each(attr, nlh, sizeof(*m))
	{
		if (mnl_attr_get_type(attr) == INET_DIAG_CGROUP_ID &&
		    mnl_attr_get_payload_len(attr) == sizeof(e->cgroup))
			memcpy(&e->cgroup, mnl_attr_get_payload(attr), sizeof(e->cgroup));
	}
	return 0;
}

/* A request about sockets in any state. */
static struct inet_diag_req_v2 *put_request(struct nlmsghdr *nlh, uint16_t type, uint16_t flags,
					    uint8_t family, uint8_t ip_proto)
{
	struct inet_diag_req_v2 *req;

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = NLM_F_REQUEST | flags;
	req = mnl_nlmsg_put_extra_header(nlh, sizeof(*req));
	req->sdiag_family = family;
	req->sdiag_protocol = ip_proto;
	req->idiag_states = ~0U;
	return req;
}

static int dump(uint8_t family, uint8_t ip_proto, struct sock_list *l)
{
	char buf[256];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);

	put_request(nlh, SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, family, ip_proto);
	l->ip_proto = ip_proto;
	return netlink_dump(NETLINK_SOCK_DIAG, nlh, add_socket, l);
}

int sockdiag_list(struct sock_entry **out, size_t *n, struct fault *f)
{
	static const uint8_t protocols[] = {IPPROTO_TCP, IPPROTO_UDP};
	static const uint8_t families[] = {AF_INET, AF_INET6};
	struct sock_list l = {0};
	int r = 0;

	for (size_t i = 0; i < 4 && r == 0; i++)
		r = dump(families[i % 2], protocols[i / 2], &l);
	if (r < 0) {
		free(l.list);
		return fault_set(f, -r, "can't list the namespace's sockets: %s%s", strerror(-r),
				 r == -ENOENT ? ": load the modules tcp_diag and udp_diag" : "");
	}
	*out = l.list;
	*n = l.n;
	return 0;
}

/* The other way round. */
static void fill_address(__be32 to[4], const uint8_t from[16], uint8_t family)
{
	if (family == AF_INET6)
		memcpy(to, from, 16);
	else
		memcpy(to, from + 12, 4);
}

static int no_reply(const struct nlmsghdr *nlh, void *data)
{
	return 0;
}

int sockdiag_destroy(const struct sock_entry *e)
{
	char buf[256];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct inet_diag_req_v2 *req =
		put_request(nlh, SOCK_DESTROY, NLM_F_ACK, e->family, e->ip_proto);

	req->id.idiag_sport = htons(e->local_port);
	req->id.idiag_dport = htons(e->remote_port);
	fill_address(req->id.idiag_src, e->local, e->family);
	fill_address(req->id.idiag_dst, e->remote, e->family);
	req->id.idiag_if = e->ifindex;
	req->id.idiag_cookie[0] = (uint32_t)e->cookie;
	req->id.idiag_cookie[1] = (uint32_t)(e->cookie >> 32);
	return netlink_dump(NETLINK_SOCK_DIAG, nlh, no_reply, NULL);
}
