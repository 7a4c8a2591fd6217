/* SPDX-License-Identifier: MIT */
/* live.c - builds the two namespaces, attaches the programs, sends and connects. */
#include "live.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/if_packet.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define TCX_INGRESS 46
#define TCX_EGRESS 47
#define MAX_LINKS 8

struct box box;
int pod, peer;
uint8_t pod_mac[6];
static int links[MAX_LINKS], n_links;
static int raw; /* packet socket on the peer's side */

static void enter(int netns)
{
	if (setns(netns, CLONE_NEWNET)) {
		perror("# setns");
		exit(1);
	}
}

void run(const char *command)
{
	if (system(command))
		printf("# failed: %s\n", command);
}

int socket_in(int netns, int domain, int type, int protocol)
{
	int s;

	enter(netns);
	s = socket(domain, type, protocol);
	enter(pod);
	return s;
}

void build(void)
{
	struct ifreq ifr = {.ifr_name = "eth0"};
	char command[256];
	int s;

	pod = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (unshare(CLONE_NEWNET))
		exit(1);
	peer = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	enter(pod);
	snprintf(command, sizeof(command),
		 "ip link add eth0 type veth peer name peer0 && ip link set peer0 netns "
		 "/proc/%d/fd/%d",
		 getpid(), peer);
	run(command);
	run("sysctl -qw net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.eth0.accept_dad=0;"
	    "ip link set lo up; ip link set eth0 up; ip addr add " POD4 "/24 dev eth0;"
	    "ip addr add " POD6 "/64 dev eth0 nodad");
	enter(peer);
	run("ip link set lo up; ip link set peer0 up; ip addr add " PEER4 "/24 dev peer0;"
	    "ip addr add " PEER6 "/64 dev peer0 nodad");
	enter(pod);
	s = socket(AF_INET, SOCK_DGRAM, 0);
	ioctl(s, SIOCGIFHWADDR, &ifr);
	memcpy(pod_mac, ifr.ifr_hwaddr.sa_data, 6);
	close(s);
}

void open_raw(void)
{
	struct sockaddr_ll to = {.sll_family = AF_PACKET};

	raw = socket_in(peer, AF_PACKET, SOCK_RAW, 0);
	enter(peer);
	to.sll_ifindex = if_nametoindex("peer0");
	enter(pod);
	if (bind(raw, (struct sockaddr *)&to, sizeof(to)))
		perror("# bind to peer0");
}

/* Before 6.6 there is no tcx: then by clsact, for the life of the interface. */
static void attach_clsact(int ifindex, enum bpf_tc_attach_point point, int prog)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = ifindex, .attach_point = point);
	LIBBPF_OPTS(bpf_tc_opts, opts, .prog_fd = prog);

	bpf_tc_hook_create(&hook);
	if (bpf_tc_attach(&hook, &opts)) {
		printf("skip: neither tcx nor clsact\n");
		exit(77);
	}
}

void attach(const char *interface)
{
	int ifindex = if_nametoindex(interface);
	int wire = bpf_program__fd(box.skel->progs.plic_wire);
	int egress = bpf_program__fd(box.skel->progs.plic_egress);

	links[n_links] = bpf_link_create(wire, ifindex, TCX_INGRESS, NULL);
	if (links[n_links] < 0) {
		attach_clsact(ifindex, BPF_TC_INGRESS, wire);
		attach_clsact(ifindex, BPF_TC_EGRESS, egress);
		return;
	}
	n_links++;
	links[n_links++] = bpf_link_create(egress, ifindex, TCX_EGRESS, NULL);
}

void attach_socket(void)
{
	int fd = bpf_program__fd(box.skel->progs.plic_socket);

	links[n_links++] = bpf_link_create(fd, pod, BPF_SK_LOOKUP, NULL);
	if (links[n_links - 1] < 0)
		perror("# sk_lookup");
}

void detach(const char *interface)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = if_nametoindex(interface),
		    .attach_point = BPF_TC_INGRESS | BPF_TC_EGRESS);

	bpf_tc_hook_destroy(&hook);
	while (n_links)
		close(links[--n_links]);
}

union address address(const char *text, uint16_t port)
{
	union address a = {};

	if (strchr(text, ':')) {
		a.v6.sin6_family = AF_INET6;
		a.v6.sin6_port = htons(port);
		inet_pton(AF_INET6, text, &a.v6.sin6_addr);
	} else {
		a.v4.sin_family = AF_INET;
		a.v4.sin_port = htons(port);
		inet_pton(AF_INET, text, &a.v4.sin_addr);
	}
	return a;
}

int serve(int type, uint16_t port)
{
	int s = socket_in(pod, AF_INET6, type | SOCK_NONBLOCK, 0), on = 1, off = 0;
	union address any = address("::", port);

	setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	setsockopt(s, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	setsockopt(s, SOL_SOCKET, SO_BROADCAST, &on, sizeof(on));
	if (bind(s, &any.any, sizeof(any.v6)) || (type == SOCK_STREAM && listen(s, 64)))
		perror("# serve");
	return s;
}

bool readable(int s, int ms)
{
	struct pollfd p = {.fd = s, .events = POLLIN};

	return poll(&p, 1, ms) == 1;
}

int drain(int s)
{
	char bytes[4096];
	int n = 0;

	while (recv(s, bytes, sizeof(bytes), MSG_DONTWAIT) >= 0)
		n++;
	return n;
}

void send_frame(const struct frame *f)
{
	if (send(raw, f->bytes, f->len, 0) < 0)
		perror("# send a frame");
}

int try_tcp(int from, const char *to, uint16_t port, int *ms)
{
	union address a = address(to, port);
	int s = socket_in(from, a.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK, 0);
	struct pollfd p = {.fd = s, .events = POLLOUT};
	uint64_t start = box_now();
	socklen_t len = sizeof(int);
	int err = 0;

	if (connect(s, &a.any, a.any.sa_family == AF_INET ? sizeof(a.v4) : sizeof(a.v6)))
		err = errno;
	if (err == EINPROGRESS) {
		err = ETIMEDOUT;
		if (poll(&p, 1, 1500) == 1)
			getsockopt(s, SOL_SOCKET, SO_ERROR, &err, &len);
	}
	*ms = (box_now() - start) / 1000000;
	close(s);
	return err;
}

int try_udp(int from, const char *to, uint16_t port, int bytes)
{
	static const char data[60000];
	union address a = address(to, port);
	int s = socket_in(from, a.any.sa_family, SOCK_DGRAM, 0), err = EAGAIN;
	char answer[16];

	if (connect(s, &a.any, a.any.sa_family == AF_INET ? sizeof(a.v4) : sizeof(a.v6)) ||
	    send(s, data, bytes, 0) < 0)
		err = errno;
	else if (readable(s, 300) && recv(s, answer, sizeof(answer), 0) < 0)
		err = errno;
	close(s);
	return err;
}

void offload(int netns, const char *interface, bool on)
{
	struct ethtool_value value = {.cmd = ETHTOOL_STXCSUM, .data = on};
	struct ifreq ifr = {.ifr_data = (void *)&value};
	int s = socket_in(netns, AF_INET, SOCK_DGRAM, 0);

	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", interface);
	if (ioctl(s, SIOCETHTOOL, &ifr))
		perror("# ethtool");
	close(s);
}
