/* SPDX-License-Identifier: MIT */
/* scene.c - what the tests of a gate begin with, and what they look at. */
#include <stdlib.h>

#include "pins.h"
#include "scene.h"

const uint16_t tcp_ports[2] = {8080, 9090};
const uint16_t udp_ports[2] = {5353, 6000};

int scene_setup(void **state)
{
	static struct scene s;

	s.node = bed_node();
	bed_pod(0);
	s.server = peer_serve(0, tcp_ports, 2, udp_ports, 2);
	s.set = bed_rules(1, tcp_ports, 1, udp_ports, 1);
	s.gate = bed_gate(s.node, "g", 0, 7, &s.set);
	*state = &s;
	return 0;
}

int scene_teardown(void **state)
{
	struct scene *s = *state;

	peer_stop(s->server);
	gate_close(s->gate);
	ruleset_free(&s->set);
	bed_end(s->node);
	return 0;
}

int fewer(int n)
{
	return getenv("PORTLIC_TEST_EMULATED") ? n / 10 : n;
}

void must(int r, const struct fault *f)
{
	if (r < 0)
		fail_msg("%s", f->text);
}

struct gate_counters counters(struct gate *gate)
{
	struct gate_counters c;
	struct fault f = {0};

	must(gate_counters(gate, &c, &f), &f);
	return c;
}

uint64_t allowed_packets(struct gate *gate, size_t slot)
{
	struct gate_counters c = counters(gate);
	uint64_t packets = c.traffic[slot].packets;

	gate_counters_free(&c);
	return packets;
}

uint64_t denied_connections(struct gate *gate, uint16_t port)
{
	struct gate_counters c = counters(gate);
	uint64_t n = 0;

	for (size_t i = 0; i < c.n_denials; i++)
		if (c.denials[i].key.port == port && c.denials[i].key.verdict == PLIC_DENIED)
			n += c.denials[i].count.connections;
	gate_counters_free(&c);
	return n;
}

int link_id_in(const char *dir, const char *name)
{
	_close_ int fd = pins_get(dir, name);
	struct pins_link info;

	return fd >= 0 && pins_link_info(fd, &info) == 0 ? (int)info.id : -1;
}

int link_id(const char *name)
{
	_free_ char *dir = pins_path(bed_bpffs(), "gates/g");

	return link_id_in(dir, name);
}

pid_t far_begin(uint16_t port)
{
	bed_pod(1);
	bed_run("ip link add h1 type veth peer name eth1 && ip link set eth1 netns /tmp/pod1 && "
		"ip addr add 10.78.0.1/24 dev h1 && ip link set h1 up && "
		"echo 1 > /proc/sys/net/ipv4/ip_forward");
	bed_pod_run(1, "ip addr add " FAR_V4 "/24 dev eth1; ip link set eth1 up; "
		       "ip route add default via 10.78.0.1");
	bed_pod_run(0, "ip route add default via " HOST_V4);
	return peer_serve(1, &port, 1, NULL, 0);
}

void far_end(pid_t server)
{
	peer_stop(server);
	bed_run("ip link del h1");
}

bool filters_left(int number)
{
	_netns_home_ int home = -1;

	bed_enter(number, &home);
	return system("tc filter show dev lo ingress | grep -q plic || tc qdisc show | grep -q "
		      "clsact") == 0;
}
