/* SPDX-License-Identifier: MIT */
/* inbound.c - tells the pod's own sockets from those that somebody outside began. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>

#include "cgrouptree.h"
#include "gate_priv.h"
#include "inbound.h"
#include "marks.h"
#include "pins.h"

#define RESVPORT_FIRST 600 /* bindresvport(3) takes ports from here to 1023 */

void port_set_put(struct port_set *set, uint16_t port)
{
	set->bits[port / 8] |= (uint8_t)(1U << port % 8);
}

bool port_set_has(const struct port_set *set, uint16_t port)
{
	return set->bits[port / 8] >> port % 8 & 1;
}

static bool is_in(struct netns_ports range, uint16_t port)
{
	return range.first <= port && port <= range.last;
}

bool socket_stands(const struct sock_entry *e)
{
	return e->ip_proto == IPPROTO_TCP && e->connected && e->tcp_state != TCP_TIME_WAIT &&
	       e->tcp_state != TCP_CLOSE;
}

/*
 * An unconnected UDP socket on an ephemeral port is far more often a client, a resolver say, than a
 * server, and has no state that would tell: only ports outside that range count as listening.
 */
static void find_listeners(struct sockets *s)
{
	for (size_t i = 0; i < s->n; i++) {
		const struct sock_entry *e = &s->list[i];

		if (e->ip_proto == IPPROTO_TCP && e->tcp_state == TCP_LISTEN)
			port_set_put(&s->tcp, e->local_port);
		if (e->ip_proto != IPPROTO_UDP || e->connected || !e->local_port)
			continue;
		port_set_put(&s->unconnected, e->local_port);
		if (!is_in(s->ephemeral, e->local_port))
			port_set_put(&s->udp, e->local_port);
	}
}

/* Adds those of the cgroup in one namespace of its processes. */
static int add_sockets(struct sockets *s, uint32_t netns, struct fault *f)
{
	_free_ struct sock_entry *list = NULL;
	_netns_home_ int home = -1;
	const struct cgroup_netns *at = &s->tree->netns[netns];
	void *longer;
	size_t n;
	int r;

	if (netns_enter(at->path, at->inode, &home, NULL) < 0)
		return 0; /* the process has gone, and its namespace perhaps */
	s->ephemeral = netns_ephemeral_ports();
	r = sockdiag_list(&list, &n, f);
	if (r < 0)
		return r;
	longer = reallocarray(s->list, s->n + n + 1, sizeof(*list));
	if (!longer)
		return fault_set(f, ENOMEM, "no memory");
	s->list = longer;
	for (size_t i = 0; i < n; i++) {
		if (!cgroup_has(s->tree, list[i].cgroup))
			continue;
		list[i].netns = netns;
		s->list[s->n++] = list[i];
	}
	return 0;
}

static int read_cgroup(const struct gate *g, struct sockets *s, struct fault *f)
{
	int r;

	s->tree = calloc(1, sizeof(*s->tree));
	r = s->tree ? cgroup_read(g->cgroup, s->tree, f) : fault_set(f, ENOMEM, "no memory");
	for (uint32_t i = 0; r == 0 && i < s->tree->n_netns; i++)
		r = add_sockets(s, i, f);
	return r;
}

int sockets_enter(const struct sockets *s, const struct sock_entry *e, int *home, struct fault *f)
{
	const struct cgroup_netns *at = s->tree ? &s->tree->netns[e->netns] : NULL;

	return at ? netns_enter(at->path, at->inode, home, f) : 0;
}

int sockets_read(const struct gate *g, struct sockets **out, struct fault *f)
{
	_sockets_ struct sockets *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return fault_set(f, ENOMEM, "no memory");
	s->ephemeral = netns_ephemeral_ports();
	r = g->cgroup ? read_cgroup(g, s, f) : sockdiag_list(&s->list, &s->n, f);
	if (r < 0)
		return r;
	find_listeners(s);
	*out = TAKE_PTR(s);
	return 0;
}

void sockets_free(struct sockets **s)
{
	if (!*s)
		return;
	if ((*s)->tree)
		cgroup_tree_free((*s)->tree);
	free((*s)->tree);
	free((*s)->list);
	free(*s);
	*s = NULL;
}

static bool is_client(int clients, const struct sock_entry *e)
{
	struct plic_flow_key key = {
		.remote_port = e->remote_port,
		.local_port = e->local_port,
		.proto = e->ip_proto,
	};
	struct plic_flow flow;

	memcpy(key.remote, e->remote, sizeof(key.remote));
	return clients >= 0 && !bpf_map_lookup_elem(clients, &key, &flow);
}

/*
 * A client from a fixed port talks to a well-known one (DHCP from 68 to 67), and one from a port that only
 * root may take (NFS, RPC) to that of a server, which isn't among those of clients.
 */
static bool is_fixed_client(const struct sockets *s, uint16_t local, uint16_t remote)
{
	if (remote < local && remote < IPPORT_RESERVED)
		return true;
	return local >= RESVPORT_FIRST && local < IPPORT_RESERVED && !is_in(s->ephemeral, remote);
}

/*
 * Has a server connected this UDP socket to its client, or has a client of the pod connected it to
 * its server? wire may have seen who began. Else the ports tell.
 */
static bool is_server_udp(const struct sock_entry *e, int clients, const struct sockets *s)
{
	uint16_t local = e->local_port, remote = e->remote_port;

	if (is_client(clients, e))
		return true;
	if (local == remote && local < IPPORT_RESERVED)
		return false;
	if (port_set_has(&s->unconnected, local))
		return true;
	return !is_in(s->ephemeral, local) && !is_fixed_client(s, local, remote);
}

/* One that is still on its way out is the pod's, marked or not yet. */
static bool is_inbound_tcp(const struct sock_entry *e, const struct marks *marks)
{
	return e->tcp_state != TCP_SYN_SENT && !marks_has(marks, e);
}

/* Let in as one of the kubelet's: it holds no seat, and no end of a license is its. */
static bool is_probe(const struct gate *g, const struct sock_entry *e)
{
	struct plic_mark_key key = {.remote_port = e->remote_port, .local_port = e->local_port};
	struct plic_probe probe;

	memcpy(key.remote, e->remote, sizeof(key.remote));
	memcpy(key.local, e->local, sizeof(key.local));
	return !bpf_map_lookup_elem(g->node->map[NODE_PROBES], &key, &probe) &&
	       probe.taken == g->id + 1;
}

static bool any_are_probed(const struct gate *g)
{
	struct plic_kubelet kubelet;
	__u32 zero = 0;

	return !bpf_map_lookup_elem(g->node->map[NODE_KUBELET], &zero, &kubelet) &&
	       kubelet.told != PLIC_TOLD_NONE;
}

static bool any_stands(const struct sockets *s)
{
	for (size_t i = 0; i < s->n; i++)
		if (socket_stands(&s->list[i]))
			return true;
	return false;
}

int inbound_each(const struct gate *g, const struct sockets *s,
		 void (*each)(const struct sock_entry *e, void *data), void *data, struct fault *f)
{
	_close_ int clients = pins_get(g->dir, PLIC_MAP_CLIENTS);
	_marks_ struct marks marks = {0};
	int r = any_stands(s) ? marks_read(g, &marks, f) : 0;
	bool probed = any_are_probed(g);

	for (size_t i = 0; i < s->n && r == 0; i++) {
		const struct sock_entry *e = &s->list[i];

		if (socket_stands(e) ? is_inbound_tcp(e, &marks) && !(probed && is_probe(g, e))
				     : e->ip_proto == IPPROTO_UDP && e->connected &&
					       is_server_udp(e, clients, s))
			each(e, data);
	}
	return r;
}
