/* SPDX-License-Identifier: MIT */
/* guests.c - see guests.h. */
#include "guests.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "seats.h"

struct ruleset limited_set(uint64_t generation, const struct plic_limit *limit, enum plic_mode mode)
{
	const struct plic_header header = {.generation = generation};
	const struct plic_rule none = {.mode = PLIC_ENFORCE};
	const struct rule_limits limits = {.grants[0] = *limit};
	struct ruleset_port ports[2] = {
		{.port = 8080, .end_port = 8080, .ip_proto = IPPROTO_TCP, .slot = 1},
		{.port = 5353, .end_port = 5353, .ip_proto = IPPROTO_UDP, .slot = 2},
	};
	struct plic_slot slots[3] = {
		{0}, {8080, 8080, IPPROTO_TCP, {0}}, {5353, 5353, IPPROTO_UDP, {0}}};
	struct ruleset set;
	struct fault f = {0};

	for (int i = 0; i < 2; i++) {
		ports[i].rule = (struct plic_rule){
			.mode = mode,
			.n_grants = 1,
			.flags = limit->seats ? PLIC_RULE_LIMITS | PLIC_RULE_SEATS : 0,
			.grants[0] = {.new_until_ns = PLIC_NEVER, .cut_at_ns = PLIC_NEVER}};
		ports[i].limits = &limits;
	}
	must(ruleset_build(&header, &none, ports, 2, slots, 3, NULL, &set, &f), &f);
	return set;
}

void apply_limit(struct gate *gate, const struct plic_limit *limit, enum plic_mode mode)
{
	static uint64_t generation = 10;
	struct ruleset set = limited_set(++generation, limit, mode);
	struct fault f = {0};

	must(gate_apply(gate, &set, &f), &f);
	ruleset_free(&set);
}

unsigned int round_of(struct scene *s)
{
	struct seats_gate at = {.gate = s->gate};
	struct fault f = {0};

	must(seats_round(s->node, &at, 1, true, &f), &f);
	assert_int_equal(at.result, 0);
	return at.cut;
}

int connect_as(const char *address)
{
	const struct sockaddr_in at = {.sin_family = AF_INET,
				       .sin_addr.s_addr = inet_addr(address)};
	struct sockaddr_in to = {.sin_family = AF_INET,
				 .sin_port = htons(8080),
				 .sin_addr.s_addr = inet_addr(POD_V4)};
	struct timeval limit = {.tv_sec = 1};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	assert_int_equal(bind(fd, (const struct sockaddr *)&at, sizeof(at)), 0);
	if (connect(fd, (struct sockaddr *)&to, sizeof(to))) {
		close(fd);
		return -errno;
	}
	return fd;
}

int guests_setup(void **state)
{
	int r = scene_setup(state);

	bed_run("ip addr add " FIRST "/24 dev h0 && ip addr add " SECOND_CLIENT
		"/24 dev h0 && ip addr add " THIRD "/24 dev h0");
	return r;
}

bool is_reset(int fd)
{
	struct timeval limit = {.tv_sec = 1};
	char c;

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	return recv(fd, &c, 1, 0) < 0 && errno == ECONNRESET;
}

void blind_the_ledger(struct scene *s)
{
	uint32_t inode = (uint32_t)s->gate->inode;

	if (s->node->map[NODE_NETNS] >= 0)
		bpf_map_delete_elem(s->node->map[NODE_NETNS], &inode);
}
