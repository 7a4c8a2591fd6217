/* SPDX-License-Identifier: MIT */
/* test_shares.c - seats that the cluster counts: what the node has of them is given, lowered, ended, and begun anew. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "cleanup.h"
#include "explain.h"
#include "guests.h"
#include "pins.h"
#include "seats.h"
#include "seattable.h"
#include "shares.h"

#define LINE 4712
#define N 5 /* seats of the cluster */
#define SECOND 1000000000ULL
#define MINUTE (60 * SECOND)
#define SHARED (PLIC_LIMIT_SEATS_NODE | PLIC_LIMIT_SEATS_SHARE)

static const struct plic_usage_key tcp = {
	.line = LINE, .owner = PLIC_NODE_WIDE, .port = 8080, .proto = IPPROTO_TCP};
static const struct plic_usage_key udp = {
	.line = LINE, .owner = PLIC_NODE_WIDE, .port = 5353, .proto = IPPROTO_UDP};

static void apply(struct scene *s, uint8_t flags, enum plic_mode mode)
{
	const struct plic_limit limit = {.line = LINE, .seats = N, .flags = flags};

	apply_limit(s->gate, &limit, mode);
}

static void borrow(struct scene *s, const struct plic_usage_key *usage, uint32_t seats)
{
	assert_int_equal(shares_write(s->node, usage, seats, boot_now_ns() + MINUTE), 0);
}

/* The share ended a second ago. */
static void end(struct scene *s, const struct plic_usage_key *usage, uint32_t seats)
{
	const struct plic_share share = {.until_ns = boot_now_ns() - SECOND, .seats = seats};

	assert_int_equal(bpf_map_update_elem(s->node->map[NODE_SHARES], usage, &share, BPF_ANY), 0);
}

/* All zero: there is no entry. */
static struct share share_of(struct scene *s, const struct plic_usage_key *usage)
{
	const struct share wanted = {.usage = *usage};
	_free_ struct share *list = NULL;
	struct share *found;
	size_t n;

	assert_int_equal(shares_read(s->node, &list, &n), 0);
	found = bsearch(&wanted, list, n, sizeof(*list), shares_compare);
	return found ? *found : (struct share){0};
}

static bool has_entry(struct scene *s, const struct plic_usage_key *usage)
{
	return share_of(s, usage).usage.line;
}

/* The ledger hears of a client's last ACK a little later than connect() returns. */
static uint64_t used_becomes(struct scene *s, const struct plic_usage_key *usage, uint64_t n)
{
	for (int i = 0; i < 500 && seattable_used(s->node, usage) != n; i++)
		usleep(10000);
	return seattable_used(s->node, usage);
}

static bool has_ledger(struct scene *s)
{
	return node_features(s->node)->tracing;
}

/* Who stands is known: by the ledger, or once a second. */
static void settle(struct scene *s, uint64_t n)
{
	if (!has_ledger(s))
		assert_int_equal(round_of(s), 0);
	assert_int_equal(used_becomes(s, &tcp, n), n);
}

static void two_sit(struct scene *s, int *one, int *two)
{
	*one = connect_as(FIRST);
	*two = connect_as(SECOND_CLIENT);
	assert_true(*one >= 0 && *two >= 0);
	settle(s, 2);
}

static void nobody_without_a_share(void **state)
{
	struct scene *s = *state;
	struct share share;

	apply(s, SHARED, PLIC_ENFORCE);
	assert_int_equal(connect_as(FIRST), -ECONNREFUSED);
	assert_int_equal(connect_as(SECOND_CLIENT), -ECONNREFUSED);
	assert_int_equal(peer_udp(HOST, POD_V4, 5353), ECONNREFUSED);
	share = share_of(s, &tcp);
	assert_true(share.asked == 2 && !share.until_ns && !share.seats && !share.used);
	assert_true(share_of(s, &udp).asked == 1);
	assert_int_equal(round_of(s), 0);
	assert_true(share_of(s, &tcp).asked == 2); /* it stays while the gate has the limit */
}

static void as_many_as_are_borrowed(void **state)
{
	struct scene *s = *state;
	struct share share;
	int one, two;

	apply(s, SHARED, PLIC_ENFORCE);
	borrow(s, &tcp, 2);
	two_sit(s, &one, &two);
	assert_int_equal(connect_as(THIRD), -ECONNREFUSED);
	share = share_of(s, &tcp);
	assert_true(share.seats == 2 && share.used == 2 && share.asked == 1);
	borrow(s, &tcp, 3);
	assert_int_equal(share_of(s, &tcp).asked, 1); /* raised, and what was asked stays known */
	close(one);
	one = connect_as(THIRD);
	assert_true(one >= 0);
	assert_int_equal(round_of(s), 0);
	assert_int_equal(peer_echo(one), 0);
	assert_int_equal(peer_echo(two), 0);
	close(one);
	close(two);
}

static void ends_by_itself(void **state)
{
	struct scene *s = *state;
	int one, two;

	apply(s, SHARED, PLIC_ENFORCE);
	borrow(s, &tcp, 2);
	borrow(s, &udp, 2);
	assert_int_equal(peer_udp(HOST, POD_V4, 5353), 0);
	two_sit(s, &one, &two);
	end(s, &tcp, 2);
	end(s, &udp, 2);
	assert_int_not_equal(peer_echo(one), 0); /* the agent may be dead */
	assert_int_equal(peer_udp(HOST, POD_V4, 5353), ECONNREFUSED);
	assert_int_equal(connect_as(THIRD), -ECONNREFUSED);

	/* Nothing begins anew before who sat there has been seen to. */
	assert_int_equal(shares_write(s->node, &tcp, 2, boot_now_ns() + MINUTE), -EAGAIN);
	assert_int_equal(round_of(s), 2);
	assert_int_equal(share_of(s, &tcp).used, 0);
	assert_int_equal(share_of(s, &udp).used, 0);
	borrow(s, &tcp, 1);
	close(one);
	close(two);
	one = connect_as(FIRST);
	assert_true(one >= 0);
	settle(s, 1);
	assert_int_equal(connect_as(SECOND_CLIENT), -ECONNREFUSED);
	assert_int_equal(round_of(s), 0);
	assert_int_equal(peer_echo(one), 0);
	close(one);
}

static void dropped_is_ended(void **state)
{
	struct scene *s = *state;
	int one;

	apply(s, SHARED, PLIC_ENFORCE);
	assert_int_equal(shares_drop(s->node, &tcp), 0);
	borrow(s, &tcp, 2);
	one = connect_as(FIRST);
	assert_true(one >= 0);
	settle(s, 1);
	assert_int_equal(shares_drop(s->node, &tcp), 0);
	for (int i = 0; i < 500 && peer_echo(one) == 0; i++) /* their clock is a jiffy late */
		usleep(10000);
	assert_int_not_equal(peer_echo(one), 0);
	assert_int_equal(shares_write(s->node, &tcp, 2, boot_now_ns() + MINUTE), -EAGAIN);
	close(one);
}

static void lowers_to_who_sits(void **state)
{
	struct scene *s = *state;
	uint32_t seats = 1;
	int one;

	apply(s, SHARED, PLIC_ENFORCE);
	assert_int_equal(shares_lower(s->node, &tcp, &seats), -ENOENT);
	borrow(s, &tcp, 3);
	one = connect_as(FIRST);
	assert_true(one >= 0);
	settle(s, 1);
	seats = 9;
	assert_int_equal(shares_lower(s->node, &tcp, &seats), 0);
	assert_int_equal(seats, 3); /* never raises */
	seats = 2;
	assert_int_equal(shares_lower(s->node, &tcp, &seats), 0);
	assert_int_equal(seats, 2);
	seats = 0;
	assert_int_equal(shares_lower(s->node, &tcp, &seats), 0);
	assert_int_equal(seats, 1);
	assert_int_equal(share_of(s, &tcp).seats, 1);
	seats = 0;
	assert_int_equal(shares_lower(s->node, &tcp, &seats), 0);
	assert_int_equal(seats, 1); /* still nobody has left */
	assert_int_equal(connect_as(SECOND_CLIENT), -ECONNREFUSED);
	assert_int_equal(peer_echo(one), 0);
	close(one);
	if (has_ledger(s))
		assert_int_equal(used_becomes(s, &tcp, 0), 0);
	else
		usleep(150000), round_of(s);
	seats = 0;
	assert_int_equal(shares_lower(s->node, &tcp, &seats), 0);
	assert_int_equal(seats, 0);
}

/* A limit comes: who stands has a minute in which the agent may borrow for them. */
static void who_stands_when_it_comes(void **state)
{
	struct scene *s = *state;
	int one = connect_as(FIRST), two = connect_as(SECOND_CLIENT);
	struct share share;

	assert_true(one >= 0 && two >= 0);
	usleep(20000);
	apply(s, SHARED, PLIC_ENFORCE);
	share = share_of(s, &tcp);
	assert_int_equal(share.used, 2);
	assert_int_equal(share.seats, 0);
	assert_in_range(share.until_ns, boot_now_ns() + 30 * SECOND, boot_now_ns() + MINUTE);
	assert_int_equal(round_of(s), 0);
	assert_int_equal(peer_echo(one), 0);
	assert_int_equal(peer_echo(two), 0);
	assert_int_equal(connect_as(THIRD), -ECONNREFUSED);
	borrow(s, &tcp, 2);
	apply(s, SHARED, PLIC_ENFORCE); /* another set with the same limit changes nothing */
	assert_int_equal(share_of(s, &tcp).seats, 2);
	end(s, &tcp, 2);
	apply(s, SHARED, PLIC_ENFORCE);
	assert_true(share_of(s, &tcp).until_ns < boot_now_ns());
	assert_int_equal(round_of(s), 2);
	assert_true(is_reset(one) && is_reset(two));
	close(one);
	close(two);
}

/* From a count of the node to one of the cluster, as when the agent is upgraded: whoever sits, sits. */
static void from_node_to_cluster(void **state)
{
	struct scene *s = *state;
	int one;

	apply(s, PLIC_LIMIT_SEATS_NODE, PLIC_ENFORCE);
	one = connect_as(FIRST);
	assert_true(one >= 0);
	assert_int_equal(peer_udp(HOST, POD_V4, 5353), 0);
	settle(s, 1);
	assert_false(has_entry(s, &tcp) || has_entry(s, &udp));
	apply(s, SHARED, PLIC_ENFORCE);
	assert_int_equal(round_of(s), 0);
	assert_int_equal(peer_echo(one), 0);
	assert_int_equal(peer_udp(HOST, POD_V4, 5353), 0);
	assert_int_equal(peer_udp(HOST, POD_V6, 5353), ECONNREFUSED);
	assert_int_equal(connect_as(SECOND_CLIENT), -ECONNREFUSED);
	assert_int_equal(share_of(s, &tcp).used, 1);
	assert_int_equal(share_of(s, &udp).used, 1);
	/* And back. */
	apply(s, PLIC_LIMIT_SEATS_NODE, PLIC_ENFORCE);
	assert_int_equal(round_of(s), 0);
	assert_int_equal(peer_echo(one), 0);
	assert_int_equal(peer_udp(HOST, POD_V6, 5353), 0);
	close(one);
}

/*
 * Pins of a version that knew no shares: its programs judge until ours are in their place, and to them the limit is
 * the node's. Here they are ours with a table that is forgotten, in which the node has all seats.
 */
static void adopts_pins_without_shares(void **state)
{
	const struct plic_limit limit = {.line = LINE, .seats = N, .flags = SHARED};
	struct scene *s = *state;
	_free_ char *maps = pins_path(bed_bpffs(), "maps");
	struct ruleset set = limited_set(99, &limit, PLIC_ENFORCE);
	struct peer_loop loop;
	int one;

	apply(s, PLIC_LIMIT_SEATS_NODE, PLIC_ENFORCE);
	one = peer_connect(HOST, POD_V4, 8080);
	assert_int_equal(peer_echo(one), 0);
	settle(s, 1);
	borrow(s, &tcp, N);
	peer_loop_start(&loop, POD_V4, 8080); /* the same client */
	peer_loop_wait(&loop, 5);
	gate_close(s->gate);
	s->gate = NULL;
	node_close(s->node);
	pins_drop(maps, PLIC_MAP_SHARES);
	s->node = bed_node();
	s->gate = bed_gate(s->node, "g", 0, 7, &set);
	peer_loop_wait(&loop, 5);
	assert_int_equal(round_of(s), 0);
	peer_loop_wait(&loop, 5);
	peer_loop_stop(&loop);
	assert_int_equal(loop.count->refused,
			 0); /* the rest is the time of a machine that stood still */
	assert_int_equal(peer_echo(one), 0);
	assert_int_equal(connect_as(FIRST), -ECONNREFUSED);
	assert_in_range(share_of(s, &tcp).until_ns, boot_now_ns(), boot_now_ns() + MINUTE);
	borrow(s, &tcp, 2);
	close(one);
	one = connect_as(FIRST);
	assert_true(one >= 0);
	ruleset_free(&set);
	close(one);
}

/* One that has ended is not begun anew by a limit that comes. */
static void ended_before_it_comes(void **state)
{
	struct scene *s = *state;
	int one = connect_as(FIRST);

	assert_true(one >= 0);
	usleep(20000);
	end(s, &tcp, 3);
	apply(s, SHARED, PLIC_ENFORCE);
	assert_int_equal(round_of(s), 1);
	assert_true(is_reset(one));
	close(one);
}

static void goes_with_the_limit(void **state)
{
	struct scene *s = *state;

	apply(s, SHARED, PLIC_ENFORCE);
	end(s, &tcp, 2);
	borrow(s, &udp, 1);
	apply(s, PLIC_LIMIT_SEATS_NODE, PLIC_ENFORCE);
	round_of(s);
	assert_true(has_entry(s, &udp)); /* the pool may still know of it */
	apply_limit(s->gate, &(struct plic_limit){.line = LINE}, PLIC_ENFORCE);
	assert_int_equal(shares_drop(s->node, &udp), 0);
	end(s, &udp, 0);
	round_of(s);
	assert_false(has_entry(s, &tcp) || has_entry(s, &udp));
}

static void audit_only_counts(void **state)
{
	struct scene *s = *state;
	int one, two;

	apply(s, SHARED, PLIC_AUDIT_MODE);
	two_sit(s, &one, &two);
	assert_true(!has_ledger(s) || share_of(s, &tcp).asked);
	end(s, &tcp, 1);
	assert_int_equal(round_of(s), 0);
	assert_int_equal(peer_echo(one), 0);
	assert_int_equal(peer_echo(two), 0);
	assert_int_equal(share_of(s, &tcp).used, 2);
	close(one);
	close(two);
}

static void make_idle(struct scene *s, const char *address)
{
	const struct plic_seated value = {1, boot_now_ns() - PLIC_SEAT_IDLE_NS - SECOND};
	struct plic_seated_key key = {.usage = tcp};

	assert_int_equal(inet_pton(AF_INET6, address, key.address), 1);
	assert_int_equal(bpf_map_update_elem(s->node->map[NODE_SEATED], &key, &value, BPF_EXIST),
			 0);
}

/* A share that is full can be raised: who is idle makes room once that is over. */
static void idle_until_the_pool_is_empty(void **state)
{
	struct scene *s = *state;
	int one, two;

	apply(s, SHARED, PLIC_ENFORCE);
	borrow(s, &tcp, 2);
	two_sit(s, &one, &two);
	make_idle(s, MAPPED FIRST);
	assert_int_equal(round_of(s), 0);
	assert_int_equal(shares_set_full(s->node, &tcp, true), 0);
	assert_int_equal(share_of(s, &tcp).seats, 2);
	assert_int_equal(round_of(s), 1);
	assert_true(is_reset(one));
	assert_int_equal(peer_echo(two), 0);
	close(one);
	close(two);
}

/* What the ledger doesn't give the round does, and asks as it would. */
static void without_ledger(void **state)
{
	struct scene *s = *state;
	int one, two;

	apply(s, SHARED, PLIC_ENFORCE);
	blind_the_ledger(s);
	borrow(s, &tcp, 1);
	one = connect_as(FIRST);
	two = connect_as(SECOND_CLIENT);
	assert_true(one >= 0 && two >= 0);
	usleep(20000);
	assert_int_equal(round_of(s), 1);
	assert_int_equal(is_reset(one) + is_reset(two), 1);
	assert_int_equal(share_of(s, &tcp).used, 1);
	assert_int_equal(share_of(s, &tcp).asked, 1);
	close(one);
	close(two);
}

/* To ask what would be changes nothing, and of another time the share is as it is now. */
static void explained(void **state)
{
	struct scene *s = *state;
	struct gate_question q = {
		.ip_proto = IPPROTO_TCP, .port = 8080, .at_ns = boot_now_ns() + 3600 * SECOND};
	struct gate_answer answer;
	struct fault f = {0};

	assert_int_equal(inet_pton(AF_INET6, MAPPED FIRST, q.from), 1);
	apply(s, SHARED, PLIC_ENFORCE);
	must(gate_explain(s->gate, &q, &answer, &f), &f);
	assert_int_equal(answer.verdict, PLIC_DENIED);
	assert_int_equal(answer.reason, PLIC_REASON_SEATS);
	assert_false(has_entry(s, &tcp));
	borrow(s, &tcp, 1);
	must(gate_explain(s->gate, &q, &answer, &f), &f);
	assert_int_equal(answer.verdict, PLIC_ALLOWED);
	assert_int_equal(share_of(s, &tcp).used, 0);
}

static bool always(const struct plic_usage_key *usage, void *data)
{
	return true;
}

/* Who scans a range of ports leaves no more than a few hundred entries, and displaces no share. */
static void asked_at_a_thousand_ports(void **state)
{
	const struct plic_share asked = {.asked = 1};
	struct plic_usage_key usage = tcp;
	_free_ struct share *list = NULL;
	struct scene *s = *state;
	size_t n;

	borrow(s, &tcp, 1);
	for (uint16_t port = 10000; port < 11000; port++) {
		usage.port = port;
		assert_int_equal(bpf_map_update_elem(s->node->map[NODE_SHARES], &usage, &asked, 0),
				 0);
	}
	shares_sweep(s->node, boot_now_ns() - SECOND, always, NULL);
	assert_int_equal(shares_read(s->node, &list, &n), 0);
	assert_int_equal(n, SHARES_ASKED + 1);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(shares_forget(s->node, &list[i].usage), 0);
	free(list);
	assert_int_equal(shares_read(s->node, &list, &n), 0);
	assert_int_equal(n, 1);
	assert_int_equal(share_of(s, &tcp).seats, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		GUESTS(nobody_without_a_share),
		GUESTS(as_many_as_are_borrowed),
		GUESTS(ends_by_itself),
		GUESTS(dropped_is_ended),
		GUESTS(lowers_to_who_sits),
		GUESTS(who_stands_when_it_comes),
		GUESTS(from_node_to_cluster),
		GUESTS(adopts_pins_without_shares),
		GUESTS(ended_before_it_comes),
		GUESTS(goes_with_the_limit),
		GUESTS(audit_only_counts),
		GUESTS(idle_until_the_pool_is_empty),
		GUESTS(without_ledger),
		GUESTS(explained),
		GUESTS(asked_at_a_thousand_ports),
	};

	if (!bed_init())
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
