/* SPDX-License-Identifier: MIT */
/* netlink.c - one netlink dump in the namespace this thread is in. */
#include <errno.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <time.h>

#include "cleanup.h"
#include "netlink.h"

struct dump {
	netlink_each *each;
	void *data;
	int error; /* of `each` */
};

static void close_socket(struct mnl_socket **nl)
{
	if (*nl)
		mnl_socket_close(*nl);
}

/* The first failure is kept and the rest of the dump read to its end all the same. */
static int forward(const struct nlmsghdr *nlh, void *data)
{
	struct dump *dump = data;

	if (!dump->error)
		dump->error = dump->each(nlh, dump->data);
	return MNL_CB_OK;
}

int netlink_dump(int protocol, struct nlmsghdr *request, netlink_each *each, void *data)
{
	_cleanup_(close_socket) struct mnl_socket *nl = mnl_socket_open2(protocol, SOCK_CLOEXEC);
	struct dump dump = {.each = each, .data = data};
	_free_ char *buf =
		malloc(32768); /* what the kernel fills at most in one message of a dump */
	unsigned int portid;
	int r;

	if (!nl)
		return -errno;
	if (!buf)
		return -ENOMEM;
	if (mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) < 0)
		return -errno;
	portid = mnl_socket_get_portid(nl);
	request->nlmsg_seq = 1;
	if (mnl_socket_sendto(nl, request, request->nlmsg_len) < 0)
		return -errno;
	do {
		ssize_t n = mnl_socket_recvfrom(nl, buf, 32768);

		if (n < 0)
			return -errno;
		r = mnl_cb_run(buf, (size_t)n, 1, portid, forward, &dump);
		if (r < 0)
			return -errno;
	} while (r > MNL_CB_STOP);
	return dump.error;
}

int netlink_list(struct nlmsghdr *request, netlink_each *each, void *data, size_t *n)
{
	int tries = 5;
	int r;

	do {
		*n = 0;
		r = netlink_dump(NETLINK_ROUTE, request, each, data);
	} while (r == -EINTR && --tries > 0);
	return r;
}
