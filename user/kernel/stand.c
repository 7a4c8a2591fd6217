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
	struct port_set tcp, udp, inbound;
};

static void free_standing(struct standing **s)
{
	free(*s);
}

/* Of the namespace that this thread is in. */
static void ephemeral_range(unsigned int *first, unsigned int *last)
{
	FILE *file = fopen("/proc/sys/net/ipv4/ip_local_port_range", "re");

	if (!file || fscanf(file, "%u %u", first, last) != 2) {
		*first = 32768; /* the kernel's default */
		*last = 60999;
	}
	if (file)
		fclose(file);
}

static bool stands(const struct sock_entry *e)
{
	return e->ip_proto == IPPROTO_TCP && e->connected && e->tcp_state != TCP_TIME_WAIT &&
	       e->tcp_state != TCP_CLOSE;
}

/*
 * A connection whose local port has a listener came in. One without went out; or its listener has
 * been closed since, which can't be told, and then it isn't cut.
 *
 * An unconnected UDP socket on an ephemeral port is far more often a client, a resolver say, than a
 * server, and has no state that would tell: only ports outside that range count as listening.
 */
static void sort_out(const struct sock_entry *list, size_t n, struct standing *s)
{
	unsigned int first, last;

	ephemeral_range(&first, &last);
	for (size_t i = 0; i < n; i++) {
		const struct sock_entry *e = &list[i];

		if (e->ip_proto == IPPROTO_TCP && e->tcp_state == TCP_LISTEN)
			put_port(&s->tcp, e->local_port);
		else if (e->ip_proto == IPPROTO_UDP && !e->connected && e->local_port &&
			 (e->local_port < first || e->local_port > last))
			put_port(&s->udp, e->local_port);
	}
	for (size_t i = 0; i < n; i++)
		if (stands(&list[i]) && has_port(&s->tcp, list[i].local_port))
			put_port(&s->inbound, list[i].local_port);
}

static int seed(struct gate *g, const struct sock_entry *list, size_t n, const struct standing *s,
		struct fault *f)
{
	struct plic_flow flow = {.last_ns = boot_now_ns()};
	bool any = false;
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++) {
		struct plic_flow_key key = {
			.remote_port = list[i].remote_port,
			.local_port = list[i].local_port,
			.proto = IPPROTO_TCP,
		};

		if (!stands(&list[i]) || has_port(&s->tcp, list[i].local_port))
			continue;
		memcpy(key.remote, list[i].remote, sizeof(key.remote));
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
	size_t n;
	int r = sockdiag_list(&list, &n, f);

	if (r < 0)
		return r;
	sort_out(list, n, s);
	return mark ? seed(g, list, n, s, f) : 0;
}

int gate_seed(struct gate *g, struct fault *f)
{
	_cleanup_(free_standing) struct standing *s = calloc(1, sizeof(*s));

	return s ? look(g, true, s, f) : fault_set(f, ENOMEM, "no memory");
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
	size_t n_inbound = count(&s->inbound);
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
