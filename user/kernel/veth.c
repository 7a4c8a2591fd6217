/* SPDX-License-Identifier: MIT */
/* veth.c - the namespace where the other end of a veth is, and the addresses of interfaces. */
#include "veth.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/net_namespace.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "cleanup.h"
#include "netlink.h"

struct address_of {
	int ifindex;
	bool found;
	uint8_t *address;
};

/* The first one; of IPv6 a global one before a link-local one. */
static int take_address(const struct nlmsghdr *nlh, void *data)
{
	const struct ifaddrmsg *ifa = mnl_nlmsg_get_payload(nlh);
	struct address_of *of = data;
	const struct nlattr *attr;
	uint16_t wanted = ifa->ifa_family == AF_INET ? IFA_LOCAL : IFA_ADDRESS;

	if ((int)ifa->ifa_index != of->ifindex ||
	    (of->found && (ifa->ifa_family == AF_INET || ifa->ifa_scope != RT_SCOPE_UNIVERSE)))
		return 0;
	mnl_attr_for_each(attr, nlh, sizeof(*ifa))
	{
		if (mnl_attr_get_type(attr) != wanted || mnl_attr_get_payload_len(attr) > 16)
			continue;
		memcpy(of->address, mnl_attr_get_payload(attr), mnl_attr_get_payload_len(attr));
		of->found = true;
	}
	return 0;
}

int veth_address(int ifindex, int family, uint8_t address[16])
{
	char buf[128];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct address_of of = {.ifindex = ifindex, .address = address};
	struct ifaddrmsg *ifa;
	int r;

	nlh->nlmsg_type = RTM_GETADDR;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	ifa = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifa));
	ifa->ifa_family = (unsigned char)family;
	r = netlink_dump(NETLINK_ROUTE, nlh, take_address, &of);
	if (r < 0)
		return r;
	return of.found ? 0 : -ENOENT;
}

static int take_nsid(const struct nlmsghdr *nlh, void *data)
{
	const struct nlattr *attr;

	mnl_attr_for_each(attr, nlh, sizeof(struct rtgenmsg))
	{
		if (mnl_attr_get_type(attr) == NETNSA_NSID)
			*(int *)data = (int)mnl_attr_get_u32(attr);
	}
	return 0;
}

static bool has_nsid(int netns, int nsid)
{
	char buf[128];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct rtgenmsg *rt;
	int found = NETNSA_NSID_NOT_ASSIGNED;

	nlh->nlmsg_type = RTM_GETNSID;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	rt = mnl_nlmsg_put_extra_header(nlh, sizeof(*rt));
	rt->rtgen_family = AF_UNSPEC;
	mnl_attr_put_u32(nlh, NETNSA_FD, (uint32_t)netns);
	return netlink_dump(NETLINK_ROUTE, nlh, take_nsid, &found) == 0 && found == nsid;
}

static int open_below(const char *dir, const char *tail, bool pids, int nsid)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	int found = -ENOENT;

	while (d && found < 0 && (e = readdir(d))) {
		_close_ int fd = -1;
		char path[PATH_MAX];

		if (pids ? !isdigit((unsigned char)e->d_name[0]) : e->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s%s", dir, e->d_name, tail);
		fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
		if (fd >= 0 && has_nsid(fd, nsid))
			found = TAKE_FD(fd);
	}
	if (d)
		closedir(d);
	return found;
}

int veth_open_netns(int nsid, int home)
{
	int fd;

	if (has_nsid(home, nsid))
		return fcntl(home, F_DUPFD_CLOEXEC, 0);
	fd = open_below("/run/netns", "", false, nsid);
	return fd >= 0 ? fd : open_below("/proc", "/ns/net", true, nsid);
}
