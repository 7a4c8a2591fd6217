/* SPDX-License-Identifier: MIT */
/* test_seats.c - what user space sees to: seats that nobody sits in, counts, the idle, and who stands without one. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "guests.h"
#include "seattable.h"

#define LINE 4711
#define SECOND 1000000000ULL

/* With that many seats, 0: without limit. */
static void apply(struct gate *gate, uint32_t seats, enum plic_mode mode)
{
	const struct plic_limit limit = {.line = LINE, .seats = seats};

	apply_limit(gate, &limit, mode);
}

static struct plic_seated_key key_of(struct scene *s, uint8_t proto, uint16_t port,
				     const char *address)
{
	struct plic_seated_key key = {
		.usage = {.line = LINE, .owner = s->gate->id, .port = port, .proto = proto}};

	assert_int_equal(inet_pton(AF_INET6, address, key.address), 1);
	return key;
}

static uint64_t used(struct scene *s, uint8_t proto, uint16_t port)
{
	const struct plic_seated_key key = key_of(s, proto, port, "::");

	return seattable_used(s->node, &key.usage);
}

static bool sits(struct scene *s, uint8_t proto, uint16_t port, const char *address)
{
	const struct plic_seated_key key = key_of(s, proto, port, address);

	return seattable_has(s->node, &key);
}

static void put(struct scene *s, uint8_t proto, uint16_t port, const char *address,
		struct plic_seated value)
{
	const struct plic_seated_key key = key_of(s, proto, port, address);

	assert_int_equal(bpf_map_update_elem(s->node->map[NODE_SEATED], &key, &value, BPF_ANY), 0);
}

static void without_ledger(void **state)
{
	struct scene *s = *state;
	int one, two, three;

	apply(s->gate, 2, PLIC_ENFORCE);
	blind_the_ledger(s);
	one = connect_as(FIRST);
	two = connect_as(SECOND_CLIENT);
	three = connect_as(THIRD); /* nobody has counted yet */
	assert_true(one >= 0 && two >= 0 && three >= 0);
	usleep(20000);
	assert_int_equal(used(s, IPPROTO_TCP, 8080), 0);
	assert_int_equal(round_of(s), 1);
	assert_int_equal(used(s, IPPROTO_TCP, 8080), 2);
	assert_int_equal(is_reset(one) + is_reset(two) + is_reset(three), 1);
	assert_int_equal(
		connect_as(THIRD) < 0 || connect_as(FIRST) < 0 || connect_as(SECOND_CLIENT) < 0, 1);
	close(one);
	close(two);
	close(three);
	usleep(150000);
	assert_int_equal(round_of(s), 0);
	assert_int_equal(used(s, IPPROTO_TCP, 8080), 0);
}

static void limit_comes_to_those_who_stand(void **state)
{
	struct scene *s = *state;
	int one = connect_as(FIRST), two = connect_as(SECOND_CLIENT);

	assert_true(one >= 0 && two >= 0);
	usleep(20000);
	apply(s->gate, 1, PLIC_ENFORCE);
	assert_int_equal(used(s, IPPROTO_TCP, 8080), 2);
	assert_int_equal(round_of(s), 0);
	assert_int_equal(peer_echo(one), 0);
	assert_int_equal(peer_echo(two), 0);
	assert_int_equal(connect_as(THIRD), -ECONNREFUSED);
	close(one);
	close(two);
}

/* And to a new gate. */
static void stood_before_the_gate(void **state)
{
	struct scene *s = *state;
	const struct plic_limit one_seat = {.line = LINE, .seats = 1};
	struct ruleset set = limited_set(2, &one_seat, PLIC_ENFORCE);
	struct fault f = {0};
	int one, two;

	must(gate_remove(s->gate, &f), &f);
	one = connect_as(FIRST);
	two = connect_as(SECOND_CLIENT);
	s->gate = bed_gate(s->node, "g", 0, 7, &set);
	assert_int_equal(used(s, IPPROTO_TCP, 8080), 2);
	assert_int_equal(peer_echo(one), 0);
	assert_int_equal(peer_echo(two), 0);
	close(one);
	close(two);
	ruleset_free(&set);
}

static void audit_seats_all(void **state)
{
	struct scene *s = *state;
	int one, two;

	apply(s->gate, 1, PLIC_AUDIT_MODE);
	one = connect_as(FIRST);
	two = connect_as(SECOND_CLIENT);
	assert_true(one >= 0 && two >= 0);
	usleep(20000);
	assert_int_equal(round_of(s), 0);
	assert_int_equal(used(s, IPPROTO_TCP, 8080), 2);
	apply(s->gate, 1, PLIC_ENFORCE);
	assert_int_equal(round_of(s), 0); /* who sits stays */
	assert_int_equal(peer_echo(one), 0);
	assert_int_equal(peer_echo(two), 0);
	close(one);
	close(two);
}

/* Of handshakes in flight, one too many may get through: it says nothing that wire could refuse. */
static void surplus_is_ended(void **state)
{
	struct scene *s = *state;
	const struct plic_seated_key first = key_of(s, IPPROTO_TCP, 8080, MAPPED FIRST);
	int one, two;

	apply(s->gate, 2, PLIC_ENFORCE);
	one = connect_as(FIRST);
	two = connect_as(SECOND_CLIENT);
	assert_true(one >= 0 && two >= 0);
	usleep(20000);
	round_of(s);
	apply(s->gate, 1, PLIC_ENFORCE);
	bpf_map_delete_elem(s->node->map[NODE_SEATED], &first);
	assert_int_equal(round_of(s), 1);
	assert_true(is_reset(one));
	assert_int_equal(peer_echo(two), 0);
	assert_int_equal(used(s, IPPROTO_TCP, 8080), 1);
	close(one);
	close(two);
}

static void idle_makes_room(void **state)
{
	struct scene *s = *state;
	int one, two;

	apply(s->gate, 2, PLIC_ENFORCE);
	one = connect_as(FIRST);
	usleep(20000);
	round_of(s);
	put(s, IPPROTO_TCP, 8080, MAPPED FIRST,
	    (struct plic_seated){1, boot_now_ns() - PLIC_SEAT_IDLE_NS - SECOND});
	assert_int_equal(round_of(s), 0); /* there is room */
	two = connect_as(SECOND_CLIENT);
	assert_true(one >= 0 && two >= 0);
	usleep(20000);
	assert_int_equal(round_of(s), 1);
	assert_true(is_reset(one));
	assert_false(sits(s, IPPROTO_TCP, 8080, MAPPED FIRST));
	assert_int_equal(used(s, IPPROTO_TCP, 8080), 1);
	assert_int_equal(peer_echo(two), 0);
	close(one);
	close(two);
}

static void udp_goes_when_idle(void **state)
{
	struct scene *s = *state;

	apply(s->gate, 1, PLIC_ENFORCE);
	assert_int_equal(peer_udp(HOST, POD_V4, 5353), 0);
	assert_int_equal(peer_udp(HOST, POD_V6, 5353), ECONNREFUSED);
	round_of(s);
	assert_int_equal(used(s, IPPROTO_UDP, 5353), 1);
	put(s, IPPROTO_UDP, 5353, MAPPED HOST_V4,
	    (struct plic_seated){0, boot_now_ns() - PLIC_CLIENT_NS - SECOND});
	round_of(s);
	assert_int_equal(used(s, IPPROTO_UDP, 5353), 0);
	assert_int_equal(peer_udp(HOST, POD_V6, 5353), 0);
}

/* The ledger may give a seat while user space has the list of sockets from just before. */
static void fresh_seat_stays(void **state)
{
	struct scene *s = *state;

	apply(s->gate, 2, PLIC_ENFORCE);
	put(s, IPPROTO_TCP, 8080, MAPPED FIRST, (struct plic_seated){1, boot_now_ns()});
	put(s, IPPROTO_TCP, 8080, MAPPED THIRD, (struct plic_seated){1, boot_now_ns() - SECOND});
	round_of(s);
	assert_true(sits(s, IPPROTO_TCP, 8080, MAPPED FIRST));
	assert_false(sits(s, IPPROTO_TCP, 8080, MAPPED THIRD));
}

static void counts_are_mended(void **state)
{
	struct scene *s = *state;
	const struct plic_seats wrong = {41};
	const struct plic_seated_key key = key_of(s, IPPROTO_TCP, 8080, "::");
	int one, fd = s->node->map[NODE_SEATS];

	apply(s->gate, 2, PLIC_ENFORCE);
	one = connect_as(FIRST);
	usleep(20000);
	round_of(s);
	bpf_map_update_elem(fd, &key.usage, &wrong, BPF_ANY);
	put(s, IPPROTO_TCP, 8080, "2001:db8::1", (struct plic_seated){3, 1}); /* nobody's */
	round_of(s);
	assert_int_equal(used(s, IPPROTO_TCP, 8080), 1);
	assert_true(sits(s, IPPROTO_TCP, 8080, MAPPED FIRST));
	close(one);
}

static void goes_with_limit_and_gate(void **state)
{
	struct scene *s = *state;
	struct plic_seated_key first;
	struct fault f = {0};
	int one;

	apply(s->gate, 2, PLIC_ENFORCE);
	one = connect_as(FIRST);
	assert_int_equal(peer_udp(HOST, POD_V4, 5353), 0);
	usleep(20000);
	round_of(s);
	apply(s->gate, 0, PLIC_ENFORCE);
	assert_int_equal(round_of(s), 0);
	assert_int_equal(bpf_map_get_next_key(s->node->map[NODE_SEATED], NULL, &first), -ENOENT);
	assert_int_equal(bpf_map_get_next_key(s->node->map[NODE_SEATS], NULL, &first), -ENOENT);
	assert_int_equal(peer_echo(one), 0);

	apply(s->gate, 2, PLIC_ENFORCE);
	assert_int_equal(used(s, IPPROTO_TCP, 8080), 1);
	must(gate_remove(s->gate, &f), &f);
	assert_int_equal(bpf_map_get_next_key(s->node->map[NODE_SEATED], NULL, &first), -ENOENT);
	assert_int_equal(bpf_map_get_next_key(s->node->map[NODE_SEATS], NULL, &first), -ENOENT);
	s->gate = bed_gate(s->node, "g", 0, 7, &s->set);
	close(one);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		GUESTS(without_ledger),	       GUESTS(limit_comes_to_those_who_stand),
		GUESTS(stood_before_the_gate), GUESTS(surplus_is_ended),
		GUESTS(audit_seats_all),       GUESTS(idle_makes_room),
		GUESTS(udp_goes_when_idle),    GUESTS(fresh_seat_stays),
		GUESTS(counts_are_mended),     GUESTS(goes_with_limit_and_gate),
	};

	if (!bed_init())
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
