/* SPDX-License-Identifier: MIT */
/*
 * netns.h - network namespaces: finding, entering and leaving them.
 *
 * Only threads that do kernel work enter namespaces. No descriptor stays open longer than
 * a call: it would keep a dead pod's namespace alive.
 */
#ifndef PORTLIC_NETNS_H
#define PORTLIC_NETNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cleanup.h"
#include "fault.h"

struct netns_interface {
	int ifindex;
	char name[16];
	uint8_t mac[6]; /* all zero: it has none of that length */
	bool up, veth;
	int master; /* the bridge that it is a port of, 0: none */
	int peer,
		peer_nsid; /* the other end, as this namespace numbers the one it is in; -1: this one */
};

/* Opens the namespace at path (/run/netns/x, /proc/PID/ns/net). -ENOENT; -EINVAL: not a netns. */
int netns_inode(const char *path, uint64_t *inode, struct fault *f);

/* Enters; *home is the descriptor to return with. Fails with -ESTALE if the inode isn't `inode` (0: any). */
int netns_enter(const char *path, uint64_t inode, int *home, struct fault *f);
void netns_leave(int *home); /* aborts the process if the way home is barred; -1: does nothing */
#define _netns_home_ _cleanup_(netns_leave) /* an int that starts at -1 */

int netns_open_current(void); /* descriptor of the namespace this thread is in, or -errno */

/* A path by which namespace `inode` can be entered: hint if it still fits, else one found in /proc. */
int netns_find(uint64_t inode, const char *hint, char *path, size_t len);

/* Local ports of clients in the namespace this thread is in; the kernel's default if unreadable. */
struct netns_ports {
	unsigned int first, last;
};
struct netns_ports netns_ephemeral_ports(void);

/* The interfaces of the namespace this thread is in, by rtnetlink; *out is the caller's. */
int netns_interfaces(struct netns_interface **out, size_t *n, struct fault *f);

#endif
