/* SPDX-License-Identifier: MIT */
/*
 * ways.c - the ways by which a gate can be probed: `lo`, and the other end of each veth, where it is the
 * agent's namespace or another one that can be entered.
 */
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "cleanup.h"
#include "gate_priv.h"
#include "netns.h"
#include "veth.h"

#define MAX_WAYS 5 /* lo and four veths */

/* Nobody's (RFC 5737): where the other end has no address, as behind a router that answers all ARP. */
static const uint8_t nobody[4] = {192, 0, 2, 1};

/* Frames that come out of the pod there are seen too: a handshake that is answered. */
static int open_packets(int ifindex)
{
	struct sockaddr_ll at = {
		.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL), .sll_ifindex = ifindex};
	_close_ int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0)
		return -errno;
	return TAKE_FD(fd);
}

static bool take_source(const struct netns_interface *peer, int family, uint8_t from[16])
{
	return veth_address(peer->ifindex, family, from) == 0 ||
	       (peer->master && veth_address(peer->master, family, from) == 0);
}

static const struct netns_interface *find(const struct netns_interface *list, size_t n, int ifindex)
{
	for (size_t i = 0; i < n; i++)
		if (list[i].ifindex == ifindex)
			return &list[i];
	return NULL;
}

/* In the other end's namespace. */
static void read_peer(struct gate_way *way, int ifindex)
{
	_free_ struct netns_interface *list = NULL;
	const struct netns_interface *peer;
	size_t n = 0;

	peer = netns_interfaces(&list, &n, NULL) < 0 ? NULL : find(list, n, ifindex);
	if (!peer || !peer->up) {
		snprintf(way->why_not, sizeof(way->why_not), "its other end is down");
		return;
	}
	snprintf(way->peer, sizeof(way->peer), "%s", peer->name);
	memcpy(way->peer_mac, peer->mac, sizeof(way->peer_mac));
	if (!take_source(peer, way->family, way->from)) {
		if (way->family == AF_INET6)
			snprintf(way->why_not, sizeof(way->why_not),
				 "its other end has no IPv6 address to send from");
		memcpy(way->from, nobody, sizeof(nobody));
	}
	way->fd = open_packets(ifindex);
	if (way->fd < 0)
		snprintf(way->why_not, sizeof(way->why_not), "no packet socket there: %s",
			 strerror(-way->fd));
}

/* In the pod's namespace, and back there again. */
static void find_peer(struct gate_way *way, const struct netns_interface *link, int home)
{
	_close_ int netns = veth_open_netns(link->peer_nsid, home);
	_netns_home_ int pod = netns_open_current();

	if (netns < 0 || pod < 0 || setns(netns, CLONE_NEWNET) < 0) {
		snprintf(way->why_not, sizeof(way->why_not), "not reachable from here");
		return;
	}
	read_peer(way, link->peer);
}

static void add_way(struct gate_way *way, const struct netns_interface *link, int home)
{
	*way = (struct gate_way){.fd = -1, .family = AF_INET};
	memcpy(way->interface, link->name, sizeof(way->interface));
	memcpy(way->mac, link->mac, sizeof(way->mac));
	if (veth_address(link->ifindex, AF_INET, way->to) < 0) {
		way->family = AF_INET6;
		if (veth_address(link->ifindex, AF_INET6, way->to) < 0)
			snprintf(way->why_not, sizeof(way->why_not), "it has no address");
	}
	if (!link->up)
		snprintf(way->why_not, sizeof(way->why_not), "it is down");
	if (!way->why_not[0])
		find_peer(way, link, home);
}

int gate_ways(struct gate *g, struct gate_way **out, size_t *n, struct fault *f)
{
	_netns_home_ int home = -1;
	_free_ struct netns_interface *links = NULL;
	struct gate_way *ways;
	size_t n_links = 0;
	int r = gate_enter(g, &home, f);

	if (r == 0 && !g->cgroup) /* which has no interfaces of its own */
		r = netns_interfaces(&links, &n_links, f);
	if (r < 0)
		return r;
	ways = calloc(MAX_WAYS, sizeof(*ways));
	if (!ways)
		return fault_set(f, ENOMEM, "no memory for the ways to gate \"%s\"", g->name);
	ways[0] = (struct gate_way){.interface = "lo", .fd = -1};
	*n = 1;
	for (size_t i = 0; i < n_links && *n < MAX_WAYS; i++)
		if (links[i].veth && links[i].peer && links[i].peer_nsid >= 0)
			add_way(&ways[(*n)++], &links[i], home);
	*out = ways;
	return 0;
}

void gate_ways_free(struct gate_way *ways, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (ways[i].fd >= 0)
			close(ways[i].fd);
	free(ways);
}
