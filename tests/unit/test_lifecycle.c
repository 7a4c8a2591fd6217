/* SPDX-License-Identifier: MIT */
/* test_lifecycle.c - each state, each transition at its very second, deadlines, supersession. */
#include <time.h>

#include "jws.h"
#include "lifecycle.h"
#include "token.h"

#define NBF 1800000000LL
#define EXP 1810000000LL /* 115 days later */
#define GRACE 1000LL
#define DAY 86400LL

static struct license base(void)
{
	return (struct license){
		.iss = ISS,
		.lid = "line",
		.jti = "j1",
		.kid = "k1",
		.iat = NBF,
		.nbf = NBF,
		.exp = EXP,
		.grace_s = GRACE,
		.seq = 1,
		.lapse = PLIC_BLOCK_NEW,
	};
}

/* Judges one license alone. */
static struct license_view judge(const struct license *lic, const struct revocations *r,
				 int64_t now)
{
	struct license_view view = {.lic = lic};

	lifecycle_judge(&view, 1, r, now);
	return view;
}

/* The newest list says this; entries is JSON. */
static struct revocations *list_of(const char *iat, const char *entries)
{
	struct license_check check = world.check;
	struct rejection why = {0};
	struct revocations *r;
	char *text = NULL, *token;

	check.now = INT64_MAX;
	assert_true(asprintf(&text,
			     "{\"iss\":\"" ISS
			     "\",\"iat\":%s,\"exp\":253402300799,\"seq\":1,\"revoked\":[%s]}",
			     iat, entries) > 0);
	token = sign_as(&world.key, JWS_TYP_REVOCATION, text);
	assert_int_equal(revocations_new(&r), 0);
	if (revocations_add(r, &check, token, strlen(token), &why))
		fail_msg("%s", why.detail);
	free(token);
	free(text);
	return r;
}

struct moment {
	int64_t now;
	enum license_state state;
};

static void run_moments(const struct license *lic, const struct revocations *r,
			const struct moment *moments, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct license_view v = judge(lic, r, moments[i].now);

		if (v.state != moments[i].state)
			fail_msg("at %lld: %s, not %s", (long long)moments[i].now,
				 license_state_word(v.state), license_state_word(moments[i].state));
	}
}
#define RUN(lic, r, moments) run_moments(lic, r, moments, ARRAY_SIZE(moments))

static void life_of_a_license(void **state)
{
	static const struct moment moments[] = {
		{INT64_MIN, STATE_PENDING},  {0, STATE_PENDING},
		{NBF - 301, STATE_PENDING},  {NBF - 300, STATE_ACTIVE},
		{NBF, STATE_ACTIVE},	     {EXP - 1, STATE_ACTIVE},
		{EXP, STATE_GRACE},	     {EXP + GRACE - 1, STATE_GRACE},
		{EXP + GRACE, STATE_LAPSED}, {INT64_MAX, STATE_LAPSED},
	};
	struct license lic = base();

	RUN(&lic, NULL, moments);
}

static void without_grace(void **state)
{
	static const struct moment moments[] = {{EXP - 1, STATE_ACTIVE}, {EXP, STATE_LAPSED}};
	struct license lic = base();

	lic.grace_s = 0;
	RUN(&lic, NULL, moments);
}

static void warning(void **state)
{
	static const struct {
		int64_t life, warn; /* seconds before exp */
	} cases[] = {
		{30 * DAY, 10 * DAY}, /* a third is less than 14 days */
		{42 * DAY, 14 * DAY},
		{100 * DAY, 14 * DAY}, /* 10 % is less than 14 days */
		{365 * DAY, 3153600},  /* 10 %: 36.5 days */
		{3, 1},
		{1, 0},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct license lic = base();

		lic.exp = NBF + cases[i].life;
		assert_false(judge(&lic, NULL, lic.exp - cases[i].warn - 1).warn);
		assert_int_equal(judge(&lic, NULL, lic.exp - cases[i].warn).warn,
				 cases[i].warn > 0);
		assert_false(judge(&lic, NULL, lic.exp).warn); /* GRACE is a state of its own */
	}
}

static void deadlines(void **state)
{
	struct license lic = base();
	struct license_view v = judge(&lic, NULL, NBF - 301);

	assert_int_equal(v.deadlines.from, NBF); /* loaded ahead: it begins by itself at nbf */
	v = judge(&lic, NULL, NBF - 300);
	assert_int_equal(v.deadlines.from, NBF - 300);
	v = judge(&lic, NULL, NBF + 5);
	assert_true(v.deadlines.from <= NBF);
	assert_int_equal(v.deadlines.new_until, EXP + GRACE);
	assert_int_equal(v.deadlines.cut_at, EXP + GRACE + LICENSE_DRAIN_S);
	assert_int_equal(v.lapse, PLIC_BLOCK_NEW);
	lic.lapse = PLIC_BLOCK;
	v = judge(&lic, NULL, NBF);
	assert_int_equal(v.deadlines.new_until, EXP + GRACE);
	assert_int_equal(v.deadlines.cut_at, EXP + GRACE);
	lic.lapse = PLIC_REPORT;
	v = judge(&lic, NULL, NBF);
	assert_int_equal(v.deadlines.new_until, EXP + GRACE);
	assert_true(v.deadlines.cut_at == LIFECYCLE_NEVER);
	assert_int_equal(v.lapse, PLIC_REPORT);
	/* The end doesn't move when it has come. */
	lic.lapse = PLIC_BLOCK_NEW;
	v = judge(&lic, NULL, EXP + 10 * GRACE);
	assert_int_equal(v.deadlines.cut_at, EXP + GRACE + LICENSE_DRAIN_S);
}

static void saturation(void **state)
{
	struct license lic = base();
	struct license_view v;
	struct revocations *r = list_of("253402300798", "");

	lic.exp = LICENSE_TIME_MAX;
	lic.grace_s = 31622400;
	lic.rl_max_age_s = JSON_INT_MAX;
	v = judge(&lic, r, NBF);
	assert_int_equal(v.state, STATE_ACTIVE);
	assert_true(v.deadlines.new_until == LICENSE_TIME_MAX + 31622400);
	lic.rl_max_age_s = INT64_MAX;
	lic.exp = INT64_MAX - 5;
	v = judge(&lic, r, NBF);
	assert_int_equal(v.state, STATE_ACTIVE);
	assert_true(v.deadlines.new_until == LIFECYCLE_NEVER);
	assert_true(v.deadlines.cut_at == LIFECYCLE_NEVER);
	revocations_free(r);
}

static void revoked(void **state)
{
	static const struct moment moments[] = {
		{NBF - 301, STATE_PENDING},   {NBF + 499, STATE_ACTIVE},
		{NBF + 500, STATE_REVOKED},   {EXP, STATE_REVOKED},
		{EXP + GRACE, STATE_REVOKED},
	};
	static const char *const by[] = {"jti\":\"j1", "lid\":\"line", "kid\":\"k1"};

	for (size_t i = 0; i < ARRAY_SIZE(by); i++) {
		struct license lic = base();
		struct revocations *r;
		char text[128];

		snprintf(text, sizeof(text), "{\"%s\",\"at\":1800000500}", by[i]);
		r = list_of("1800000400", text);
		RUN(&lic, r, moments);
		revocations_free(r);
	}
}

static void revoked_before_it_begins(void **state)
{
	struct license lic = base();
	struct revocations *r = list_of("1800000000", "{\"jti\":\"j1\",\"at\":1}");

	assert_int_equal(judge(&lic, r, NBF - 1000).state, STATE_REVOKED);
	assert_int_equal(judge(&lic, r, NBF - 1000).deadlines.new_until, 1);
	revocations_free(r);
}

/* From `at` on at least block-new, no grace, whatever lapse says. */
static void revocation_and_lapse(void **state)
{
	static const struct {
		enum plic_lapse lapse, effective;
		int64_t drain;
	} cases[] = {
		{PLIC_BLOCK_NEW, PLIC_BLOCK_NEW, LICENSE_DRAIN_S},
		{PLIC_BLOCK, PLIC_BLOCK, 0},
		{PLIC_REPORT, PLIC_BLOCK_NEW, LICENSE_DRAIN_S},
	};
	struct revocations *r = list_of("1800000400", "{\"jti\":\"j1\",\"at\":1800000500}");

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct license lic = base();

		lic.lapse = cases[i].lapse;
		for (int64_t now = NBF; now <= NBF + 1000; now += 500) {
			struct license_view v = judge(&lic, r, now);

			assert_int_equal(v.deadlines.new_until, NBF + 500);
			assert_int_equal(v.deadlines.cut_at, NBF + 500 + cases[i].drain);
			assert_int_equal(v.lapse, cases[i].effective);
		}
	}
	revocations_free(r);
}

/* A revocation that comes after the end: until then a `report` license only reports. */
static void revocation_behind_the_end(void **state)
{
	struct revocations *r = list_of("1800000400", "{\"jti\":\"j1\",\"at\":1810005000}");
	struct license lic = base();
	struct license_view v;

	lic.lapse = PLIC_REPORT;
	v = judge(&lic, r, EXP + GRACE);
	assert_int_equal(v.state, STATE_LAPSED);
	assert_int_equal(v.lapse, PLIC_REPORT);
	assert_int_equal(v.deadlines.cut_at, EXP + 5000 + LICENSE_DRAIN_S);
	v = judge(&lic, r, EXP + 5000);
	assert_int_equal(v.state, STATE_REVOKED);
	assert_int_equal(v.lapse, PLIC_BLOCK_NEW);
	assert_int_equal(v.deadlines.new_until, EXP + GRACE);
	revocations_free(r);
}

static void stale_list(void **state)
{
	/* The list is of NBF + 1000 and good for 3600 s. */
	static const struct moment moments[] = {
		{NBF - 301, STATE_PENDING},
		{NBF, STATE_ACTIVE},
		{NBF + 4600, STATE_ACTIVE},
		{NBF + 4601, STATE_STALE},
		{NBF + 4600 + GRACE - 1, STATE_STALE},
		{NBF + 4600 + GRACE, STATE_LAPSED},
		{EXP, STATE_LAPSED},
	};
	struct revocations *r = list_of("1800001000", ""), *fresh;
	struct license lic = base();
	struct license_view v;

	lic.rl_max_age_s = 3600;
	RUN(&lic, r, moments);
	v = judge(&lic, r, NBF);
	assert_int_equal(v.deadlines.new_until, NBF + 4600 + GRACE);
	assert_int_equal(v.deadlines.cut_at, NBF + 4600 + GRACE + LICENSE_DRAIN_S);
	/* A new list brings it back. */
	fresh = list_of("1800009000", "");
	assert_int_equal(judge(&lic, fresh, NBF + 9000).state, STATE_ACTIVE);
	/* Without rl_max_age the age of a list is nothing to a license. */
	lic.rl_max_age_s = 0;
	assert_int_equal(judge(&lic, r, NBF + 9000).state, STATE_ACTIVE);
	revocations_free(r);
	revocations_free(fresh);
}

static void no_list_at_all(void **state)
{
	static const struct moment moments[] = {
		{NBF - 301, STATE_PENDING},
		{NBF - 300, STATE_STALE},
		{NBF - 300 + GRACE - 1, STATE_STALE},
		{NBF - 300 + GRACE, STATE_LAPSED},
	};
	struct license lic = base();

	lic.rl_max_age_s = 3600;
	RUN(&lic, NULL, moments);
	lic.grace_s = 0;
	assert_int_equal(judge(&lic, NULL, NBF).state, STATE_LAPSED);
}

static void stale_and_past_its_end(void **state)
{
	struct revocations *r = list_of("1810000000", "");
	struct license lic = base();

	lic.rl_max_age_s = 3600;
	lic.grace_s = 10000;
	assert_int_equal(judge(&lic, r, EXP + 5000).state, STATE_GRACE);
	assert_int_equal(judge(&lic, r, EXP + 5000).deadlines.new_until, EXP + 10000);
	revocations_free(r);
}

/* Judges two licenses in both orders, for the order of files never matters. */
static void judge_two(const struct license *a, const struct license *b, const struct revocations *r,
		      int64_t now, struct license_view *va, struct license_view *vb)
{
	struct license_view one[2] = {{.lic = a}, {.lic = b}}, two[2] = {{.lic = b}, {.lic = a}};

	lifecycle_judge(one, 2, r, now);
	lifecycle_judge(two, 2, r, now);
	assert_int_equal(one[0].state, two[1].state);
	assert_int_equal(one[1].state, two[0].state);
	assert_int_equal(one[0].equivocation, two[1].equivocation);
	assert_int_equal(one[0].warn, two[1].warn);
	*va = one[0];
	*vb = one[1];
}

static void supersession(void **state)
{
	struct license low = base(), high = base();
	struct license_view l, h;
	static const struct {
		int64_t now;
		enum license_state low, high;
	} cases[] = {
		{NBF + 5000 - 301, STATE_ACTIVE,
		 STATE_PENDING}, /* a PENDING renewal replaces nothing */
		{NBF + 5000 - 300, STATE_SUPERSEDED, STATE_ACTIVE},
		{NBF + 9999, STATE_SUPERSEDED, STATE_ACTIVE},
		{NBF + 10000, STATE_SUPERSEDED, STATE_GRACE},
		{NBF + 10000 + GRACE, STATE_SUPERSEDED, STATE_LAPSED}, /* it was ACTIVE: for good */
		{EXP + GRACE, STATE_SUPERSEDED, STATE_LAPSED},
	};

	high.seq = 2;
	high.jti = "j2";
	high.nbf = NBF + 5000;
	high.exp = NBF + 10000;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		judge_two(&low, &high, NULL, cases[i].now, &l, &h);
		if (l.state != cases[i].low || h.state != cases[i].high)
			fail_msg("case %zu: %s, %s", i, license_state_word(l.state),
				 license_state_word(h.state));
		assert_false(l.equivocation || h.equivocation);
	}
}

/* A renewal that wants a revocation list, where there is none: it was never ACTIVE. */
static void without_its_list_it_replaces_nothing(void **state)
{
	struct license low = base(), high = base();
	struct revocations *old = list_of("1799990000", ""), *good = list_of("1800000400", "");
	struct license_view l, h;

	high.seq = 2;
	high.jti = "j2";
	high.rl_max_age_s = 3600;
	judge_two(&low, &high, NULL, NBF + 500, &l, &h);
	assert_int_equal(l.state, STATE_ACTIVE);
	assert_int_equal(h.state, STATE_STALE);
	judge_two(&low, &high, NULL, NBF + GRACE, &l, &h);
	assert_int_equal(l.state, STATE_ACTIVE);
	assert_int_equal(h.state, STATE_LAPSED);
	judge_two(&low, &high, old, NBF + 500, &l, &h);
	assert_int_equal(l.state, STATE_ACTIVE);
	judge_two(&low, &high, good, NBF + 500, &l, &h);
	assert_int_equal(l.state, STATE_SUPERSEDED);
	assert_int_equal(h.state, STATE_ACTIVE);
	/* The list grows old: it was ACTIVE. */
	judge_two(&low, &high, good, NBF + 400 + 3601, &l, &h);
	assert_int_equal(l.state, STATE_SUPERSEDED);
	assert_int_equal(h.state, STATE_STALE);
	revocations_free(old);
	revocations_free(good);
}

static void lines_and_issuers_are_apart(void **state)
{
	struct license a = base(), b = base();
	struct license_view va, vb;

	b.seq = 2;
	b.lid = "addon";
	judge_two(&a, &b, NULL, NBF, &va, &vb);
	assert_int_equal(va.state, STATE_ACTIVE);
	assert_int_equal(vb.state, STATE_ACTIVE);
	b.lid = a.lid;
	b.iss = "other";
	judge_two(&a, &b, NULL, NBF, &va, &vb);
	assert_int_equal(va.state, STATE_ACTIVE);
	assert_int_equal(vb.state, STATE_ACTIVE);
}

/* What comes out of use warns nobody. */
static void superseded_does_not_warn(void **state)
{
	struct license low = base(), high = base();
	struct license_view l, h;

	high.seq = 2;
	high.exp = EXP + 100 * DAY;
	judge_two(&low, &high, NULL, EXP - 1, &l, &h);
	assert_int_equal(l.state, STATE_SUPERSEDED);
	assert_false(l.warn);
	assert_false(h.warn);
}

static void supersession_and_revocation(void **state)
{
	static const struct {
		const char *revoked;
		int64_t now;
		enum license_state low, high;
	} rows[] = {
		{"{\"jti\":\"j2\",\"at\":1800000500}", NBF + 499, STATE_SUPERSEDED, STATE_ACTIVE},
		/* The higher one is revoked by jti: the lower one is back. */
		{"{\"jti\":\"j2\",\"at\":1800000500}", NBF + 500, STATE_ACTIVE, STATE_REVOKED},
		/* Revoked by lid, both are; by kid, the lower one stays replaced. */
		{"{\"lid\":\"line\",\"at\":1800000500}", NBF + 500, STATE_REVOKED, STATE_REVOKED},
		{"{\"kid\":\"k2\",\"at\":1800000500}", NBF + 500, STATE_SUPERSEDED, STATE_REVOKED},
		/* A lower one that is revoked says so, although it is replaced too. */
		{"{\"jti\":\"j1\",\"at\":1800000500}", NBF + 500, STATE_REVOKED, STATE_ACTIVE},
	};
	struct license low = base(), high = base();

	high.seq = 2;
	high.jti = "j2";
	high.kid = "k2";
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct revocations *r = list_of("1800000400", rows[i].revoked);
		struct license_view l, h;

		judge_two(&low, &high, r, rows[i].now, &l, &h);
		if (l.state != rows[i].low || h.state != rows[i].high)
			fail_msg("%s: %s, %s", rows[i].revoked, license_state_word(l.state),
				 license_state_word(h.state));
		revocations_free(r);
	}
}

static void equivocation(void **state)
{
	struct license a = base(), b = base();
	struct license_view va, vb;

	/* The later iat wins. */
	a.sha256[0] = 9;
	b.sha256[0] = 1;
	b.iat = a.iat + 1;
	judge_two(&a, &b, NULL, NBF + 10, &va, &vb);
	assert_int_equal(va.state, STATE_SUPERSEDED);
	assert_int_equal(vb.state, STATE_ACTIVE);
	assert_true(va.equivocation && vb.equivocation);
	/* Then the larger SHA-256. */
	b.iat = a.iat;
	judge_two(&a, &b, NULL, NBF + 10, &va, &vb);
	assert_int_equal(va.state, STATE_ACTIVE);
	assert_int_equal(vb.state, STATE_SUPERSEDED);
	assert_true(va.equivocation && vb.equivocation);
	/* The winner begins later: until then the other one serves. */
	a.nbf = NBF + 5000;
	judge_two(&a, &b, NULL, NBF + 10, &va, &vb);
	assert_int_equal(va.state, STATE_PENDING);
	assert_int_equal(vb.state, STATE_ACTIVE);
	assert_true(va.equivocation && vb.equivocation);
}

/* The same bytes in several files: none replaces another, and nobody equivocates. */
static void copies_are_alike(void **state)
{
	struct license a = base(), b = base(), c = base();
	struct license_view v[3] = {{.lic = &a}, {.lic = &b}, {.lic = &c}};

	lifecycle_judge(v, 3, NULL, NBF + 10);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(v[i].state, STATE_ACTIVE);
		assert_false(v[i].equivocation);
	}
}

static void many_in_a_line(void **state)
{
	enum { N = 50 };
	struct license lics[N];
	struct license_view views[N];

	for (int i = 0; i < N; i++) {
		lics[i] = base();
		lics[i].seq = (i * 7) % N;
		views[i] = (struct license_view){.lic = &lics[i]};
	}
	lifecycle_judge(views, N, NULL, NBF);
	for (int i = 0; i < N; i++)
		assert_int_equal(views[i].state,
				 lics[i].seq == N - 1 ? STATE_ACTIVE : STATE_SUPERSEDED);
	lifecycle_judge(NULL, 0, NULL, NBF);
}

/* A directory that is full, judged each second: a quadratic way takes many times as long. */
static void many_lines(void **state)
{
	static struct license_view views[8192];
	static struct license list[8192];
	static char lids[8192][16];
	clock_t start = clock();

	for (size_t i = 0; i < ARRAY_SIZE(list); i++) {
		snprintf(lids[i], sizeof(lids[i]), "line-%zu", i / 2);
		list[i] = base();
		list[i].lid = lids[i];
		list[i].seq = (int64_t)(i % 2);
		views[i] = (struct license_view){.lic = &list[i]};
	}
	for (int round = 0; round < 30; round++)
		lifecycle_judge(views, ARRAY_SIZE(views), NULL, NBF);
	for (size_t i = 0; i < ARRAY_SIZE(views); i++)
		assert_int_equal(views[i].state, i % 2 ? STATE_ACTIVE : STATE_SUPERSEDED);
	assert_true(clock() - start < 2 * CLOCKS_PER_SEC);
}

static void words(void **state)
{
	assert_string_equal(license_state_word(STATE_REJECTED), "rejected");
	assert_string_equal(license_state_upper(STATE_STALE), "STALE");
	assert_string_equal(license_state_word(STATE_COUNT), "");
	assert_string_equal(license_state_upper(STATE_COUNT), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(life_of_a_license),
		cmocka_unit_test(without_grace),
		cmocka_unit_test(warning),
		cmocka_unit_test(deadlines),
		cmocka_unit_test(saturation),
		cmocka_unit_test(revoked),
		cmocka_unit_test(revoked_before_it_begins),
		cmocka_unit_test(revocation_and_lapse),
		cmocka_unit_test(revocation_behind_the_end),
		cmocka_unit_test(stale_list),
		cmocka_unit_test(no_list_at_all),
		cmocka_unit_test(stale_and_past_its_end),
		cmocka_unit_test(supersession),
		cmocka_unit_test(without_its_list_it_replaces_nothing),
		cmocka_unit_test(lines_and_issuers_are_apart),
		cmocka_unit_test(superseded_does_not_warn),
		cmocka_unit_test(supersession_and_revocation),
		cmocka_unit_test(equivocation),
		cmocka_unit_test(copies_are_alike),
		cmocka_unit_test(many_in_a_line),
		cmocka_unit_test(many_lines),
		cmocka_unit_test(words),
	};

	return cmocka_run_group_tests_name("lifecycle", tests, world_begin, world_end);
}
