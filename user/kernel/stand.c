/* SPDX-License-Identifier: MIT */
/* stand.c - what listens in a gate's namespace, and the connections that stand there. */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "gate_priv.h"
#include "inbound.h"
#include "marks.h"
#include "netns.h"
#include "owners.h"

struct standing {
	struct port_set inbound, inbound_udp;
};

static void add_inbound(const struct sock_entry *e, void *data)
{
	struct standing *s = data;

	port_set_put(e->ip_proto == IPPROTO_TCP ? &s->inbound : &s->inbound_udp, e->local_port);
}

/*
 * A TCP connection came in if its local port has a listener. One without went out; or its listener has
 * been closed since, before anybody looked. only: connections from these ports, NULL: from all.
 */
static int seed(struct gate *g, const struct sockets *s, const uint8_t *only, struct fault *f)
{
	bool any = false;
	int r = 0;

	for (size_t i = 0; i < s->n && r == 0; i++) {
		const struct sock_entry *e = &s->list[i];
		uint16_t port = e->local_port;

		if (!socket_stands(e) || port_set_has(&s->tcp, port) ||
		    (only && !(only[port / 8] >> port % 8 & 1)))
			continue;
		r = marks_put(g, e);
		any = true;
	}
	if (r == 0 && any)
		r = gate_set_marked(g);
	return r < 0 ? fault_set(f, -r, "can't mark the connections of gate \"%s\": %s", g->name,
				 strerror(-r))
		     : 0;
}

int gate_seed(struct gate *g, struct fault *f)
{
	_sockets_ struct sockets *s = NULL;
	int r = sockets_read(g, &s, f);

	if (r == 0)
		r = gate_seed_flows(g, s, f);
	return r ? r : seed(g, s, NULL, f);
}

int gate_mark(struct gate *g, const uint8_t ports[65536 / 8], struct fault *f)
{
	_sockets_ struct sockets *s = NULL;
	_netns_home_ int home = -1;
	int r = gate_enter(g, &home, f);

	if (r == 0)
		r = sockets_read(g, &s, f);
	return r ? r : seed(g, s, ports, f);
}

static size_t count(const struct port_set *set)
{
	size_t n = 0;

	for (unsigned int port = 0; port < 65536; port++)
		n += port_set_has(set, (uint16_t)port);
	return n;
}

static void fill(const struct port_set *set, uint8_t ip_proto, struct gate_listener **at)
{
	for (unsigned int port = 0; port < 65536; port++)
		if (port_set_has(set, (uint16_t)port))
			*(*at)++ = (struct gate_listener){ip_proto, (uint16_t)port};
}

static int list_ports(const struct sockets *open, const struct standing *s, struct gate_stand *out)
{
	size_t n = count(&open->tcp) + count(&open->udp);
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
	fill(&open->tcp, IPPROTO_TCP, &at);
	fill(&open->udp, IPPROTO_UDP, &at);
	fill(&s->inbound, IPPROTO_TCP, &inbound);
	fill(&s->inbound_udp, IPPROTO_UDP, &inbound);
	return 0;
}

/* So that the table has room for those that live: the kernel, for lack of it, drops the oldest. */
static int read_and_prune(struct gate *g, struct sockets **out, struct fault *f)
{
	_marks_ struct marks before = {0};
	int r = marks_read(g, &before, f);

	if (r == 0)
		r = sockets_read(g, out, f);
	if (r == 0 && before.n)
		marks_prune(g, &before, (*out)->list, (*out)->n);
	return r;
}

int gate_stand(struct gate *g, bool mark, struct gate_stand *out, struct fault *f)
{
	_free_ struct standing *s = calloc(1, sizeof(*s));
	_sockets_ struct sockets *open = NULL;
	_netns_home_ int home = -1;
	int r = s ? gate_enter(g, &home, f) : fault_set(f, ENOMEM, "no memory");

	if (r == 0)
		r = read_and_prune(g, &open, f);
	if (r == 0 && mark)
		r = seed(g, open, NULL, f);
	if (r == 0)
		r = owners_write(g, open, f);
	if (r == 0)
		r = inbound_each(g, open, add_inbound, s, f);
	if (r == 0)
		r = list_ports(open, s, out) ? fault_set(f, ENOMEM, "no memory") : 0;
	return r;
}

int gate_owners(struct gate *g, struct fault *f)
{
	_sockets_ struct sockets *open = NULL;
	_netns_home_ int home = -1;
	int r = gate_enter(g, &home, f);

	if (r == 0)
		r = sockets_read(g, &open, f);
	return r ? r : owners_write(g, open, f);
}

void gate_stand_free(struct gate_stand *s)
{
	free(s->listeners);
	free(s->inbound);
	*s = (struct gate_stand){0};
}
