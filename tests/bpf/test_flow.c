/* SPDX-License-Identifier: MIT */
/*
 * test_flow.c - who spoke first: egress and then wire on the same flow. UDP and SCTP 5000 are licensed,
 * UDP 5001 has lapsed, TCP 7000 was cut; other ports aren't named.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <net/if.h>
#include <unistd.h>

#include "box.h"
#include "tap.h"

#define LICENSED 5000
#define LAPSED 5001
#define CUT 7000
#define TCP_OPEN 8080
#define OWN 45000 /* a local port of the pod's own */

static struct box box;
static int family;

/* From the pod (10.0.0.2) to the peer (192.0.2.1), or back. */
static struct frame_spec sent(__u8 proto, __u16 local, __u16 remote)
{
	return (struct frame_spec){.family = family,
				   .ip_proto = proto,
				   .sport = local,
				   .dport = remote,
				   .from = family == 4 ? "10.0.0.2" : "fd00::2",
				   .to = family == 4 ? "192.0.2.1" : "2001:db8::1"};
}

static struct frame_spec received(__u8 proto, __u16 remote, __u16 local)
{
	return (struct frame_spec){
		.family = family, .ip_proto = proto, .sport = remote, .dport = local};
}

static int egress(struct frame_spec spec)
{
	return box_verdict(box.skel->progs.plic_egress, &spec);
}

static int wire(struct frame_spec spec)
{
	return box_verdict(box.skel->progs.plic_wire, &spec);
}

static size_t entries(struct bpf_map *map)
{
	char key[64], *previous = NULL;
	size_t n = 0;

	for (; !bpf_map_get_next_key(bpf_map__fd(map), previous, key); previous = key)
		n++;
	return n;
}

static void publish(int mode)
{
	struct plic_header header = {.mode = mode, .deny = PLIC_DROP};
	struct plic_rule none = {.mode = mode, .deny = PLIC_DROP};
	struct plic_rule open = box_rule(0, PLIC_NEVER, PLIC_NEVER),
			 ended = box_rule(0, -2 * (int64_t)BOX_SECOND, -(int64_t)BOX_SECOND);
	struct ruleset_port ports[5] = {
		{.port = LICENSED, .ip_proto = IPPROTO_UDP, .slot = 1, .rule = open},
		{.port = LICENSED, .ip_proto = IPPROTO_SCTP, .slot = 2, .rule = open},
		{.port = LAPSED, .ip_proto = IPPROTO_UDP, .slot = 3, .rule = ended},
		{.port = CUT, .ip_proto = IPPROTO_TCP, .slot = 4, .rule = ended},
		{.port = TCP_OPEN, .ip_proto = IPPROTO_TCP, .slot = 5, .rule = open},
	};

	for (int i = 0; i < 5; i++) {
		ports[i].end_port = ports[i].port;
		ports[i].rule.deny = PLIC_DROP;
		ports[i].rule.mode = mode;
	}
	box_publish(&box, &header, &none, ports, 5);
}

/* The pod asks, the answer passes, and nobody else's. */
static void answers(__u8 proto, const char *name)
{
	static struct box_counts counts;
	struct frame_spec other = received(proto, 53, OWN);

	box_clear(&box);
	check(wire(received(proto, 53, OWN)) == DROP, "%s, IPv%d: shut before the pod spoke", name,
	      family);
	box_clear(&box);
	check(egress(sent(proto, OWN, 53)) == PASS, "%s, IPv%d: the pod sends", name, family);
	check(wire(received(proto, 53, OWN)) == PASS, "%s, IPv%d: the answer passes", name, family);
	check(wire(received(proto, 54, OWN)) == DROP, "%s, IPv%d: other remote port", name, family);
	check(wire(received(proto, 53, OWN + 1)) == DROP, "%s, IPv%d: other local port", name,
	      family);
	other.from = family == 4 ? "192.0.2.9" : "2001:db8::9";
	check(wire(other) == DROP, "%s, IPv%d: other remote address", name, family);
	other = received(proto == IPPROTO_UDP ? IPPROTO_SCTP : IPPROTO_UDP, 53, OWN);
	check(wire(other) == DROP, "%s, IPv%d: other protocol", name, family);
	box_counts(&box, &counts);
	check(counts.allowed == 0 && counts.denied == 4, "%s, IPv%d: the answer is not counted",
	      name, family);
	check(entries(box.skel->maps.plic_flows) == 1, "%s, IPv%d: one flow", name, family);
}

/* What a server sends opens nothing, and its clients are counted once. */
static void servers(__u8 proto, int slot, const char *name)
{
	static struct box_counts counts;

	box_clear(&box);
	for (int i = 0; i < 3; i++)
		check(wire(received(proto, 40000 + i / 2, LICENSED)) == PASS,
		      "%s, IPv%d: client's packet %d", name, family, i);
	box_counts(&box, &counts);
	check(counts.traffic[slot].connections == 2 && counts.traffic[slot].packets == 3,
	      "%s, IPv%d: %llu connections, %llu packets", name, family,
	      (unsigned long long)counts.traffic[slot].connections,
	      (unsigned long long)counts.traffic[slot].packets);
	check(entries(box.skel->maps.plic_clients) == 2, "%s, IPv%d: two clients", name, family);
	egress(sent(proto, LICENSED, 40000));
	egress(sent(proto, LICENSED, 40077));
	check(entries(box.skel->maps.plic_flows) == 0,
	      "%s, IPv%d: the server's answers are no flow", name, family);
}

/* From before the port was named: those flows were the pod's own, and end when nothing is sent. */
static void named_later(void)
{
	struct plic_flow_key key = {.remote_port = 53, .local_port = LAPSED, .proto = IPPROTO_UDP};
	struct plic_flow flow = {.last_ns = box_now()};

	box_clear(&box);
	inet_pton(AF_INET6, family == 4 ? "::ffff:192.0.2.1" : "2001:db8::1", key.remote);
	bpf_map_update_elem(bpf_map__fd(box.skel->maps.plic_flows), &key, &flow, BPF_ANY);
	check(wire(received(IPPROTO_UDP, 53, LAPSED)) == PASS, "IPv%d: a flow of before", family);
	check(wire(received(IPPROTO_UDP, 54, LAPSED)) == DROP, "IPv%d: and no other", family);
	flow.last_ns -= PLIC_FLOW_NAMED_NS + BOX_SECOND;
	bpf_map_update_elem(bpf_map__fd(box.skel->maps.plic_flows), &key, &flow, BPF_ANY);
	check(wire(received(IPPROTO_UDP, 53, LAPSED)) == DROP, "IPv%d: but not for long", family);
	key.local_port = OWN;
	bpf_map_update_elem(bpf_map__fd(box.skel->maps.plic_flows), &key, &flow, BPF_ANY);
	check(wire(received(IPPROTO_UDP, 53, OWN)) == PASS, "IPv%d: longer on an unnamed port",
	      family);
	if (box_now() < PLIC_FLOW_IDLE_NS + 2 * BOX_SECOND) {
		skip("IPv%d: until it is idle", "the machine is up for less than that", family);
		return;
	}
	flow.last_ns = box_now() - PLIC_FLOW_IDLE_NS - BOX_SECOND;
	bpf_map_update_elem(bpf_map__fd(box.skel->maps.plic_flows), &key, &flow, BPF_ANY);
	check(wire(received(IPPROTO_UDP, 53, OWN)) == DROP, "IPv%d: until it is idle", family);
}

/* A client's or a flow's time is brought up, though not with each packet. */
/* A packet of the flow comes, by its own way. */
static void again(struct bpf_map *map, int local)
{
	if (map == box.skel->maps.plic_clients)
		wire(received(IPPROTO_UDP, 40000, local));
	else
		egress(sent(IPPROTO_UDP, local, 40000));
}

static void refreshed(struct bpf_map *map, int local, const char *name)
{
	struct plic_flow_key key = {
		.remote_port = 40000, .local_port = local, .proto = IPPROTO_UDP};
	struct plic_flow flow = {.last_ns = box_now() - 3 * BOX_SECOND / 2}, after = {};
	int fd = bpf_map__fd(map);

	box_clear(&box);
	inet_pton(AF_INET6, family == 4 ? "::ffff:192.0.2.1" : "2001:db8::1", key.remote);
	bpf_map_update_elem(fd, &key, &flow, BPF_ANY);
	again(map, local);
	bpf_map_lookup_elem(fd, &key, &after);
	check(after.last_ns + BOX_SECOND / 2 > box_now(), "%s, IPv%d: refreshed after 1.5 s", name,
	      family);
	flow.last_ns = box_now() - BOX_SECOND / 2;
	bpf_map_update_elem(fd, &key, &flow, BPF_ANY);
	again(map, local);
	bpf_map_lookup_elem(fd, &key, &after);
	check(after.last_ns == flow.last_ns, "%s, IPv%d: not after 0.5 s", name, family);
}

static void lapsed_server(void)
{
	static struct box_counts counts;

	box_clear(&box);
	egress(sent(IPPROTO_UDP, LAPSED, 40000));
	check(wire(received(IPPROTO_UDP, 40000, LAPSED)) == DROP,
	      "IPv%d: a lapsed server that sends stays shut", family);
	box_counts(&box, &counts);
	check(counts.denied == 1, "IPv%d: and that is counted", family);
}

/* As egress makes one for a connect() of the pod; here no socket sends, see test_marks. */
static void mark(int local, int remote)
{
	struct plic_mark_key key = {.remote_port = remote, .local_port = local};
	struct plic_mark value = {.cookie = 1};

	inet_pton(AF_INET6, family == 4 ? "::ffff:192.0.2.1" : "2001:db8::1", key.remote);
	inet_pton(AF_INET6, family == 4 ? "::ffff:10.0.0.2" : "fd00::2", key.local);
	bpf_map_update_elem(bpf_map__fd(box.skel->maps.plic_marks), &key, &value, BPF_ANY);
	box.skel->bss->plic_marked = 1;
}

/* In audit mode a server on an unnamed port answers; when enforcement comes its clients find it shut. */
static void audit_then_enforce(void)
{
	struct frame_spec syn = received(IPPROTO_TCP, 443, CUT);
	static struct box_counts counts;

	publish(PLIC_AUDIT_MODE);
	box_clear(&box);
	check(wire(received(IPPROTO_UDP, 40000, 6000)) == PASS, "IPv%d: audit passes", family);
	egress(sent(IPPROTO_UDP, 6000, 40000));
	check(wire(received(IPPROTO_UDP, 40000, 6000)) == PASS, "IPv%d: audit passes again",
	      family);
	box_counts(&box, &counts);
	check(counts.audit == 2, "IPv%d: both are counted as audit", family);
	egress(sent(IPPROTO_UDP, OWN, 53));
	check(wire(received(IPPROTO_UDP, 53, OWN)) == PASS, "IPv%d: audit, own flow", family);
	box_counts(&box, &counts);
	check(counts.audit == 2, "IPv%d: the own flow is not counted", family);
	publish(PLIC_ENFORCE);
	check(wire(received(IPPROTO_UDP, 40000, 6000)) == DROP, "IPv%d: shut when enforced",
	      family);
	check(wire(received(IPPROTO_UDP, 53, OWN)) == PASS, "IPv%d: the own flow goes on", family);

	publish(PLIC_AUDIT_MODE);
	box_clear(&box);
	mark(CUT, 443);
	syn.flags = SYN;
	check(wire(syn) == PASS, "IPv%d: audit lets a SYN in", family);
	check(entries(box.skel->maps.plic_marks) == 0, "IPv%d: and that ends a marker too", family);

	publish(PLIC_OFF);
	box_clear(&box);
	check(wire(received(IPPROTO_UDP, 40000, 6000)) == PASS, "IPv%d: off passes", family);
	egress(sent(IPPROTO_UDP, 6000, 40000));
	egress(sent(IPPROTO_UDP, OWN, 53));
	check(wire(received(IPPROTO_UDP, 53, OWN)) == PASS, "IPv%d: off, own flow", family);
	box_counts(&box, &counts);
	check(!counts.allowed && !counts.denied && !counts.audit, "IPv%d: off counts nothing",
	      family);
	publish(PLIC_ENFORCE);
	check(wire(received(IPPROTO_UDP, 40000, 6000)) == DROP, "IPv%d: shut after off", family);
	check(wire(received(IPPROTO_UDP, 53, OWN)) == PASS, "IPv%d: the own flow goes on", family);
}

/* A cut spares the connections that the pod itself opened from that port. */
static void markers(void)
{
	static struct box_counts counts;
	struct frame_spec syn = sent(IPPROTO_TCP, CUT, 443);
	struct frame_spec answer = received(IPPROTO_TCP, 443, CUT);

	box_clear(&box);
	answer.flags = SYN | ACK;
	check(wire(answer) == DROP, "IPv%d: cut", family);
	syn.flags = ACK;
	egress(syn);
	check(entries(box.skel->maps.plic_marks) == 0, "IPv%d: a segment makes no marker", family);
	syn.flags = SYN;
	egress(syn);
	check(entries(box.skel->maps.plic_marks) == 0,
	      "IPv%d: nor does a SYN that no socket connects with", family);
	mark(CUT, 443);
	check(wire(answer) == PASS, "IPv%d: the pod's own connection goes on", family);
	answer.flags = ACK;
	answer.sport = 444;
	check(wire(answer) == DROP, "IPv%d: another one doesn't", family);
	answer.sport = 443;
	answer.to = family == 4 ? "10.0.0.3" : "fd00::3";
	check(wire(answer) == DROP, "IPv%d: nor one to another address of the pod", family);
	answer.to = NULL;
	answer.sport = 443;
	answer.flags = SYN;
	check(wire(answer) == DROP, "IPv%d: a marker opens nothing", family);
	box_counts(&box, &counts);
	check(counts.denied == 4 && !counts.allowed, "IPv%d: denied %llu", family,
	      (unsigned long long)counts.denied);
}

/* What comes back to a connection that the pod opened from a licensed port is no client's traffic. */
static void uncounted(void)
{
	static struct box_counts counts;
	struct frame_spec answer = received(IPPROTO_TCP, 443, TCP_OPEN);

	box_clear(&box);
	answer.flags = ACK;
	wire(answer);
	mark(TCP_OPEN, 443);
	for (int i = 0; i < 3; i++)
		check(wire(answer) == PASS, "IPv%d: answer on a licensed port", family);
	answer.sport = 444;
	wire(answer);
	box_counts(&box, &counts);
	check(counts.traffic[5].packets == 2, "IPv%d: %llu of 2 client's packets counted", family,
	      (unsigned long long)counts.traffic[5].packets);
	answer.sport = 443;
	answer.flags = SYN;
	wire(answer);
	check(entries(box.skel->maps.plic_marks) == 0, "IPv%d: the peer's SYN ends the marker",
	      family);
}

static void multicast(const char *to, const char *name)
{
	struct frame_spec query = sent(IPPROTO_UDP, OWN, 5353), answer;
	struct plic_flow_key any = {.local_port = OWN, .proto = IPPROTO_UDP};
	struct plic_flow old = {.last_ns = box_now() - PLIC_ANY_REMOTE_NS - BOX_SECOND / 100};
	int flows = bpf_map__fd(box.skel->maps.plic_flows);
	struct plic_flow ahead = {.last_ns = box_now() + BOX_SECOND / 10};
	struct plic_flow flow;

	box_clear(&box);
	query.to = to;
	if (!strcmp(to, "10.255.255.255")) /* only its MAC address tells */
		memset(query.mac, 0xff, sizeof(query.mac));
	egress(query);
	check(!bpf_map_lookup_elem(flows, &any, &flow), "%s: any remote", name);
	answer = received(IPPROTO_UDP, 777, OWN);
	check(wire(answer) == PASS, "%s: anybody may answer", name);
	answer.dport = OWN + 1;
	check(wire(answer) == DROP, "%s: on that port only", name);
	bpf_map_update_elem(flows, &any, &ahead, BPF_ANY);
	answer.dport = OWN;
	check(wire(answer) == PASS, "%s: another CPU's clock may be ahead", name);
	bpf_map_update_elem(flows, &any, &old, BPF_ANY);
	answer.dport = OWN;
	check(wire(answer) == DROP, "%s: for %llu s", name, PLIC_ANY_REMOTE_NS / BOX_SECOND);
}

static void bring_lo_up(void)
{
	struct ifreq up = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
	int s = socket(AF_INET, SOCK_DGRAM, 0);

	if (ioctl(s, SIOCSIFFLAGS, &up))
		perror("# lo");
	close(s);
}

/* Sockets that were connected before the gate came: the kernel's socket table speaks for them. */
static void connected_socket(void)
{
	struct sockaddr_in here = {.sin_family = AF_INET, .sin_port = htons(OWN)};
	struct sockaddr_in there = {.sin_family = AF_INET, .sin_port = htons(53)};
	struct frame_spec answer = {.family = 4, .ip_proto = IPPROTO_UDP, .sport = 53};
	static struct box_counts counts;
	int s;

	answer.from = "127.0.0.3";
	answer.to = "127.0.0.1";
	inet_aton(answer.to, &here.sin_addr);
	inet_aton(answer.from, &there.sin_addr);
	for (int port = OWN; port; port = port == OWN ? LAPSED : 0) {
		bool named = port == LAPSED;

		answer.dport = port;
		here.sin_port = htons(port);
		box_clear(&box);
		s = socket(AF_INET, SOCK_DGRAM, 0);
		if (s < 0 || bind(s, (struct sockaddr *)&here, sizeof(here)))
			perror("# bind");
		check(wire(answer) == DROP, "port %d: a socket that isn't connected", port);
		if (connect(s, (struct sockaddr *)&there, sizeof(there)))
			perror("# connect");
		box_clear(&box);
		check(wire(answer) == (named ? DROP : PASS), "port %d: connected%s", port,
		      named ? ", but named" : "");
		check(entries(box.skel->maps.plic_flows) == 0, "port %d: that is no record", port);
		close(s);
		check(wire(answer) == DROP, "port %d: shut when the socket is gone", port);
		box_counts(&box, &counts);
		check(counts.denied == (named ? 2 : 1), "port %d: denied %llu", port,
		      (unsigned long long)counts.denied);
	}
}

/* egress never stands in the way, whatever it sees. */
static void harmless(void)
{
	struct frame_spec spec = {.family = 4, .ip_proto = IPPROTO_UDP, .lie = 100, .dport = 1};
	int wrong = 0;

	for (int proto = 0; proto < 256; proto++) {
		spec.ip_proto = proto;
		wrong += egress(spec) != PASS;
	}
	check(!wrong, "egress: 256 protocols with a false length: %d stopped", wrong);
	box_unpublish(&box);
	check(egress(sent(IPPROTO_UDP, OWN, 53)) == PASS, "egress passes without a rule set");
}

int main(void)
{
	box_open(&box);
	bring_lo_up();
	for (family = 4; family <= 6; family += 2) {
		publish(PLIC_ENFORCE);
		answers(IPPROTO_UDP, "UDP");
		answers(IPPROTO_SCTP, "SCTP");
		servers(IPPROTO_UDP, 1, "UDP");
		servers(IPPROTO_SCTP, 2, "SCTP");
		named_later();
		refreshed(box.skel->maps.plic_clients, LICENSED, "client");
		refreshed(box.skel->maps.plic_flows, OWN, "flow");
		lapsed_server();
		markers();
		uncounted();
		audit_then_enforce();
	}
	family = 4;
	multicast("224.0.0.251", "IPv4 multicast");
	multicast("255.255.255.255", "broadcast");
	multicast("10.255.255.255", "broadcast of a subnet");
	family = 6;
	multicast("ff02::fb", "IPv6 multicast");
	connected_socket();
	harmless();
	box_close(&box);
	return tap_end();
}
