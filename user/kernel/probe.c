/* SPDX-License-Identifier: MIT */
/*
 * probe.c - one knock at a port, over `lo` as a process inside would make it or from the other end of a
 * veth, and what the gate counted of it. The counter is the proof, so nobody waits for a time-out.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include <bpf/bpf.h>

#include "cleanup.h"
#include "denials.h"
#include "gate_priv.h"
#include "inbound.h"
#include "knock.h"
#include "netns.h"

#define WAIT_NS 200000000ULL /* on a quiet machine it is counted before the system call returns */
#define LO_LEN 60 /* bytes of a SYN of this kernel's stack: IPv4 20, TCP with options 40 */

struct knocked {
	int fd;	      /* lo: the socket, -1: none */
	unsigned len; /* bytes from the IP header on */
};

static int knock_to(const struct sockaddr *to, socklen_t len, uint8_t ip_proto)
{
	int type = ip_proto == IPPROTO_TCP ? SOCK_STREAM : SOCK_DGRAM;
	_close_ int fd = socket(to->sa_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct linger reset = {.l_onoff = 1}; /* leaves no TIME_WAIT behind */

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	/* A refusal may come before connect() returns, and is an answer. */
	if (connect(fd, to, len) < 0 && errno != EINPROGRESS && errno != ECONNREFUSED)
		return -errno;
	if (ip_proto == IPPROTO_UDP && send(fd, "", 1, 0) < 0 && errno != ECONNREFUSED)
		return -errno;
	return TAKE_FD(fd);
}

/* 127.0.0.1, or ::1 where IPv4 isn't there. In the gate's namespace. */
static int knock_lo(uint8_t ip_proto, uint16_t port)
{
	struct sockaddr_in v4 = {
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	struct sockaddr_in6 v6 = {
		.sin6_family = AF_INET6,
		.sin6_port = htons(port),
		.sin6_addr = IN6ADDR_LOOPBACK_INIT,
	};
	int fd = knock_to((struct sockaddr *)&v4, sizeof(v4), ip_proto);

	if (fd == -ENETUNREACH || fd == -EADDRNOTAVAIL || fd == -EAFNOSUPPORT)
		fd = knock_to((struct sockaddr *)&v6, sizeof(v6), ip_proto);
	return fd;
}

/* Another process may listen on the port at another address: this one's own is asked. */
static int knock_listener(const struct sock_entry *e)
{
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(e->local_port)};
	struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(e->local_port)};
	int fd;

	memcpy(&v6.sin6_addr, e->local, sizeof(v6.sin6_addr));
	memcpy(&v4.sin_addr, e->local + 12, sizeof(v4.sin_addr));
	if (e->family == AF_INET)
		return v4.sin_addr.s_addr
			       ? knock_to((struct sockaddr *)&v4, sizeof(v4), e->ip_proto)
			       : knock_lo(e->ip_proto, e->local_port);
	v6.sin6_scope_id = e->ifindex;
	if (!IN6_IS_ADDR_UNSPECIFIED(&v6.sin6_addr))
		return knock_to((struct sockaddr *)&v6, sizeof(v6), e->ip_proto);
	v6.sin6_addr = in6addr_loopback; /* it may be for IPv6 only */
	fd = knock_to((struct sockaddr *)&v6, sizeof(v6), e->ip_proto);
	return fd < 0 ? knock_lo(e->ip_proto, e->local_port) : fd;
}

/* Of a cgroup's processes the one that listens there, in the namespace that it is in. */
static int knock_cgroup(const struct gate *g, const struct gate_probe *p)
{
	_sockets_ struct sockets *s = NULL;
	_netns_home_ int home = -1;
	int r = sockets_read(g, &s, NULL);

	for (size_t i = 0; r == 0 && i < s->n; i++) {
		const struct sock_entry *e = &s->list[i];

		if (e->ip_proto != p->ip_proto || e->local_port != p->port || e->connected ||
		    (e->ip_proto == IPPROTO_TCP && e->tcp_state != TCP_LISTEN))
			continue;
		r = sockets_enter(s, e, &home, NULL);
		return r < 0 ? r : knock_listener(e);
	}
	return r < 0 ? r : -ENOENT; /* it listens no more */
}

static bool connected(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLOUT};
	int error = 0;
	socklen_t size = sizeof(error);

	return poll(&p, 1, 0) == 1 && !getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) &&
	       !error;
}

/* Its own entry, or `other` where the bounded table had no room for it. */
static bool counts(const struct plic_denial_key *key, const struct gate_probe *p)
{
	return !key->pad && key->proto == p->ip_proto && key->verdict == p->verdict &&
	       key->slot == p->slot && (p->slot || key->port == p->port || !key->port);
}

static const struct plic_denial *before_of(const struct gate_denial *list, size_t n,
					   const struct plic_denial_key *key)
{
	static const struct plic_denial none;

	for (size_t i = 0; i < n; i++)
		if (memcmp(&list[i].key, key, sizeof(*key)) == 0)
			return &list[i].count;
	return &none;
}

/* What the counters of the probe's port were, and are. */
struct proof {
	struct gate_denial *before, *after;
	size_t n_before, n_after;
};

static void proof_free(struct proof *proof)
{
	free(proof->before);
	free(proof->after);
}

static uint64_t risen(const struct proof *proof, const struct gate_probe *p)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < proof->n_after; i++) {
		const struct gate_denial *d = &proof->after[i];

		if (counts(&d->key, p))
			sum += d->count.connections -
			       before_of(proof->before, proof->n_before, &d->key)->connections;
	}
	return sum;
}

/* Exactly what was counted if nobody else knocked meanwhile, else what one knock is. */
static int leave_out(const struct gate *g, const struct proof *proof, const struct gate_probe *p,
		     unsigned int len)
{
	for (size_t i = 0; i < proof->n_after; i++) {
		const struct gate_denial *d = &proof->after[i];
		const struct plic_denial *was = before_of(proof->before, proof->n_before, &d->key);
		struct plic_denial mine = {1, len, 1, d->count.last_ns};

		if (!counts(&d->key, p) || d->count.connections == was->connections)
			continue;
		if (p->rose == 1) {
			mine.packets = d->count.packets - was->packets;
			mine.bytes = d->count.bytes - was->bytes;
		}
		return denials_note_probe(g->map[GATE_DENIALS], &d->key, &mine);
	}
	return 0;
}

static int look(const struct gate *g, struct gate_denial **list, size_t *n, struct fault *f)
{
	free(*list);
	*list = NULL;
	return denials_read(g->map[GATE_DENIALS], list, n, f);
}

static bool answered(const struct gate_way *way, const struct gate_probe *p, int fd)
{
	if (p->ip_proto != IPPROTO_TCP)
		return false;
	return fd >= 0 ? connected(fd) : knock_answered(way, p->port);
}

/* Both may come: in audit it is counted and answered. */
static int await(const struct gate *g, const struct gate_way *way, struct gate_probe *p,
		 struct proof *proof, int fd, struct fault *f)
{
	const struct timespec nap = {.tv_nsec = 1000000};
	uint64_t end = boot_now_ns() + WAIT_NS;
	int r;

	for (;;) {
		p->answered |= answered(way, p, fd);
		r = look(g, &proof->after, &proof->n_after, f);
		if (r < 0)
			return r;
		p->rose = risen(proof, p);
		if (p->rose || (p->answered && p->verdict == PLIC_DENIED) || boot_now_ns() > end)
			return 0;
		nanosleep(&nap, NULL);
	}
}

/* The pod has just sent to a group from there, and takes an answer from anybody. */
static bool takes_any(const struct gate *g, const struct gate_probe *p)
{
	struct plic_flow_key key = {.local_port = p->port, .proto = p->ip_proto};
	struct plic_flow flow;

	return p->ip_proto == IPPROTO_UDP &&
	       bpf_map_lookup_elem(g->map[GATE_FLOWS], &key, &flow) == 0 &&
	       boot_now_ns() - flow.last_ns < PLIC_ANY_REMOTE_NS;
}

static int knock(const struct gate *g, const struct gate_way *way, const struct gate_probe *p,
		 struct knocked *k)
{
	int r;

	if (way->fd >= 0) {
		r = knock_send(way, p->ip_proto, p->port);
		k->len = r < 0 ? 0 : (unsigned)r;
		return r < 0 ? r : 0;
	}
	r = k->fd = g->cgroup ? knock_cgroup(g, p) : knock_lo(p->ip_proto, p->port);
	k->len = p->ip_proto == IPPROTO_TCP ? LO_LEN : 29;
	return r < 0 ? r : 0;
}

int gate_probe(struct gate *g, const struct gate_way *way, struct gate_probe *p, struct fault *f)
{
	_cleanup_(proof_free) struct proof proof = {0};
	_netns_home_ int home = -1;
	struct knocked k = {.fd = -1};
	int r = gate_enter(g, &home, f);

	p->answered = false;
	p->rose = 0;
	p->explained = takes_any(g, p);
	if (p->explained)
		return r;
	if (r == 0)
		r = look(g, &proof.before, &proof.n_before, f);
	if (r < 0)
		return r;
	r = knock(g, way, p, &k);
	if (r < 0)
		return fault_set(f, -r, "can't send a probe by \"%s\": %s", way->interface,
				 strerror(-r));
	r = await(g, way, p, &proof, k.fd, f);
	cleanup_close(&k.fd);
	if (r == 0)
		r = look(g, &proof.after, &proof.n_after, f); /* the end of a handshake too */
	if (r < 0)
		return r;
	p->rose = risen(&proof, p);
	if (!p->rose)
		return 0;
	r = leave_out(g, &proof, p, k.len);
	return r < 0 ? fault_set(f, -r, "can't leave a probe out of the counters: %s", strerror(-r))
		     : 0;
}
