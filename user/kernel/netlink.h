/* SPDX-License-Identifier: MIT */
/* netlink.h - one netlink dump in the namespace this thread is in. */
#ifndef PORTLIC_NETLINK_H
#define PORTLIC_NETLINK_H

#include <libmnl/libmnl.h>

/* Called for each message of the answer; 0, or -errno that ends the dump's result. */
typedef int netlink_each(const struct nlmsghdr *nlh, void *data);

/*
 * Sends request (its sequence number is set here) and reads the dump to its end. -EINTR: what it
 * lists changed meanwhile, so begin again; else the kernel's errno, or that of `each`.
 */
int netlink_dump(int protocol, struct nlmsghdr *request, netlink_each *each, void *data);

/* The same of rtnetlink into a list, begun again some times. *n: how many `each` has put there so far. */
int netlink_list(struct nlmsghdr *request, netlink_each *each, void *data, size_t *n);

#endif
