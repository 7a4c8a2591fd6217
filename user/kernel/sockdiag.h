/* SPDX-License-Identifier: MIT */
/* sockdiag.h - the sockets of the namespace this thread is in (sock_diag(7), IPv4 and IPv6). */
#ifndef PORTLIC_SOCKDIAG_H
#define PORTLIC_SOCKDIAG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fault.h"

struct sock_entry {
	uint8_t ip_proto;  /* IPPROTO_TCP, IPPROTO_UDP */
	uint8_t tcp_state; /* enum of <netinet/tcp.h>: TCP_LISTEN, TCP_ESTABLISHED, ... */
	uint8_t local[16], remote[16]; /* network order, IPv4 mapped */
	uint16_t local_port, remote_port;
	bool connected; /* has a remote end */
	uint64_t inode;
	uint64_t cookie;  /* names the socket as long as the machine runs */
	uint32_t ifindex; /* that it is bound to, 0: none */
	uint64_t cgroup;  /* that made it (v2), 0: unknown (before Linux 5.9) */
	uint8_t family;	  /* AF_INET, AF_INET6: also with mapped addresses */
	uint32_t netns;	  /* of struct sockets' namespaces */
};

/* All TCP and UDP sockets of the namespace; *out is the caller's. */
int sockdiag_list(struct sock_entry **out, size_t *n, struct fault *f);

/*
 * Ends a TCP socket: its peer gets a reset, its owner ECONNABORTED. -ENOENT: it has gone meanwhile;
 * -EOPNOTSUPP: this kernel can't (CONFIG_INET_DIAG_DESTROY).
 */
int sockdiag_destroy(const struct sock_entry *e);

#endif
