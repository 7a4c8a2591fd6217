/* SPDX-License-Identifier: MIT */
/* veth.h - the other end of a pod's interfaces, and the namespace where that is. */
#ifndef PORTLIC_VETH_H
#define PORTLIC_VETH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fault.h"

/* An interface of the namespace this thread is in. */
struct veth_link {
	int ifindex,
		peer; /* peer: where its other end is, as the namespace there counts; 0: none */
	int master;   /* the bridge that it is a port of, 0: none */
	int nsid;     /* how this namespace numbers the one of the other end; -1: this one itself */
	char name[16];
	uint8_t mac[6];
	bool veth, up;
};

/* ifindex 0: all of them; *out is the caller's. */
int veth_links(int ifindex, struct veth_link **out, size_t *n, struct fault *f);

/* An address of the interface here, v4 or v6: network order, 4 or 16 bytes. -ENOENT: it has none. */
int veth_address(int ifindex, int family, uint8_t address[16]);

/*
 * Opens the namespace that this one numbers nsid: home, or one that is found below /run/netns or by a
 * process in it. -ENOENT: there is no way to it from here.
 */
int veth_open_netns(int nsid, int home);

#endif
