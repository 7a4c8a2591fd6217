/* SPDX-License-Identifier: MIT */
/* addresses.c - one dump of addresses. */
#include "addresses.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "address.h"
#include "netlink.h"

struct address_list {
	struct cidr *list;
	size_t n, room;
};

static int put(struct address_list *l, const struct cidr *address)
{
	if (address_is_loopback(address->address))
		return 0;
	if (array_grow(&l->list, l->n, &l->room, sizeof(*l->list)))
		return -ENOMEM;
	l->list[l->n++] = *address;
	return 0;
}

/* IFA_ADDRESS is the other end's where a link has one. */
static int add_address(const struct nlmsghdr *nlh, void *data)
{
	const struct ifaddrmsg *ifa = mnl_nlmsg_get_payload(nlh);
	size_t size = ifa->ifa_family == AF_INET ? 4 : 16;
	struct cidr address = cidr_ipv4;
	const struct nlattr *attr;
	bool found = false, local = false;

	if (ifa->ifa_family != AF_INET && ifa->ifa_family != AF_INET6)
		return 0;
	address.len = 128;
	mnl_attr_for_each(attr, nlh, sizeof(*ifa))
	{
		uint16_t type = mnl_attr_get_type(attr);

		if ((type != IFA_LOCAL && (type != IFA_ADDRESS || local)) ||
		    mnl_attr_get_payload_len(attr) != size)
			continue;
		memcpy(address.address + 16 - size, mnl_attr_get_payload(attr), size);
		local = type == IFA_LOCAL;
		found = true;
	}
	return found ? put(data, &address) : 0;
}

int addresses_list(struct cidr **out, size_t *n, struct fault *f)
{
	char buf[128];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct address_list l = {0};
	struct ifaddrmsg *ifa;
	int r;

	nlh->nlmsg_type = RTM_GETADDR;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	ifa = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifa));
	ifa->ifa_family = AF_UNSPEC;
	r = netlink_list(nlh, add_address, &l, &l.n);
	if (r < 0) {
		free(l.list);
		return fault_set(f, -r, "can't list the node's addresses: %s", strerror(-r));
	}
	*out = l.list;
	*n = l.n;
	return 0;
}
