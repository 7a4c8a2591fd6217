/* SPDX-License-Identifier: MIT */
/* netns.c - network namespaces: finding, entering and leaving them. */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/nsfs.h>
#include <linux/rtnetlink.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "netlink.h"
#include "netns.h"

#define SELF "/proc/thread-self/ns/net"

static int open_netns(const char *path, uint64_t *inode, struct fault *f)
{
	/* O_NONBLOCK: a FIFO put at the path must not stop the agent. */
	_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;

	if (fd < 0)
		return fault_set(f, errno, "can't open the network namespace \"%s\": %s", path,
				 strerror(errno));
	if (ioctl(fd, NS_GET_NSTYPE) != CLONE_NEWNET || fstat(fd, &st) < 0)
		return fault_set(
			f, EINVAL,
			"\"%s\" is not a network namespace: name a file below /run/netns or "
			"/proc/PID/ns/net",
			path);
	*inode = st.st_ino;
	return TAKE_FD(fd);
}

int netns_inode(const char *path, uint64_t *inode, struct fault *f)
{
	_close_ int fd = open_netns(path, inode, f);

	return fd < 0 ? fd : 0;
}

int netns_open_current(void)
{
	int fd = open(SELF, O_RDONLY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

int netns_enter(const char *path, uint64_t inode, int *home, struct fault *f)
{
	_close_ int fd = -1;
	_close_ int here = -1;
	uint64_t found;

	fd = open_netns(path, &found, f);
	if (fd < 0)
		return fd;
	if (inode && found != inode)
		return fault_set(f, ESTALE,
				 "the network namespace at \"%s\" is another one than before",
				 path);
	here = netns_open_current();
	if (here < 0)
		return fault_set(f, -here, "can't open \"%s\": %s", SELF, strerror(-here));
	if (setns(fd, CLONE_NEWNET) < 0)
		return fault_set(f, errno, "can't enter the network namespace \"%s\": %s", path,
				 strerror(errno));
	*home = TAKE_FD(here);
	return 0;
}

void netns_leave(int *home)
{
	if (*home < 0)
		return;
	/* A thread lost in a pod's namespace would gate and probe the wrong one: stop here. */
	if (setns(*home, CLONE_NEWNET) < 0)
		abort();
	close(*home);
	*home = -1;
}

static bool is_netns(const char *path, uint64_t inode, dev_t nsfs)
{
	struct stat st;

	return stat(path, &st) == 0 && st.st_dev == nsfs && st.st_ino == inode;
}

static int find_below(const char *dir, const char *tail, bool pids, uint64_t inode, dev_t nsfs,
		      char *path, size_t len)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	int r = -ENOENT;

	if (!d)
		return r;
	while (r && (e = readdir(d))) {
		if (pids ? !isdigit((unsigned char)e->d_name[0]) : e->d_name[0] == '.')
			continue;
		if ((size_t)snprintf(path, len, "%s/%s%s", dir, e->d_name, tail) < len &&
		    is_netns(path, inode, nsfs))
			r = 0;
	}
	closedir(d);
	return r;
}

int netns_find(uint64_t inode, const char *hint, char *path, size_t len)
{
	struct stat self;

	if (stat(SELF, &self) < 0)
		return -errno;
	if (hint && is_netns(hint, inode, self.st_dev) &&
	    (size_t)snprintf(path, len, "%s", hint) < len)
		return 0;
	if (find_below("/run/netns", "", false, inode, self.st_dev, path, len) == 0)
		return 0;
	return find_below("/proc", "/ns/net", true, inode, self.st_dev, path, len);
}

struct interface_list {
	struct netns_interface *list;
	size_t n, room;
};

static bool is_veth(const struct nlattr *info)
{
	const struct nlattr *attr;

	mnl_attr_for_each_nested(attr, info)
	{
		if (mnl_attr_get_type(attr) == IFLA_INFO_KIND)
			return strcmp(mnl_attr_get_str(attr), "veth") == 0;
	}
	return false;
}

static void read_attribute(struct netns_interface *i, const struct nlattr *attr)
{
	switch (mnl_attr_get_type(attr)) {
	case IFLA_IFNAME:
		snprintf(i->name, sizeof(i->name), "%s", mnl_attr_get_str(attr));
		break;
	case IFLA_ADDRESS:
		if (mnl_attr_get_payload_len(attr) == sizeof(i->mac))
			memcpy(i->mac, mnl_attr_get_payload(attr), sizeof(i->mac));
		break;
	case IFLA_LINK:
		i->peer = (int)mnl_attr_get_u32(attr);
		break;
	case IFLA_LINK_NETNSID:
		i->peer_nsid = (int)mnl_attr_get_u32(attr);
		break;
	case IFLA_MASTER:
		i->master = (int)mnl_attr_get_u32(attr);
		break;
	case IFLA_LINKINFO:
		i->veth = is_veth(attr);
		break;
	}
}

static int add_interface(const struct nlmsghdr *nlh, void *data)
{
	const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(nlh);
	struct interface_list *l = data;
	struct netns_interface *i;
	const struct nlattr *attr;

	if (array_grow(&l->list, l->n, &l->room, sizeof(*l->list)))
		return -ENOMEM;
	i = &l->list[l->n++];
	*i = (struct netns_interface){
		.ifindex = ifi->ifi_index, .peer_nsid = -1, .up = ifi->ifi_flags & IFF_UP};
	mnl_attr_for_each(attr, nlh, sizeof(*ifi))
	{
		read_attribute(i, attr);
	}
	return 0;
}

int netns_interfaces(struct netns_interface **out, size_t *n, struct fault *f)
{
	char buf[128];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct interface_list l = {0};
	struct ifinfomsg *ifi;
	int r;

	nlh->nlmsg_type = RTM_GETLINK;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	ifi = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifi));
	ifi->ifi_family = AF_UNSPEC;
	mnl_attr_put_u32(nlh, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
	r = netlink_list(nlh, add_interface, &l, &l.n);
	if (r < 0) {
		free(l.list);
		return fault_set(f, -r, "can't list the namespace's interfaces: %s", strerror(-r));
	}
	*out = l.list;
	*n = l.n;
	return 0;
}

struct netns_ports netns_ephemeral_ports(void)
{
	FILE *file = fopen("/proc/sys/net/ipv4/ip_local_port_range", "re");
	struct netns_ports range;

	if (!file || fscanf(file, "%u %u", &range.first, &range.last) != 2)
		range = (struct netns_ports){32768, 60999};
	if (file)
		fclose(file);
	return range;
}
