/* SPDX-License-Identifier: MIT */
/* stand.c - what listens in a gate's namespace, and the connections that stand there. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>

#include "cleanup.h"
#include "gate_priv.h"
#include "netns.h"
#include "pins.h"
#include "sockdiag.h"

struct port_set {
	uint8_t bits[65536 / 8];
};

static void put_port(struct port_set *set, uint16_t port)
{
	set->bits[port / 8] |= (uint8_t)(1U << port % 8);
}

static bool has_port(const struct port_set *set, uint16_t port)
{
	return set->bits[port / 8] >> port % 8 & 1;
}

struct standing {
	struct port_set tcp, udp;	      /* where something listens */
	struct port_set unconnected;	      /* UDP: the same, clients without a peer too */
	struct port_set inbound, inbound_udp; /* where something stands that the pod didn't open */
};

static void free_standing(struct standing **s)
{
	free(*s);
}

static bool is_in(struct netns_ports range, uint16_t port)
{
	return range.first <= port && port <= range.last;
}

static bool stands(const struct sock_entry *e)
{
	return e->ip_proto == IPPROTO_TCP && e->connected && e->tcp_state != TCP_TIME_WAIT &&
	       e->tcp_state != TCP_CLOSE;
}

/*
 * An unconnected UDP socket on an ephemeral port is far more often a client, a resolver say, than a
 * server, and has no state that would tell: only ports outside that range count as listening.
 */
static void find_listeners(const struct sock_entry *list, size_t n, struct netns_ports ephemeral,
			   struct standing *s)
{
	for (size_t i = 0; i < n; i++) {
		const struct sock_entry *e = &list[i];

		if (e->ip_proto == IPPROTO_TCP && e->tcp_state == TCP_LISTEN)
			put_port(&s->tcp, e->local_port);
		if (e->ip_proto != IPPROTO_UDP || e->connected || !e->local_port)
			continue;
		put_port(&s->unconnected, e->local_port);
		if (!is_in(ephemeral, e->local_port))
			put_port(&s->udp, e->local_port);
	}
}

static struct plic_flow_key flow_key(const struct sock_entry *e)
{
	struct plic_flow_key key = {
		.remote_port = e->remote_port,
		.local_port = e->local_port,
		.proto = e->ip_proto,
	};

	memcpy(key.remote, e->remote, sizeof(key.remote));
	return key;
}

static bool has_flow(int map, const struct sock_entry *e)
{
	struct plic_flow_key key = flow_key(e);
	struct plic_flow flow;

	return map >= 0 && !bpf_map_lookup_elem(map, &key, &flow);
}

/*
 * Has a server connected this UDP socket to its client, or has a client of the pod connected it to
 * its server? wire may have seen who began. Else the ports tell: a client from a fixed port
 * talks to a well-known one (NTP from 123 to 123, DHCP from 68 to 67).
 */
static bool is_server_udp(const struct sock_entry *e, int clients, struct netns_ports ephemeral,
			  const struct standing *s)
{
	uint16_t local = e->local_port, remote = e->remote_port;

	if (has_flow(clients, e))
		return true;
	if (local == remote && local < IPPORT_RESERVED)
		return false;
	if (has_port(&s->unconnected, local))
		return true;
	return !is_in(ephemeral, local) && !(remote < local && remote < IPPORT_RESERVED);
}

/*
 * A TCP connection came in if its local port has a listener. One without went out, and then it is
 * marked wherever that matters; or its listener has been closed since.
 */
static void find_inbound(const struct gate *g, const struct sock_entry *list, size_t n,
			 struct netns_ports ephemeral, struct standing *s)
{
	_close_ int clients = pins_get(g->dir, PLIC_MAP_CLIENTS);

	for (size_t i = 0; i < n; i++) {
		const struct sock_entry *e = &list[i];

		if (stands(e) &&
		    (has_port(&s->tcp, e->local_port) || !has_flow(g->map[GATE_FLOWS], e)))
			put_port(&s->inbound, e->local_port);
		else if (e->ip_proto == IPPROTO_UDP && e->connected &&
			 is_server_udp(e, clients, ephemeral, s))
			put_port(&s->inbound_udp, e->local_port);
	}
}

/* only: connections from these ports, NULL: from all. */
static int seed(struct gate *g, const struct sock_entry *list, size_t n, const struct standing *s,
		const struct port_set *only, struct fault *f)
{
	struct plic_flow flow = {.last_ns = boot_now_ns()};
	bool any = false;
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++) {
		struct plic_flow_key key = flow_key(&list[i]);

		if (!stands(&list[i]) || has_port(&s->tcp, list[i].local_port) ||
		    (only && !has_port(only, list[i].local_port)))
			continue;
		r = bpf_map_update_elem(g->map[GATE_FLOWS], &key, &flow, BPF_ANY);
		any = true;
	}
	if (r == 0 && any)
		r = gate_set_marked(g);
	return r < 0 ? fault_set(f, -r, "can't mark the connections of gate \"%s\": %s", g->name,
				 strerror(-r))
		     : 0;
}

/* In the namespace. */
static int look(struct gate *g, bool mark, struct standing *s, struct fault *f)
{
	_free_ struct sock_entry *list = NULL;
	struct netns_ports ephemeral = netns_ephemeral_ports();
	size_t n;
	int r = sockdiag_list(&list, &n, f);

	if (r < 0)
		return r;
	find_listeners(list, n, ephemeral, s);
	r = mark ? seed(g, list, n, s, NULL, f) : 0;
	if (r == 0)
		find_inbound(g, list, n, ephemeral, s);
	return r;
}

int gate_seed(struct gate *g, struct fault *f)
{
	_cleanup_(free_standing) struct standing *s = calloc(1, sizeof(*s));

	return s ? look(g, true, s, f) : fault_set(f, ENOMEM, "no memory");
}

int gate_mark(struct gate *g, const uint8_t ports[65536 / 8], struct fault *f)
{
	_cleanup_(free_standing) struct standing *s = calloc(1, sizeof(*s));
	_free_ struct sock_entry *list = NULL;
	struct port_set only;
	_netns_home_ int home = -1;
	size_t n;
	int r = s ? gate_enter(g, &home, f) : fault_set(f, ENOMEM, "no memory");

	if (r == 0)
		r = sockdiag_list(&list, &n, f);
	if (r < 0)
		return r;
	memcpy(only.bits, ports, sizeof(only.bits));
	find_listeners(list, n, netns_ephemeral_ports(), s);
	return seed(g, list, n, s, &only, f);
}

static size_t count(const struct port_set *set)
{
	size_t n = 0;

	for (unsigned int port = 0; port < 65536; port++)
		n += has_port(set, (uint16_t)port);
	return n;
}

static void fill(const struct port_set *set, uint8_t ip_proto, struct gate_listener **at)
{
	for (unsigned int port = 0; port < 65536; port++)
		if (has_port(set, (uint16_t)port))
			*(*at)++ = (struct gate_listener){ip_proto, (uint16_t)port};
}

static int list_ports(const struct standing *s, struct gate_stand *out)
{
	size_t n = count(&s->tcp) + count(&s->udp);
	size_t n_inbound = count(&s->inbound) + count(&s->inbound_udp);
	struct gate_listener *listeners = calloc(n + 1, sizeof(*listeners));
	struct gate_listener *inbound = calloc(n_inbound + 1, sizeof(*inbound));
	struct gate_listener *at = listeners;

	if (!listeners || !inbound) {
		free(listeners);
		free(inbound);
		return -ENOMEM;
	}
	*out = (struct gate_stand){listeners, n, inbound, n_inbound};
	fill(&s->tcp, IPPROTO_TCP, &at);
	fill(&s->udp, IPPROTO_UDP, &at);
	fill(&s->inbound, IPPROTO_TCP, &inbound);
	fill(&s->inbound_udp, IPPROTO_UDP, &inbound);
	return 0;
}

int gate_stand(struct gate *g, bool mark, struct gate_stand *out, struct fault *f)
{
	_cleanup_(free_standing) struct standing *s = calloc(1, sizeof(*s));
	_netns_home_ int home = -1;
	int r = s ? gate_enter(g, &home, f) : fault_set(f, ENOMEM, "no memory");

	if (r == 0)
		r = look(g, mark, s, f);
	if (r == 0)
		r = list_ports(s, out) ? fault_set(f, ENOMEM, "no memory") : 0;
	return r;
}

void gate_stand_free(struct gate_stand *s)
{
	free(s->listeners);
	free(s->inbound);
	*s = (struct gate_stand){0};
}
