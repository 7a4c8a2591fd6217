/* SPDX-License-Identifier: MIT */
/* inbound.h - the sockets of a gate's namespace: which listen, and which somebody outside began. */
#ifndef PORTLIC_INBOUND_H
#define PORTLIC_INBOUND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cleanup.h"
#include "fault.h"
#include "netns.h"
#include "sockdiag.h"

struct cgroup_tree;
struct gate;

struct port_set {
	uint8_t bits[65536 / 8];
};
void port_set_put(struct port_set *set, uint16_t port);
bool port_set_has(const struct port_set *set, uint16_t port);

/* Everything in the namespace, or of the cgroup in the namespaces of its processes, at one moment. */
struct sockets {
	struct sock_entry *list;
	size_t n;
	struct cgroup_tree *tree; /* NULL: a namespace's; else its namespaces */
	struct netns_ports ephemeral;
	struct port_set tcp, udp;    /* where something listens */
	struct port_set unconnected; /* UDP: the same, clients without a peer too */
};

/* In the namespace, if the gate is one's. *out: for sockets_free. */
int sockets_read(const struct gate *g, struct sockets **out, struct fault *f);
void sockets_free(struct sockets **s); /* NULL-safe */
#define _sockets_ _cleanup_(sockets_free)

/* To the namespace of a socket, where that isn't the one that this thread is in already. */
int sockets_enter(const struct sockets *s, const struct sock_entry *e, int *home, struct fault *f);

/* A TCP connection, alive or on its way up or down. */
bool socket_stands(const struct sock_entry *e);

/*
 * Calls each(e, data) for every TCP connection that the pod didn't open, as far as markers tell (they do
 * where a rule names the port), and that isn't one of the kubelet's probes, and every UDP socket that a server has connected to its client.
 */
int inbound_each(const struct gate *g, const struct sockets *s,
		 void (*each)(const struct sock_entry *e, void *data), void *data, struct fault *f);

#endif
