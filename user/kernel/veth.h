/* SPDX-License-Identifier: MIT */
/* veth.h - the namespace where the other end of a veth is, and the addresses of interfaces. */
#ifndef PORTLIC_VETH_H
#define PORTLIC_VETH_H

#include <stdint.h>

/* An address of the interface here, v4 or v6: network order, 4 or 16 bytes. -ENOENT: it has none. */
int veth_address(int ifindex, int family, uint8_t address[16]);

/*
 * Opens the namespace that this one numbers nsid: home, or one that is found below /run/netns or by a
 * process in it. -ENOENT: there is no way to it from here.
 */
int veth_open_netns(int nsid, int home);

#endif
