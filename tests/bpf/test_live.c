/* SPDX-License-Identifier: MIT */
/*
 * test_live.c - the programs on a real stack: a pod's namespace and a peer's, joined by a veth. What the
 * stack delivers without the gate is the measure: whatever the frame, nothing may reach a shut port, and
 * what is plain enough to be read must reach an open one.
 */
#include <bpf/bpf.h>
#include <linux/if_ether.h>
#include <net/if.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "ledger.skel.h"
#include "live.h"
#include "tap.h"

static void refusals(const char *how)
{
	const struct {
		const char *name, *to;
		int *from;
	} rows[] = {
		{"veth, IPv4", POD4, &peer},
		{"veth, IPv6", POD6, &peer},
		{"lo, 127.0.0.1", "127.0.0.1", &pod},
		{"lo, 127.9.9.9", "127.9.9.9", &pod},
		{"lo, ::1", "::1", &pod},
		{"lo, own IPv4", POD4, &pod},
		{"lo, own IPv6", POD6, &pod},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int ms, err, udp;

		err = try_tcp(*rows[i].from, rows[i].to, SHUT, &ms);
		check(err == ECONNREFUSED && ms < 200, "%s: TCP refused in %d ms: %s", rows[i].name,
		      ms, strerror(err));
		err = try_tcp(*rows[i].from, rows[i].to, OPEN, &ms);
		check(err == 0, "%s, %s: open TCP port: %s", how, rows[i].name, strerror(err));
		for (int bytes = 0; bytes <= 1400; bytes += 700) {
			udp = try_udp(*rows[i].from, rows[i].to, SHUT, bytes);
			check(udp == ECONNREFUSED, "%s, %s: UDP of %d bytes refused: %s", how,
			      rows[i].name, bytes, strerror(udp));
		}
		udp = try_udp(*rows[i].from, rows[i].to, OPEN, 100);
		check(udp == EAGAIN, "%s, %s: open UDP port: %s", how, rows[i].name, strerror(udp));
	}
}

static struct frame_spec random_spec(void)
{
	struct frame_spec s = {.family = random() % 2 ? 4 : 6, .ip_proto = IPPROTO_UDP};
	static const uint8_t types[] = {IPPROTO_HOPOPTS, IPPROTO_DSTOPTS, IPPROTO_DSTOPTS,
					IPPROTO_ROUTING, IPPROTO_FRAGMENT};

	s.from = s.family == 4 ? PEER4 : PEER6;
	s.to = s.family == 4 ? POD4 : POD6;
	if (s.family == 4 && random() % 8 == 0)
		s.to = random() % 2 ? "255.255.255.255" : "10.99.0.255";
	memcpy(s.mac, pod_mac, 6);
	for (int i = random() % 3 ? 0 : random() % 6; i > 0; i--) {
		s.tpid[i - 1] = random() % 2 ? ETH_P_8021Q : ETH_P_8021AD;
		s.vid[i - 1] = random() % 8 ? 0 : random() % 4096;
	}
	if (s.family == 4 && random() % 2)
		s.options = random() % 11;
	if (s.family == 6)
		s.n_ext = random() % 2 ? random() % 4 : random() % 12;
	for (int i = 0; i < s.n_ext; i++)
		s.ext[i] = types[random() % sizeof(types)];
	s.payload = 16 + random() % 64;
	s.sport = 1024 + random() % 60000;
	return s;
}

/* Cuts an IPv4 datagram in two, the first part with n (a multiple of 8) bytes of payload. */
static void send_fragments(const struct frame *whole, size_t n, bool reverse)
{
	struct frame first = *whole, second = *whole;
	size_t header = whole->l4 - whole->l3, len = whole->len - whole->l4;
	uint16_t sum;

	first.len = whole->l4 + n;
	memmove(second.bytes + whole->l4, whole->bytes + whole->l4 + n, len - n);
	second.len = whole->len - n;
	for (int i = 0; i < 2; i++) {
		struct frame *f = i ? &second : &first;
		uint8_t *ip = f->bytes + f->l3;

		ip[2] = (f->len - f->l3) >> 8, ip[3] = (f->len - f->l3) & 0xff;
		memcpy(ip + 4, whole->bytes + whole->l4, 2); /* identified by the source port */
		ip[6] = i ? n / 8 >> 8 : 0x20, ip[7] = i ? n / 8 & 0xff : 0;
		ip[10] = ip[11] = 0;
		sum = ~frame_sum(0, ip, header);
		ip[10] = sum >> 8, ip[11] = sum & 0xff;
	}
	send_frame(reverse ? &second : &first);
	send_frame(reverse ? &first : &second);
}

struct delivery {
	int open, shut;
};

/* The same frames each time: random() is seeded. What arrives on the two ports. */
static struct delivery bombard(int open_udp, int shut_udp, bool damage, int n)
{
	struct delivery d = {};

	srandom(7);
	drain(open_udp);
	drain(shut_udp);
	for (int i = 0; i < n; i++) {
		struct frame_spec spec = random_spec();
		int damages = damage ? 1 + random() % 3 : 0, fragments = random() % 8;
		struct frame f;

		spec.dport = random() % 2 ? OPEN : SHUT;
		frame_build(&spec, &f);
		while (damages--)
			f.bytes[12 + random() % (f.l4 + 8 - 12)] = random();
		if (!damage && fragments == 0 && spec.family == 4)
			send_fragments(&f, random() % 2 ? 8 : 16, random() % 2);
		else
			send_frame(&f);
		if (i % 50 == 49) {
			usleep(2000);
			d.open += drain(open_udp);
			d.shut += drain(shut_udp);
		}
	}
	usleep(50000);
	d.open += drain(open_udp);
	d.shut += drain(shut_udp);
	return d;
}

/* With the wire alone: socket would catch what wire misses. */
static void evasion(int open_udp, int shut_udp)
{
	for (int damage = 0; damage < 2; damage++) {
		int n = damage ? 40000 : 10000;
		struct delivery without, with;

		without = bombard(open_udp, shut_udp, damage, n);
		attach("eth0");
		with = bombard(open_udp, shut_udp, damage, n);
		detach("eth0");
		printf("# %s: without the gate %d open, %d shut; with it %d open, %d shut\n",
		       damage ? "damaged" : "disguised", without.open, without.shut, with.open,
		       with.shut);
		check(without.shut > 100 && with.shut == 0,
		      "%d %s frames: %d of the shut port's were deliverable, %d delivered", n,
		      damage ? "damaged" : "disguised", without.shut, with.shut);
		check(with.open <= without.open && with.open * 10 >= without.open * 9,
		      "%d of the open port's were deliverable, %d delivered", without.open,
		      with.open);
	}
}

/* What the answer looks like on the peer's wire: no device has to complete anything wrongly. */
static void established_is_cut(void)
{
	struct plic_header header = {};
	struct plic_rule none = {};
	union address a = address(POD4, CUT);
	int server = serve(SOCK_STREAM, CUT), s = socket_in(peer, AF_INET, SOCK_STREAM, 0),
	    accepted;
	struct ruleset_port port = {
		.port = CUT, .end_port = CUT, .ip_proto = IPPROTO_TCP, .slot = 1};
	static const char data[30000];
	char byte;
	ssize_t got;

	port.rule = box_rule(0, PLIC_NEVER, PLIC_NEVER);
	box_publish(&box, &header, &none, &port, 1);
	check(!connect(s, &a.any, sizeof(a.v4)), "a connection before the end");
	readable(server, 1000);
	accepted = accept(server, NULL, NULL);
	port.rule = box_rule(0, -2 * (int64_t)BOX_SECOND, -(int64_t)BOX_SECOND);
	box_publish(&box, &header, &none, &port, 1);
	if (send(s, data, sizeof(data), MSG_NOSIGNAL) < 0)
		perror("# send");
	readable(s, 1000);
	got = recv(s, &byte, 1, MSG_DONTWAIT);
	check(got < 0 && errno == ECONNRESET, "cut: the client sees a reset: %s", strerror(errno));
	close(s);
	close(accepted);
	close(server);
}

/* The pod's own connection from a port of the license: egress saw the pod connect. */
static void own_is_not_cut(void)
{
	struct plic_header header = {};
	struct plic_rule none = {};
	union address from = address(POD4, CUT), to = address(PEER4, 443);
	int server = socket_in(peer, AF_INET, SOCK_STREAM, 0), accepted;
	int s = socket_in(pod, AF_INET, SOCK_STREAM, 0), one = 1;
	struct ruleset_port port = {
		.port = CUT, .end_port = CUT, .ip_proto = IPPROTO_TCP, .slot = 1};

	port.rule = box_rule(0, PLIC_NEVER, PLIC_NEVER);
	box_publish(&box, &header, &none, &port, 1);
	setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(server, &to.any, sizeof(to.v4)) || listen(server, 1) ||
	    bind(s, &from.any, sizeof(from.v4)))
		perror("# bind");
	check(!connect(s, &to.any, sizeof(to.v4)), "the pod connects from a named port: %s",
	      strerror(errno));
	accepted = accept(server, NULL, NULL);
	port.rule = box_rule(0, -2 * (int64_t)BOX_SECOND, -(int64_t)BOX_SECOND);
	box_publish(&box, &header, &none, &port, 1);
	check(send(accepted, "hello", 5, MSG_NOSIGNAL) == 5 && readable(s, 1000) && drain(s) == 1,
	      "... and is answered after its end");
	close(s);
	close(accepted);
	close(server);
}

/* NULL: this kernel doesn't take it so. */
static struct ledger_bpf *load_ledger(int ancestors)
{
	struct ledger_bpf *skel = ledger_bpf__open();

	skel->rodata->plic_n_cpus = box.n_cpus;
	skel->rodata->plic_has_ancestors = ancestors;
	bpf_map__reuse_fd(skel->maps.plic_sets, bpf_map__fd(box.skel->maps.plic_sets));
	bpf_map__reuse_fd(skel->maps.plic_traffic, bpf_map__fd(box.skel->maps.plic_traffic));
	bpf_map__reuse_fd(skel->maps.plic_clock, bpf_map__fd(box.skel->maps.plic_clock));
	if (!ledger_bpf__load(skel))
		return skel;
	ledger_bpf__destroy(skel);
	return NULL;
}

/* Each accepted connection is counted once, on the slot of its port, by the node's ledger. */
static void ledger(void)
{
	struct ledger_bpf *skel = load_ledger(1) ?: load_ledger(0);
	const char *to[] = {"127.0.0.1", "::1", POD4, POD6};
	static struct box_counts counts;
	uint32_t gate = BOX_GATE, netns;
	struct bpf_link *link;
	struct stat st;
	int ms, failed = 0;

	fstat(pod, &st);
	netns = st.st_ino;
	if (!check(skel, "the ledger loads"))
		return;
	link = bpf_program__attach(skel->progs.plic_ledger);
	check(link && !bpf_map_update_elem(bpf_map__fd(skel->maps.plic_netns), &netns, &gate,
					   BPF_ANY),
	      "the ledger is attached");
	box_clear(&box);
	for (int i = 0; i < 20; i++)
		failed += try_tcp(i % 4 < 2 ? pod : peer, to[i % 4], OPEN, &ms) != 0;
	for (int i = 0; i < 4; i++)
		try_tcp(i % 4 < 2 ? pod : peer, to[i], SHUT, &ms);
	usleep(20000);
	box_counts(&box, &counts);
	check(!failed && counts.traffic[1].connections == 20 && counts.traffic[0].connections == 0,
	      "20 connections, counted %llu", (unsigned long long)counts.traffic[1].connections);
	bpf_link__destroy(link);
	ledger_bpf__destroy(skel);
}

static bool has(const char *tool)
{
	char command[64];

	snprintf(command, sizeof(command), "command -v %s >/dev/null", tool);
	return system(command) == 0;
}

/* Each SYN and each datagram is counted once, by wire or by socket, whoever answers it. */
static void counted_once(void)
{
	static struct box_counts counts;
	const char *to[] = {"127.0.0.1", "::1", POD4, POD6};
	int ms;

	for (int from_pod = 0; from_pod < 2; from_pod++) {
		box_clear(&box);
		for (int i = from_pod ? 0 : 2; i < 4; i++) {
			try_tcp(from_pod ? pod : peer, to[i], SHUT, &ms);
			try_udp(from_pod ? pod : peer, to[i], SHUT, 10);
		}
		box_counts(&box, &counts);
		check(counts.denied == (from_pod ? 8 : 4),
		      "%s: %llu of %d refused SYNs and datagrams counted", from_pod ? "lo" : "veth",
		      (unsigned long long)counts.denied, from_pod ? 8 : 4);
	}
}

/*
 * NAT inside the pod: the open port is redirected to the shut one. From outside that happens behind
 * wire, and socket sees it; on lo before it, and wire's refusal must find its way back through NAT.
 */
static void redirected(void)
{
	int ms, err;

	if (!has("nft")) {
		printf("ok %d - NAT in the pod # SKIP no nft\n", ++tap_cases);
		return;
	}
	run("nft -f - <<'E'\n"
	    "table inet t {\n"
	    " chain pre { type nat hook prerouting priority -100; tcp dport 8080 redirect to "
	    ":9090; }\n"
	    " chain out { type nat hook output priority -100; tcp dport 8080 redirect to :9090; }\n"
	    "}\nE");
	err = try_tcp(peer, POD4, OPEN, &ms);
	check(err == ECONNREFUSED && ms < 200, "redirect, from outside, IPv4: %s in %d ms",
	      strerror(err), ms);
	err = try_tcp(peer, POD6, OPEN, &ms);
	check(err == ECONNREFUSED && ms < 200, "redirect, from outside, IPv6: %s in %d ms",
	      strerror(err), ms);
	err = try_tcp(pod, "127.0.0.1", OPEN, &ms);
	check(err == ECONNREFUSED && ms < 200, "redirect, on lo, 127.0.0.1: %s in %d ms",
	      strerror(err), ms);
	err = try_tcp(pod, "::1", OPEN, &ms);
	check(err == ECONNREFUSED && ms < 200, "redirect, on lo, ::1: %s in %d ms", strerror(err),
	      ms);
	run("nft delete table inet t");
}

/* Bulk over lo with frames beyond 64 KiB: the length fields are 0, and nothing gets stuck. */
static void big_frames(const char *to)
{
	int server = serve(SOCK_STREAM, OPEN), accepted, s;
	union address a = address(to, OPEN);
	static char data[1 << 20];
	size_t sent = 0, got = 0;
	struct timespec start, now;

	s = socket(a.any.sa_family, SOCK_STREAM, 0);
	if (connect(s, &a.any, a.any.sa_family == AF_INET ? sizeof(a.v4) : sizeof(a.v6)))
		perror("# connect");
	readable(server, 1000);
	accepted = accept4(server, NULL, NULL, SOCK_NONBLOCK);
	clock_gettime(CLOCK_MONOTONIC, &start);
	do {
		ssize_t n = send(s, data, sizeof(data), MSG_DONTWAIT);

		sent += n > 0 ? n : 0;
		while ((n = recv(accepted, data, sizeof(data), 0)) > 0)
			got += n;
		clock_gettime(CLOCK_MONOTONIC, &now);
	} while (got < 200 << 20 && now.tv_sec - start.tv_sec < 10);
	check(got >= 200 << 20, "%zu MiB over lo to %s", got >> 20, to);
	close(s);
	close(accepted);
	close(server);
}

static void multicast_loop(void)
{
	int s = socket(AF_INET, SOCK_DGRAM, 0);
	union address group = address("224.0.0.251", 5353);
	struct ip_mreqn join = {.imr_multiaddr = group.v4.sin_addr};
	union address any = address("0.0.0.0", 5353);

	join.imr_ifindex = if_nametoindex("eth0");
	if (bind(s, &any.any, sizeof(any.v4)) ||
	    setsockopt(s, IPPROTO_IP, IP_ADD_MEMBERSHIP, &join, sizeof(join)) ||
	    setsockopt(s, IPPROTO_IP, IP_MULTICAST_IF, &join, sizeof(join)))
		perror("# join");
	sendto(s, "hello", 5, 0, &group.any, sizeof(group.v4));
	check(readable(s, 500) && drain(s) == 1, "the pod's own multicast comes back to it");
	close(s);
}

/* Only routes know that 10.99.0.255 is a broadcast, and MAC addresses tell it to egress. */
static void broadcast_answer(void)
{
	int s = socket_in(pod, AF_INET, SOCK_DGRAM, 0), answers, on = 1;
	union address from = address("0.0.0.0", 45000), all = address("10.99.0.255", 9);
	union address to = address(POD4, 45000);

	answers = socket_in(peer, AF_INET, SOCK_DGRAM, 0);
	if (bind(s, &from.any, sizeof(from.v4)) ||
	    setsockopt(s, SOL_SOCKET, SO_BROADCAST, &on, sizeof(on)))
		perror("# bind");
	sendto(answers, "early", 5, 0, &to.any, sizeof(to.v4));
	check(!readable(s, 100), "before the pod's broadcast nobody may answer");
	sendto(s, "who?", 4, 0, &all.any, sizeof(all.v4));
	sendto(answers, "me", 2, 0, &to.any, sizeof(to.v4));
	check(readable(s, 500) && drain(s) == 1, "after it anybody may");
	close(s);
	close(answers);
}

int main(void)
{
	struct plic_header header = {};
	struct plic_rule none = {}, open_rule;
	struct ruleset_port ports[2] = {};
	int open_udp, shut_udp, open_tcp, shut_tcp;

	if (!has("ip")) {
		printf("skip: no ip command\n");
		return 77;
	}
	box_open(&box);
	build();
	open_raw();
	open_rule = box_rule(0, PLIC_NEVER, PLIC_NEVER);
	for (int i = 0; i < 2; i++)
		ports[i] = (struct ruleset_port){.port = OPEN,
						 .end_port = OPEN,
						 .ip_proto = i ? IPPROTO_UDP : IPPROTO_TCP,
						 .slot = 1 + i,
						 .rule = open_rule};
	box_publish(&box, &header, &none, ports, 2);
	open_udp = serve(SOCK_DGRAM, OPEN);
	shut_udp = serve(SOCK_DGRAM, SHUT);
	open_tcp = serve(SOCK_STREAM, OPEN);
	shut_tcp = serve(SOCK_STREAM, SHUT);

	evasion(open_udp, shut_udp);
	attach("eth0");
	attach("lo");
	attach_socket();
	for (int i = 0; i < 4; i++) {
		static const char *const how[] = {"checksums left open", "question complete",
						  "answer to be completed", "both"};

		offload(peer, "peer0", !(i & 1));
		offload(pod, "eth0", !(i & 2));
		box_clear(&box); /* the budget of refusals */
		refusals(how[i]);
	}
	counted_once();
	redirected();
	ledger();
	multicast_loop();
	broadcast_answer();
	close(open_tcp);
	run("ip link set lo gso_max_size 200000 2>/dev/null");
	big_frames("127.0.0.1");
	big_frames("::1");
	established_is_cut();
	own_is_not_cut();
	close(shut_tcp);
	box_close(&box);
	return tap_end();
}
