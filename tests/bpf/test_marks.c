/* SPDX-License-Identifier: MIT */
/*
 * test_marks.c - which TCP connections egress takes for the pod's own, on a real stack, and so which of
 * them outlive the end of their port: the pod's, behind NAT too; none that came in, whatever the pod does.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "live.h"
#include "tap.h"

#define AWAY4 "10.99.0.77"  /* nobody's; NAT in the pod makes the peer of it */
#define OTHER4 "10.99.0.22" /* another address of the pod */
#define PEER_PORT 5555

static void publish(bool ended)
{
	struct plic_header header = {};
	struct plic_rule none = {};
	struct ruleset_port port = {
		.port = CUT, .end_port = CUT, .ip_proto = IPPROTO_TCP, .slot = 1};

	port.rule = ended ? box_rule(0, -2 * (int64_t)BOX_SECOND, -(int64_t)BOX_SECOND)
			  : box_rule(0, PLIC_NEVER, PLIC_NEVER);
	box_publish(&box, &header, &none, &port, 1);
}

static int tcp(int netns, const char *local, uint16_t port)
{
	union address a = address(local, port);
	int s = socket_in(netns, AF_INET, SOCK_STREAM, 0), on = 1;

	setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(s, &a.any, sizeof(a.v4)))
		perror("# bind");
	return s;
}

static bool to(int s, const char *remote, uint16_t port)
{
	union address a = address(remote, port);
	struct timeval limit = {.tv_sec = 1};

	setsockopt(s, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)); /* connect() too */
	return connect(s, &a.any, sizeof(a.v4)) == 0;
}

/* The error that the receiver sees after one byte from the other end; 0: the byte came. */
static int passes(int from, int at)
{
	char byte = 'x';

	if (send(from, &byte, 1, MSG_NOSIGNAL) < 0)
		return errno;
	readable(at, 500);
	return recv(at, &byte, 1, MSG_DONTWAIT) == 1 ? 0 : errno;
}

struct inbound {
	int client, server; /* the peer's socket and the pod's */
};

/* The listener is closed, so that the pod can bind to its port once more. */
static struct inbound come_in(void)
{
	int listener = tcp(pod, POD4, CUT);
	struct inbound in = {.client = tcp(peer, PEER4, PEER_PORT)};

	if (listen(listener, 1))
		perror("# listen");
	check(to(in.client, POD4, CUT), "a client comes in: %s", strerror(errno));
	in.server = accept(listener, NULL, NULL);
	close(listener);
	return in;
}

/* No TIME_WAIT may keep the ports. */
static void drop(int s)
{
	struct linger reset = {.l_onoff = 1};

	setsockopt(s, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	close(s);
}

static void goes_on_then_ends(struct inbound in, const char *name)
{
	int err;

	check(passes(in.client, in.server) == 0, "%s: the connection passes while it may", name);
	publish(true);
	if (send(in.client, "x", 1, MSG_NOSIGNAL) < 0)
		perror("# send");
	readable(in.client, 1000);
	err = recv(in.client, &err, 1, MSG_DONTWAIT) < 0 ? errno : 0;
	check(err == ECONNRESET, "%s: it is cut all the same: %s", name, strerror(err));
	drop(in.client);
	drop(in.server);
}

/* A second connect() to the same two ports, from another address of the pod. */
static void second_address(void)
{
	struct inbound in;
	int s;

	publish(false);
	in = come_in();
	s = tcp(pod, OTHER4, CUT);
	to(s, PEER4, PEER_PORT); /* that its SYN goes out is all it takes */
	check(box.skel->bss->plic_marked, "the pod connects from its other address");
	goes_on_then_ends(in, "another address");
	drop(s);
}

static void nat(const char *more)
{
	char command[1024];

	snprintf(command, sizeof(command),
		 "nft -f - <<'E'\n"
		 "table ip t {\n"
		 " chain out { type nat hook output priority -100; ip daddr " AWAY4
		 " dnat to " PEER4 "; }\n"
		 "%s"
		 "}\nE",
		 more);
	run(command);
}

/*
 * NAT of a foreign address to the client's: the pod's SYN goes out on the very ports of what came in.
 * Connection tracking would choose another port, had it seen that.
 */
static void foreign_address(void)
{
	struct inbound in;
	int s;

	nat(" chain r { type filter hook prerouting priority -300; tcp dport 7000 notrack; }\n"
	    " chain q { type filter hook output priority -300; ip daddr " PEER4
	    " tcp sport 7000 notrack; }\n");
	publish(false);
	in = come_in();
	box.skel->bss->plic_marked = 1; /* so that wire looks */
	s = tcp(pod, POD4, CUT);
	to(s, AWAY4, PEER_PORT);
	goes_on_then_ends(in, "a foreign address");
	drop(s);
	run("nft delete table ip t");
}

/* What the pod opens through NAT of its own is its own. */
static void own_behind_nat(void)
{
	int server = tcp(peer, PEER4, 443), s, accepted;

	nat("");
	if (listen(server, 1))
		perror("# listen");
	publish(false);
	s = tcp(pod, POD4, CUT);
	check(to(s, AWAY4, 443), "the pod connects through NAT: %s", strerror(errno));
	accepted = accept(server, NULL, NULL);
	publish(true);
	check(passes(accepted, s) == 0, "... and is answered after the end of its port");
	drop(s);
	drop(accepted);
	close(server);
	run("nft delete table ip t");
}

int main(void)
{
	box_open(&box);
	if (system("command -v ip >/dev/null")) {
		printf("skip: no ip command\n");
		return 77;
	}
	build();
	run("ip addr add " OTHER4 "/24 dev eth0");
	attach("eth0");
	attach("lo");
	attach_socket();
	second_address();
	if (system("command -v nft >/dev/null")) {
		skip("NAT in the pod", "no nft");
	} else {
		foreign_address();
		own_behind_nat();
	}
	box_close(&box);
	return tap_end();
}
