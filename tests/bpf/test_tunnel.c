/* SPDX-License-Identifier: MIT */
/*
 * test_tunnel.c - packets without an Ethernet header: a tunnel's, and the pod's own multicast that the
 * stack loops back. An IPv6 source address can be chosen such that header, address and payload, read as
 * if they began with an Ethernet header, are an innocent TCP segment.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "live.h"
#include "tap.h"

#define GROUP "ff02::77"
/* Bytes 4 and 5 are the ethertype; then version, length 20, TCP, hop limit as of an IPv6 header. */
#define DISGUISE "2001:db8:86dd:6000:0:14:640:1"
#define DISGUISED_FLAGS 19 /* where the payload then holds TCP's flags */

static const char disguised[40] = {[DISGUISED_FLAGS] = ACK};

static int make_tun(void)
{
	struct ifreq ifr = {.ifr_name = "tun0", .ifr_flags = IFF_TUN | IFF_NO_PI};
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);

	if (fd < 0 || ioctl(fd, TUNSETIFF, &ifr)) {
		printf("skip: no tun device: %s\n", strerror(errno));
		exit(77);
	}
	run("ip link set tun0 up; ip addr add 10.98.0.2/24 dev tun0; ip addr add fd98::2/64 dev "
	    "tun0 nodad");
	return fd;
}

static void join(int s, const char *interface)
{
	struct ipv6_mreq group = {.ipv6mr_multiaddr = address(GROUP, 0).v6.sin6_addr,
				  .ipv6mr_interface = if_nametoindex(interface)};

	if (setsockopt(s, IPPROTO_IPV6, IPV6_JOIN_GROUP, &group, sizeof(group)))
		perror("# join");
}

static bool arrives(int s)
{
	return readable(s, 200) && drain(s) > 0;
}

static void through(int tun, struct frame_spec spec, const char *payload)
{
	struct frame f;

	frame_build(&spec, &f);
	if (payload) {
		uint16_t sum;

		memcpy(f.bytes + f.l4 + 8, payload, spec.payload);
		memset(f.bytes + f.l4 + 6, 0, 2);
		sum = ~frame_l4_sum(f.bytes + f.l3, f.bytes + f.l4, f.len - f.l4, spec.ip_proto);
		f.bytes[f.l4 + 6] = sum >> 8, f.bytes[f.l4 + 7] = sum & 0xff;
	}
	if (write(tun, f.bytes + f.l3, f.len - f.l3) < 0)
		perror("# write to tun0");
}

static void tunnel(int tun, int open_udp, int shut_udp)
{
	struct frame_spec four = {.family = 4,
				  .ip_proto = IPPROTO_UDP,
				  .from = "10.98.0.1",
				  .to = "10.98.0.2",
				  .payload = 10};
	struct frame_spec six = {.family = 6,
				 .ip_proto = IPPROTO_UDP,
				 .from = "fd98::1",
				 .to = "fd98::2",
				 .payload = 10};
	struct frame_spec wolf = {.family = 6,
				  .ip_proto = IPPROTO_UDP,
				  .from = DISGUISE,
				  .to = GROUP,
				  .dport = SHUT,
				  .payload = sizeof(disguised)};

	for (int gate = 0; gate < 2; gate++) {
		through(tun, wolf, disguised);
		check(arrives(shut_udp) == !gate, "tunnel, %d gates: in disguise", gate);
		four.dport = six.dport = SHUT;
		through(tun, four, NULL);
		check(arrives(shut_udp) == !gate, "tunnel, %d gates: shut port, IPv4", gate);
		through(tun, six, NULL);
		check(arrives(shut_udp) == !gate, "tunnel, %d gates: shut port, IPv6", gate);
		four.dport = six.dport = OPEN;
		through(tun, four, NULL);
		check(arrives(open_udp), "tunnel, %d gates: open port, IPv4", gate);
		through(tun, six, NULL);
		check(arrives(open_udp), "tunnel, %d gates: open port, IPv6", gate);
		if (!gate)
			attach("tun0");
	}
	detach("tun0");
}

/* The same disguise on eth0, where other packets do have an Ethernet header. */
static void looped(int shut_udp)
{
	union address from = address(DISGUISE, 5555), to = address(GROUP, SHUT);
	int s = socket_in(pod, AF_INET6, SOCK_DGRAM, 0), eth0 = if_nametoindex("eth0");

	run("ip addr add " DISGUISE "/128 dev eth0 nodad");
	to.v6.sin6_scope_id = eth0;
	if (bind(s, &from.any, sizeof(from.v6)) ||
	    setsockopt(s, IPPROTO_IPV6, IPV6_MULTICAST_IF, &eth0, sizeof(eth0)))
		perror("# bind");
	for (int gate = 0; gate < 2; gate++) {
		sendto(s, disguised, sizeof(disguised), 0, &to.any, sizeof(to.v6));
		check(arrives(shut_udp) == !gate, "looped back, %d gates: in disguise", gate);
		if (!gate)
			attach("eth0");
	}
	detach("eth0");
	close(s);
}

int main(void)
{
	struct plic_header header = {};
	struct plic_rule none = {};
	struct ruleset_port port = {
		.port = OPEN, .end_port = OPEN, .ip_proto = IPPROTO_UDP, .slot = 1};
	int tun, open_udp, shut_udp;

	box_open(&box);
	build();
	tun = make_tun();
	port.rule = box_rule(0, PLIC_NEVER, PLIC_NEVER);
	box_publish(&box, &header, &none, &port, 1);
	open_udp = serve(SOCK_DGRAM, OPEN);
	shut_udp = serve(SOCK_DGRAM, SHUT);
	join(shut_udp, "tun0");
	join(shut_udp, "eth0");
	tunnel(tun, open_udp, shut_udp);
	looped(shut_udp);
	close(tun);
	box_close(&box);
	return tap_end();
}
