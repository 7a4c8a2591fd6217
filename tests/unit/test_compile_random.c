/* SPDX-License-Identifier: MIT */
/*
 * test_compile_random.c - random licenses, policies, tombstones and times: what a compiled set says
 * of every port at any time against a naive model that asks each source one by one.
 */
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "compile.h"

#define S 1000000000ULL
#define WALL 1800000000LL
#define BOOT (5000 * S)
#define MAX 24

static const __u8 protocols[] = {IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP};

struct world {
	struct license licenses[MAX];
	struct license_port license_ports[MAX][MAX];
	struct license_view views[MAX];
	struct policy policy;
	struct policy_open open[MAX];
	struct policy_port ports[MAX];
	struct tombstone tombstones[MAX];
	struct compile_input in;
};

static unsigned int below(unsigned int n)
{
	return random() % n;
}

struct span {
	__u16 first, last;
	__u8 ip_proto;
};

/* Mostly a few crowded ports, sometimes anything. */
static struct span random_span(void)
{
	unsigned int a = below(4) ? 8000 + below(150) : 1 + below(65535), b = a;

	if (below(2))
		b = a + below(below(4) ? 40 : 65536);
	return (struct span){a, b > 65535 ? 65535 : b, protocols[below(8) ? below(2) : 2]};
}

static void random_license(struct world *w, size_t i)
{
	struct license *lic = &w->licenses[i];
	struct license_view *view = &w->views[i];
	__s64 from = WALL + (below(2) ? -100 : (__s64)below(200));
	__s64 until = from + 1 + below(below(3) ? 150 : 6000);

	*lic = (struct license){.lapse = below(3), .ports = w->license_ports[i]};
	lic->exp = until;
	lic->n_ports = below(MAX);
	for (size_t j = 0; j < sizeof(lic->sha256); j++)
		lic->sha256[j] = random();
	for (size_t j = 0; j < lic->n_ports; j++) {
		struct span s = random_span();
		struct license_port *p = &lic->ports[j];

		*p = (struct license_port){
			.port = s.first, .end_port = s.last, .protocol = s.ip_proto};
		if (below(2))
			snprintf(p->name, sizeof(p->name), "%c", 'a' + below(3));
	}
	*view = (struct license_view){
		.lic = lic, .lapse = lic->lapse, .deadlines = {from, until, until}};
	if (lic->lapse == PLIC_REPORT)
		view->deadlines.cut_at = LIFECYCLE_NEVER;
	else if (lic->lapse == PLIC_BLOCK_NEW)
		view->deadlines.cut_at = until + LICENSE_DRAIN_S;
	view->state = WALL >= until ? (below(2) ? STATE_LAPSED : STATE_REVOKED)
		      : from > WALL ? STATE_PENDING
				    : STATE_ACTIVE;
	if (view->state == STATE_REVOKED && lic->lapse == PLIC_REPORT) { /* as lifecycle.h says */
		view->lapse = PLIC_BLOCK_NEW;
		view->deadlines.cut_at = until + LICENSE_DRAIN_S;
	}
	if (below(10) == 0)
		view->state = below(2) ? STATE_SUPERSEDED : STATE_REJECTED;
}

static bool meets(const struct policy_port *a, const struct span *s)
{
	return a->ip_proto == s->ip_proto && a->port <= s->last && s->first <= a->end_port;
}

static void random_policy(struct world *w)
{
	struct policy *p = &w->policy;

	*p = (struct policy){.open = w->open, .ports = w->ports};
	p->mode = below(3);
	p->deny = below(2);
	for (size_t n = below(5); n; n--) {
		struct span s = random_span();

		w->open[p->n_open++] = (struct policy_open){
			.port = s.first, .end_port = s.last, .ip_proto = s.ip_proto};
	}
	for (size_t n = below(8); n; n--) {
		struct span s = random_span();
		struct policy_port port = {.mode = (int)below(3) - 1, .deny = (int)below(3) - 1};
		bool overlaps = false;

		port.port = s.first, port.end_port = s.last, port.ip_proto = s.ip_proto;
		for (size_t i = 0; i < p->n_ports; i++)
			overlaps |= meets(&w->ports[i], &s);
		if (!overlaps)
			w->ports[p->n_ports++] = port;
	}
}

static void random_world(struct world *w, size_t max_views)
{
	static const struct plic_slot other;

	memset(w, 0, sizeof(*w));
	w->in = (struct compile_input){
		.views = w->views,
		.n_views = below(max_views + 1),
		.policy = below(3) ? &w->policy : NULL,
		.mode = below(3) ? -1 : (int)below(3),
		.tombstones = w->tombstones,
		.n_tombstones = below(6),
		.slots = &other,
		.n_slots = 1,
		.base = {WALL, BOOT},
	};
	for (size_t i = 0; i < w->in.n_views; i++)
		random_license(w, i);
	random_policy(w);
	for (size_t i = 0; i < w->in.n_tombstones; i++) {
		struct span s = random_span();

		w->tombstones[i] = (struct tombstone){
			s.first, s.last, s.ip_proto, PLIC_REASON_WITHDRAWN, BOOT + below(400) * S,
			0};
	}
}

static struct compiled compile(const struct compile_input *in)
{
	struct compiled c = {0};
	struct fault f = {0};

	if (compile_gate(in, &c, &f))
		fail_msg("%s", f.text);
	return c;
}

/* What happens to a port at a time. */
struct fate {
	bool admits, stands;
	bool reports;	      /* admits nothing, and lets through */
	unsigned int sources; /* the model's: more than the rule may hold */
};

static struct fate fate_of_rule(const struct plic_rule *rule, __u64 t)
{
	struct fate fate = {0};

	for (size_t i = 0; i < rule->n_grants; i++) {
		const struct plic_grant *g = &rule->grants[i];

		if (g->from_ns > t)
			continue;
		fate.admits |= t < g->new_until_ns;
		fate.stands |= t < g->cut_at_ns;
		fate.reports |= t >= g->new_until_ns && g->lapse == PLIC_REPORT;
	}
	fate.reports &= !fate.admits;
	return fate;
}

static bool names(const struct license *lic, __u8 ip_proto, unsigned int port)
{
	for (size_t i = 0; i < lic->n_ports; i++)
		if (lic->ports[i].protocol == ip_proto && lic->ports[i].port <= port &&
		    port <= lic->ports[i].end_port)
			return true;
	return false;
}

/* One license at t, in whole seconds from WALL, by its own deadlines. */
static void ask_license(const struct license_view *v, __s64 t, struct fate *fate)
{
	bool report = v->lic->lapse == PLIC_REPORT && v->state != STATE_REVOKED;
	bool drains = v->lic->lapse != PLIC_BLOCK;

	fate->sources++;
	if (WALL + t < v->deadlines.from && v->deadlines.from > WALL)
		return;
	fate->admits |= WALL + t < v->deadlines.new_until;
	fate->stands |= report || WALL + t < v->deadlines.new_until + (drains ? 300 : 0);
	fate->reports |= report && WALL + t >= v->deadlines.new_until;
}

static struct fate fate_in_model(const struct world *w, __u8 ip_proto, unsigned int port, __s64 t,
				 bool *named)
{
	struct fate fate = {0}, now = {0};

	for (size_t i = 0; i < w->in.n_views; i++) {
		const struct license_view *v = &w->views[i];

		if (v->state == STATE_SUPERSEDED || v->state == STATE_REJECTED ||
		    !names(v->lic, ip_proto, port))
			continue;
		ask_license(v, t, &fate);
		ask_license(v, 0, &now);
	}
	for (size_t i = 0; w->in.policy && i < w->policy.n_open; i++) {
		const struct policy_open *o = &w->open[i];

		if (o->ip_proto == ip_proto && o->port <= port && port <= o->end_port) {
			fate.admits = fate.stands = now.admits = true;
			fate.sources++;
		}
	}
	*named = fate.sources;
	for (size_t i = 0; i < w->in.n_tombstones; i++) {
		const struct tombstone *s = &w->tombstones[i];

		if (s->ip_proto != ip_proto || s->port > port || port > s->end_port)
			continue;
		*named = true;
		if (!now.admits) {
			fate.stands |= BOOT + t * S < s->cut_at_ns;
			fate.sources++;
		}
	}
	fate.reports &= !fate.admits;
	return fate;
}

/* Mode and deny of a port; *named where the policy names it. */
static void manners_in_model(const struct world *w, __u8 ip_proto, unsigned int port, int *mode,
			     int *deny, bool *named)
{
	int set = w->in.mode;

	*mode = set >= 0 ? set : w->in.policy ? (int)w->policy.mode : PLIC_ENFORCE;
	*deny = w->in.policy ? (int)w->policy.deny : PLIC_REFUSE;
	for (size_t i = 0; w->in.policy && i < w->policy.n_ports; i++) {
		const struct policy_port *p = &w->ports[i];

		if (p->ip_proto != ip_proto || p->port > port || port > p->end_port)
			continue;
		*named = true;
		if (p->mode >= 0 && (set < 0 || p->mode > set))
			*mode = p->mode;
		if (p->deny >= 0)
			*deny = p->deny;
	}
}

static void check_port(const struct world *w, const struct compiled *c, __u8 ip_proto,
		       unsigned int port)
{
	static const __s64 times[] = {0, 1, 50, 99, 120, 200, 300, 350, 1000, 7000};
	bool named = false;
	int mode, deny;
	__u16 slot;
	const struct plic_rule *rule =
		ruleset_lookup(&c->set, ip_proto, port, RULESET_LASTING, &slot);

	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		struct fate want = fate_in_model(w, ip_proto, port, times[i], &named);
		struct fate got = fate_of_rule(rule, BOOT + times[i] * S);
		bool full = want.sources > PLIC_MAX_GRANTS && times[i];

		/* A rule that is full may leave out what is to come, and never gives more. */
		if (got.admits > want.admits || got.stands > want.stands ||
		    got.reports > (want.reports || want.admits) ||
		    (!full && (got.admits != want.admits || got.stands != want.stands ||
			       got.reports != want.reports)))
			fail_msg("%u/%u at %lld: admits %d stands %d reports %d, wanted %d %d %d",
				 port, ip_proto, (long long)times[i], got.admits, got.stands,
				 got.reports, want.admits, want.stands, want.reports);
	}
	manners_in_model(w, ip_proto, port, &mode, &deny, &named);
	if (rule->mode != mode || rule->deny != deny || named != (slot != PLIC_SLOT_OTHER))
		fail_msg("%u/%u: mode %d deny %d slot %u, wanted %d %d %d", port, ip_proto,
			 rule->mode, rule->deny, slot, mode, deny, named);
}

/* Pieces are sorted and disjoint, each with the slot that says so. */
static void check_pieces(const struct compiled *c, const struct plic_slot *before, size_t n_before)
{
	__u64 last = 0;

	assert_in_range(c->n_slots, n_before, RULESET_MAX_SLOTS);
	assert_memory_equal(c->slots, before, n_before * sizeof(*before));
	for (size_t i = 0; i < c->n_ports; i++) {
		const struct compiled_port *p = &c->ports[i];
		const struct plic_slot *s = &c->slots[p->slot];
		__u16 slot;

		assert_true(((__u64)p->ip_proto << 16 | p->port) > last);
		last = (__u64)p->ip_proto << 16 | p->end_port;
		assert_true(s->port == p->port && s->end_port == p->end_port &&
			    s->ip_proto == p->ip_proto);
		assert_memory_equal(
			ruleset_lookup(&c->set, p->ip_proto, p->end_port, RULESET_LASTING, &slot),
			&p->rule, sizeof(p->rule));
		assert_int_equal(slot, p->slot);
		for (size_t j = 1; j < p->rule.n_grants; j++)
			assert_true(p->rule.grants[j - 1].new_until_ns >=
				    p->rule.grants[j].new_until_ns);
	}
}

static void check_edges(const struct world *w, const struct compiled *c)
{
	for (size_t i = 0; i < c->n_ports; i++) {
		const struct compiled_port *p = &c->ports[i];

		check_port(w, c, p->ip_proto, p->port - 1);
		check_port(w, c, p->ip_proto, p->port);
		check_port(w, c, p->ip_proto, p->end_port);
		if (p->end_port < 65535)
			check_port(w, c, p->ip_proto, p->end_port + 1);
	}
}

static void test_every_port(void **state)
{
	struct world *w = malloc(sizeof(*w));

	assert_non_null(w);
	for (unsigned int seed = 1; seed <= 4; seed++) {
		srandom(seed);
		random_world(w, 2 * seed);
		struct compiled c = compile(&w->in);

		for (size_t i = 0; i < 3; i++)
			for (unsigned int port = 0; port < 65536; port++)
				check_port(w, &c, protocols[i], port);
		compiled_free(&c);
	}
	free(w);
}

/* Many worlds one after the other in the same gate: slots only ever grow. */
static void test_edges_and_slots(void **state)
{
	struct world *w = malloc(sizeof(*w));
	struct plic_slot *slots = calloc(1, sizeof(*slots));
	size_t n_slots = 1;

	assert_non_null(w);
	assert_non_null(slots);
	for (unsigned int seed = 100; seed < 400; seed++) {
		srandom(seed);
		random_world(w, 1 + seed % MAX);
		w->in.slots = slots;
		w->in.n_slots = n_slots;
		struct compiled c = compile(&w->in);

		check_pieces(&c, slots, n_slots);
		check_edges(w, &c);
		free(slots);
		slots = c.slots;
		n_slots = c.n_slots;
		c.slots = NULL;
		compiled_free(&c);
	}
	free(slots);
	free(w);
}

static void swap(void *a, void *b, size_t size)
{
	char t[512];

	assert_true(size <= sizeof(t));
	memcpy(t, a, size);
	memcpy(a, b, size);
	memcpy(b, t, size);
}

#define SHUFFLE(array, n)                                                                          \
	for (size_t i_ = (n); i_ > 1; i_--)                                                        \
	swap(&(array)[i_ - 1], &(array)[below(i_)], sizeof((array)[0]))

/* The order of files, of policy entries and of tombstones is nothing to a gate. */
static void test_order(void **state)
{
	struct world *w = malloc(sizeof(*w));

	assert_non_null(w);
	for (unsigned int seed = 1000; seed < 1200; seed++) {
		const struct license *first[MAX];

		srandom(seed);
		random_world(w, MAX);
		struct compiled a = compile(&w->in);

		for (size_t i = 0; i < w->in.n_views; i++)
			first[i] = w->views[i].lic;
		SHUFFLE(w->views, w->in.n_views);
		SHUFFLE(w->open, w->policy.n_open);
		SHUFFLE(w->ports, w->policy.n_ports);
		SHUFFLE(w->tombstones, w->in.n_tombstones);
		struct compiled b = compile(&w->in);

		assert_int_equal(a.n_ports, b.n_ports);
		for (size_t i = 0; i < b.n_ports; i++) {
			struct compiled_port *p = &a.ports[i], *q = &b.ports[i];

			for (size_t j = 0; j < q->rule.n_grants; j++) {
				__u32 x = p->rule.grants[j].license, y = q->rule.grants[j].license;

				assert_int_equal(!x, !y);
				if (x)
					assert_ptr_equal(first[x - 1], w->views[y - 1].lic);
				q->rule.grants[j].license = x;
			}
			assert_memory_equal(p, q, sizeof(*p));
		}
		compiled_free(&a);
		compiled_free(&b);
	}
	free(w);
}

/* After the tombstones of a change are in, what stood drains, and nothing new is admitted. */
static void check_drain(const struct compiled *before, const struct compiled *after,
			const struct compiled *then, __u8 ip_proto, unsigned int port)
{
	__u16 slot;
	const struct plic_rule *old =
		ruleset_lookup(&before->set, ip_proto, port, RULESET_LASTING, &slot);
	const struct plic_rule *new =
		ruleset_lookup(&after->set, ip_proto, port, RULESET_LASTING, &slot);
	const struct plic_rule *got =
		ruleset_lookup(&then->set, ip_proto, port, RULESET_LASTING, &slot);
	bool revoked = false, pending = false, block = true, had = false, has = false, lax;

	for (size_t i = 0; i < new->n_grants; i++) {
		revoked |= new->grants[i].ended_reason == PLIC_REASON_REVOKED;
		pending |= new->grants[i].from_ns > BOOT;
	}
	for (size_t i = 0; i < old->n_grants; i++) {
		block &= old->grants[i].lapse == PLIC_BLOCK;
		had |= old->grants[i].from_ns <= BOOT;
	}
	for (size_t i = 0; i < got->n_grants; i++)
		has |= got->grants[i].from_ns <= BOOT;
	if (had && !has)
		fail_msg("%u/%u was opened once and isn't named any more", port, ip_proto);
	lax = !had && old->mode != PLIC_ENFORCE;
	for (__s64 t = 0; t < 400; t += 33) {
		struct fate a = fate_of_rule(old, BOOT + t * S);
		struct fate b = fate_of_rule(new, BOOT + t * S);
		struct fate c = fate_of_rule(got, BOOT + t * S);
		bool drains = fate_of_rule(old, BOOT).stands && a.stands && t < 300 && !block;

		if (pending && t)
			break;
		assert_true(c.stands >= b.stands);
		assert_int_equal(c.admits, b.admits);
		/* what looks after its own flows may cut them sooner */
		if (drains && !b.stands && !revoked && !fate_of_rule(new, BOOT).stands &&
		    old->n_grants == 1 && !c.stands)
			fail_msg("%u/%u isn't drained at %lld", port, ip_proto, (long long)t);
		if (!a.stands && !b.stands && c.stands && !(lax && t < 300))
			fail_msg("%u/%u drains at %lld, which nothing gave", port, ip_proto,
				 (long long)t);
	}
}

static void test_drain(void **state)
{
	struct world *w = malloc(sizeof(*w)), *v = malloc(sizeof(*v));

	assert_non_null(w);
	assert_non_null(v);
	for (unsigned int seed = 2000; seed < 2150; seed++) {
		struct tombstone *stones = NULL;
		size_t n = 0;

		srandom(seed);
		random_world(w, 4);
		random_world(v, 4);
		w->in.n_tombstones = v->in.n_tombstones = 0;
		struct compiled before = compile(&w->in), after = compile(&v->in);

		assert_int_equal(compile_diff_tombstones(&before, &after, BOOT, TOMBSTONE_DRAIN_NS,
							 PLIC_REASON_WITHDRAWN, &stones, &n),
				 0);
		v->in.tombstones = stones;
		v->in.n_tombstones = n;
		struct compiled then = compile(&v->in);

		for (size_t i = 0; i < before.n_ports; i++) {
			const struct compiled_port *p = &before.ports[i];

			check_drain(&before, &after, &then, p->ip_proto, p->port);
			check_drain(&before, &after, &then, p->ip_proto, p->end_port);
		}
		compiled_free(&before);
		compiled_free(&after);
		compiled_free(&then);
		free(stones);
	}
	free(v);
	free(w);
}

/*
 * The life cycle's word and the kernel's verdict are one: what it calls active is admitted now, what
 * it calls pending isn't before it begins, what it calls lapsed isn't ever again.
 */
static void check_state(const struct license_view *v, const struct compiled *c)
{
	const struct plic_rule *rule;
	struct fate now;
	__u16 slot;

	rule = ruleset_lookup(&c->set, IPPROTO_TCP, v->lic->ports[0].port, RULESET_LASTING, &slot);
	now = fate_of_rule(rule, BOOT);
	switch (v->state) {
	case STATE_ACTIVE:
	case STATE_GRACE:
	case STATE_STALE:
		assert_true(now.admits && now.stands);
		break;
	case STATE_PENDING:
		assert_false(now.admits || now.reports);
		assert_true(rule->grants[0].from_ns > BOOT);
		break;
	case STATE_LAPSED:
		assert_false(now.admits);
		assert_int_equal(now.reports, v->lic->lapse == PLIC_REPORT);
		for (size_t i = 0; i < 100; i++)
			assert_false(fate_of_rule(rule, BOOT + i * i * i * S).admits);
		break;
	default:
		fail_msg("state %s", license_state_word(v->state));
	}
}

static void test_life_cycle(void **state)
{
	bool seen[STATE_COUNT] = {0};

	srandom(77);
	for (unsigned int round = 0; round < 3000; round++) {
		static const struct plic_slot other;
		struct license_port port = {.port = 80, .end_port = 80, .protocol = IPPROTO_TCP};
		struct license lic = {.iss = (char *)"i", .lid = (char *)"l", .jti = (char *)"j"};
		struct license_view view = {.lic = &lic};
		struct compile_input in = {.views = &view, .n_views = 1, .mode = -1};

		lic.ports = &port;
		lic.n_ports = 1;
		lic.iat = lic.nbf = WALL - 700 + below(1400);
		lic.exp = below(5) ? lic.nbf + 1 + below(700) : LICENSE_TIME_MAX;
		lic.grace_s = below(2) ? below(400) : 0;
		lic.rl_max_age_s = below(4) ? 0 : 3600;
		lic.lapse = below(3);
		in.slots = &other;
		in.n_slots = 1;
		in.base = (struct time_base){WALL, BOOT};
		lifecycle_judge(&view, 1, NULL, WALL);
		seen[view.state] = true;
		struct compiled c = compile(&in);
		check_state(&view, &c);
		compiled_free(&c);
	}
	assert_true(seen[STATE_ACTIVE] && seen[STATE_GRACE] && seen[STATE_STALE] &&
		    seen[STATE_PENDING] && seen[STATE_LAPSED]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_port), cmocka_unit_test(test_edges_and_slots),
		cmocka_unit_test(test_order),	   cmocka_unit_test(test_drain),
		cmocka_unit_test(test_life_cycle),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
