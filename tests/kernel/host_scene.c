/* SPDX-License-Identifier: MIT */
/* host_scene.c - what the tests of a cgroup's gate begin with. */
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "group.h"
#include "host_scene.h"

static pid_t outsider_pid;

struct gate *host_gate(struct scene *s, const char *name, const char *cgroup, uint32_t id,
		       const struct ruleset *set)
{
	struct gate_spec spec = {.name = name, .cgroup = cgroup, .id = id};
	struct gate *gate = NULL;
	struct fault f = {0};

	if (gate_open(s->node, &spec, set, &gate, &f) < 0)
		fail_msg("gate_open: %s", f.text);
	return gate;
}

int host_setup(void **state)
{
	static struct scene s;
	static const uint16_t outsider[] = {OUTSIDER};

	s.node = bed_node();
	bed_pod(0);
	group_make("a");
	group_join("a");
	s.server = peer_serve(0, tcp_ports, 2, udp_ports, 2);
	group_join(NULL);
	outsider_pid = peer_serve(0, outsider, 1, outsider, 1);
	s.set = bed_rules(1, tcp_ports, 1, udp_ports, 1);
	s.gate = host_gate(&s, "g", group_make("a"), 7, &s.set);
	*state = &s;
	return 0;
}

int host_teardown(void **state)
{
	scene_teardown(state);
	peer_stop(outsider_pid);
	group_remove("a/b");
	group_remove("a");
	return 0;
}

void assert_denied(struct gate *gate, uint16_t port, uint64_t n)
{
	assert_in_range(denied_connections(gate, port), n, 2 * n);
}

int host_bind(int family, int type, uint16_t port)
{
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
	struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port)};
	int home = -1, fd, r;

	bed_enter(0, &home);
	fd = socket(family, type | SOCK_CLOEXEC, 0);
	netns_leave(&home);
	r = family == AF_INET ? bind(fd, (struct sockaddr *)&v4, sizeof(v4))
			      : bind(fd, (struct sockaddr *)&v6, sizeof(v6));
	r = r < 0 ? errno : 0;
	close(fd);
	return r;
}
