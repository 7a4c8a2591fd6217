/* SPDX-License-Identifier: MIT */
/* test_lines.c - what was in force once supersedes when its file is gone, unless revoked by jti. */
#include <errno.h>

#include "lines.h"
#include "jws.h"
#include "token.h"

#define NBF NOW

static struct lines lines;

static struct license base(int64_t seq, const char *jti)
{
	return (struct license){
		.iss = ISS,
		.lid = "line",
		.jti = (char *)jti,
		.kid = "k1",
		.iat = NBF,
		.nbf = NBF,
		.exp = NBF + 10000,
		.grace_s = 1000,
		.seq = seq,
		.lapse = PLIC_BLOCK_NEW,
	};
}

static struct revocations *list_of(const char *entries)
{
	struct rejection why = {0};
	struct revocations *r;
	char *text = NULL, *token;

	assert_true(asprintf(&text,
			     "{\"iss\":\"" ISS "\",\"iat\":1799999000,\"exp\":253402300799,"
			     "\"seq\":1,\"revoked\":[%s]}",
			     entries) > 0);
	token = sign_as(&world.key, JWS_TYP_REVOCATION, text);
	assert_int_equal(revocations_new(&r), 0);
	if (revocations_add(r, &world.check, token, strlen(token), &why))
		fail_msg("%s", why.detail);
	free(token);
	free(text);
	return r;
}

static struct license_view judge(const struct license *lic, const struct revocations *r,
				 int64_t now)
{
	struct license_view view = {.lic = lic};

	lifecycle_judge(&view, 1, r, now);
	lines_supersede(&lines, &view, 1, r, now);
	return view;
}

static bool learn(const struct license *lic, const struct revocations *r, int64_t now)
{
	struct license_view view = {.lic = lic};

	lifecycle_judge(&view, 1, r, now);
	return lines_learn(&lines, &view, 1, r, now);
}

static void nothing_known(void **state)
{
	struct license lic = base(1, "j1");

	assert_int_equal(judge(&lic, NULL, NBF).state, STATE_ACTIVE);
	assert_null(lines_above(&lines, &lic, NULL, NBF));
}

static void sticky(void **state)
{
	struct license low = base(1, "j1"), high = base(2, "j2"), higher = base(3, "j3");

	assert_false(learn(&high, NULL, NBF - 301)); /* it never was in force */
	assert_int_equal(judge(&low, NULL, NBF).state, STATE_ACTIVE);
	assert_true(learn(&high, NULL, NBF - 300));
	assert_false(learn(&high, NULL, NBF)); /* no news */
	assert_int_equal(judge(&low, NULL, NBF).state, STATE_SUPERSEDED);
	assert_int_equal(judge(&high, NULL, NBF).state, STATE_ACTIVE); /* not by itself */
	assert_int_equal(judge(&higher, NULL, NBF).state, STATE_ACTIVE);
	/* For good: past the end of the higher one too. */
	assert_int_equal(judge(&low, NULL, NBF + 10999).state, STATE_SUPERSEDED);
	assert_int_equal(judge(&low, NULL, NBF + 20000).state, STATE_SUPERSEDED);
	/* A lower one that comes later doesn't hide it. */
	assert_true(learn(&low, NULL, NBF));
	assert_int_equal(judge(&low, NULL, NBF).state, STATE_SUPERSEDED);
	assert_string_equal(lines_above(&lines, &low, NULL, NBF)->lic.jti, "j2");
}

/* A clock that was a year ahead has begun a renewal; it is corrected: the present one holds on. */
static void a_clock_that_was_ahead(void **state)
{
	struct license low = base(1, "j1"), high = base(2, "j2");

	high.nbf = NBF + 5000;
	assert_true(learn(&high, NULL, NBF + 100000));
	assert_int_equal(judge(&low, NULL, NBF).state, STATE_ACTIVE);
	assert_int_equal(judge(&low, NULL, NBF + 4699).state, STATE_ACTIVE);
	assert_int_equal(judge(&low, NULL, NBF + 4700).state, STATE_SUPERSEDED);
}

static void warns_nobody(void **state)
{
	struct license low = base(1, "j1"), high = base(2, "j2");

	assert_true(judge(&low, NULL, NBF + 9999).warn);
	learn(&high, NULL, NBF);
	assert_false(judge(&low, NULL, NBF + 9999).warn);
}

static void rank(void **state)
{
	struct license a = base(1, "j1"), b = base(1, "j1");

	b.iat++;
	learn(&b, NULL, NBF);
	assert_int_equal(judge(&a, NULL, NBF).state, STATE_SUPERSEDED);
	b.iat--;
	b.sha256[31] = 1;
	lines_free(&lines);
	learn(&b, NULL, NBF);
	assert_int_equal(judge(&a, NULL, NBF).state, STATE_SUPERSEDED);
	assert_int_equal(judge(&b, NULL, NBF).state, STATE_ACTIVE);
	lines_free(&lines);
	learn(&a, NULL, NBF);
	assert_int_equal(judge(&b, NULL, NBF).state, STATE_ACTIVE);
}

static void lines_and_issuers_are_apart(void **state)
{
	struct license low = base(1, "j1"), high = base(2, "j2");

	high.lid = "addon";
	learn(&high, NULL, NBF);
	high.lid = "line";
	high.iss = "https://other.example";
	learn(&high, NULL, NBF);
	assert_int_equal(judge(&low, NULL, NBF).state, STATE_ACTIVE);
}

/* Only a revocation by jti brings the lower one back, and then the next highest holds. */
static void revocation(void **state)
{
	struct license low = base(1, "j1"), high = base(2, "j2"), highest = base(3, "j3");
	struct revocations *r;

	learn(&high, NULL, NBF);
	learn(&highest, NULL, NBF);
	r = list_of("{\"lid\":\"x\",\"at\":1}");
	assert_int_equal(judge(&low, r, NBF).state, STATE_SUPERSEDED);
	revocations_free(r);
	r = list_of("{\"jti\":\"j3\",\"at\":1800000500}");
	assert_string_equal(lines_above(&lines, &low, r, NBF + 499)->lic.jti, "j3");
	assert_string_equal(lines_above(&lines, &low, r, NBF + 500)->lic.jti, "j2");
	assert_int_equal(judge(&high, r, NBF + 499).state, STATE_SUPERSEDED);
	assert_int_equal(judge(&high, r, NBF + 500).state, STATE_ACTIVE);
	revocations_free(r);
	r = list_of("{\"jti\":\"j3\",\"at\":1},{\"jti\":\"j2\",\"at\":1}");
	assert_int_equal(judge(&low, r, NBF).state, STATE_ACTIVE);
	assert_int_equal(judge(&high, r, NBF).state, STATE_REVOKED);
	revocations_free(r);
	/* A lower one that is revoked says so. */
	r = list_of("{\"jti\":\"j1\",\"at\":1}");
	assert_int_equal(judge(&low, r, NBF).state, STATE_REVOKED);
	revocations_free(r);
	/* What is revoked by jti before it was ever in force isn't learnt. */
	lines_free(&lines);
	r = list_of("{\"jti\":\"j2\",\"at\":1}");
	assert_false(learn(&high, r, NBF));
	revocations_free(r);
}

/* The highest few of a line are enough. */
static void bounded_in_a_line(void **state)
{
	struct license low = base(0, "j");

	for (int seq = 1; seq <= 20; seq++) {
		struct license lic = base((seq * 7) % 23, "j");

		learn(&lic, NULL, NBF);
	}
	assert_int_equal(lines.n, LINES_PER_LID);
	assert_int_equal(lines.list[0].lic.seq, 22);
	assert_false(learn(&low, NULL, NBF));
	assert_int_equal(lines.n, LINES_PER_LID);
}

static void bounded_in_all(void **state)
{
	struct license first = base(5, "j"), low = base(1, "j");
	char lid[32];

	first.lid = low.lid = "first";
	learn(&first, NULL, NBF);
	for (int i = 1; i < LINES_MAX; i++) {
		struct license lic = base(5, "j");

		snprintf(lid, sizeof(lid), "line-%d", i);
		lic.lid = lid;
		assert_true(learn(&lic, NULL, NBF + 10 + i));
	}
	assert_int_equal(lines.n, LINES_MAX);
	assert_int_equal(judge(&low, NULL, NBF).state, STATE_SUPERSEDED);
	/* It is the oldest, but in use again: the next oldest goes. */
	assert_false(learn(&first, NULL, NBF + 10000));
	first.lid = "new";
	assert_true(learn(&first, NULL, NBF + 10001));
	assert_int_equal(lines.n, LINES_MAX);
	assert_int_equal(judge(&low, NULL, NBF).state, STATE_SUPERSEDED);
	low.lid = "line-1";
	assert_int_equal(judge(&low, NULL, NBF).state, STATE_ACTIVE);
	low.lid = "line-2";
	assert_int_equal(judge(&low, NULL, NBF).state, STATE_SUPERSEDED);
	/* All in use by time: nothing goes, the new one is left out. */
	first.lid = "newer";
	assert_false(learn(&first, NULL, NBF));
	assert_int_equal(lines_add(&lines, &first, 1), -EINVAL);
}

static void added_ones(void **state)
{
	struct license lic = base(7, "j7"), low = base(6, "j6");

	assert_int_equal(lines_add(&lines, &lic, NBF), 0);
	assert_int_equal(lines_add(&lines, &lic, NBF), -EINVAL);
	assert_int_equal(judge(&low, NULL, NBF).state, STATE_SUPERSEDED);
}

/* A renewal that is loaded ahead and begins in time makes the end no news. */
static void renewed(void **state)
{
	struct license low = base(1, "j1"), high = base(2, "j2");
	struct license_view v[2] = {{.lic = &low}, {.lic = &high}};

	high.nbf = NBF + 11000;
	high.exp = NBF + 20000;
	lifecycle_judge(v, 2, NULL, NBF + 9000);
	assert_true(v[0].renewed && !v[1].renewed);
	high.nbf++;
	lifecycle_judge(v, 2, NULL, NBF + 9000);
	assert_false(v[0].renewed);
	high.nbf = NBF + 11000;
	high.seq = 0; /* a lower one isn't a renewal */
	lifecycle_judge(v, 2, NULL, NBF + 9000);
	assert_false(v[0].renewed);
}

static int clear(void **state)
{
	lines_free(&lines);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(nothing_known, clear),
		cmocka_unit_test_teardown(sticky, clear),
		cmocka_unit_test_teardown(a_clock_that_was_ahead, clear),
		cmocka_unit_test_teardown(warns_nobody, clear),
		cmocka_unit_test_teardown(rank, clear),
		cmocka_unit_test_teardown(lines_and_issuers_are_apart, clear),
		cmocka_unit_test_teardown(revocation, clear),
		cmocka_unit_test_teardown(bounded_in_a_line, clear),
		cmocka_unit_test_teardown(bounded_in_all, clear),
		cmocka_unit_test_teardown(added_ones, clear),
		cmocka_unit_test_teardown(renewed, clear),
	};

	return cmocka_run_group_tests_name("lines", tests, world_begin, world_end);
}
