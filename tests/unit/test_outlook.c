/* SPDX-License-Identifier: MIT */
/* test_outlook.c - which end takes something away, with renewals, add-ons, downgrades, revocations. */
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "cleanup.h"
#include "outlook.h"

#define NOW 1800000000LL
#define DAY 86400LL
#define MAX 6

struct shelf {
	struct license licenses[MAX];
	struct license_port ports[MAX][4];
	char *features[MAX][4];
	struct license_view views[MAX];
	struct outlook o[MAX];
	size_t n;
};

/* A license of a line from `nbf` days from now to `exp` days from now; its index. */
static size_t put(struct shelf *s, char *lid, int64_t seq, int64_t nbf, int64_t exp)
{
	size_t i = s->n++;

	s->licenses[i] = (struct license){.iss = "v",
					  .lid = lid,
					  .jti = "j",
					  .kid = "k",
					  .seq = seq,
					  .iat = NOW - 100 * DAY,
					  .nbf = NOW + nbf * DAY,
					  .exp = NOW + exp * DAY,
					  .ports = s->ports[i],
					  .features = s->features[i]};
	s->licenses[i].sha256[0] = i;
	return i;
}

static void opens(struct shelf *s, size_t i, uint16_t first, uint16_t last, uint8_t protocol)
{
	s->ports[i][s->licenses[i].n_ports++] =
		(struct license_port){.port = first, .end_port = last, .protocol = protocol};
}

static void has(struct shelf *s, size_t i, char *feature)
{
	s->features[i][s->licenses[i].n_features++] = feature;
}

/* The soonest end that takes something away. */
static size_t next(struct shelf *s)
{
	size_t i;

	for (i = 0; i < s->n; i++)
		s->views[i] = (struct license_view){.lic = &s->licenses[i]};
	lifecycle_judge(s->views, s->n, NULL, NOW);
	assert_int_equal(outlook(s->views, s->n, s->o), 0);
	return outlook_next(s->o, s->n);
}

static void nothing_ends_without_licenses(void **state)
{
	struct shelf s = {0};

	assert_int_equal(next(&s), 0);
}

static void a_license_ends_with_its_grace(void **state)
{
	struct shelf s = {0};
	size_t i = put(&s, "a", 1, -10, 10);

	opens(&s, i, 80, 80, IPPROTO_TCP);
	s.licenses[i].grace_s = 3 * DAY;
	assert_int_equal(next(&s), i);
	assert_int_equal(s.o[i].until, NOW + 13 * DAY);
	assert_true(s.o[i].gives);
}

static void one_that_gives_nothing_takes_nothing(void **state)
{
	struct shelf s = {0};

	put(&s, "a", 1, -10, 10);
	assert_int_equal(next(&s), s.n);
}

static void a_renewal_loaded_ahead_goes_on(void **state)
{
	struct shelf s = {0};
	size_t old = put(&s, "a", 1, -10, 10), new = put(&s, "a", 2, 9, 40);

	opens(&s, old, 80, 90, IPPROTO_TCP);
	opens(&s, new, 80, 85, IPPROTO_TCP);
	opens(&s, new, 86, 95, IPPROTO_TCP);
	has(&s, old, "x");
	has(&s, new, "x");
	assert_int_equal(next(&s), new);
	assert_true(s.o[old].goes_on);
	/* Replaced when the new one begins, which is 300 s ahead of its nbf. */
	assert_int_equal(s.o[old].until, NOW + 9 * DAY - 300);
	assert_int_equal(s.o[new].until, NOW + 40 * DAY);
}

static void a_renewal_with_a_gap_does_not(void **state)
{
	struct shelf s = {0};
	size_t old = put(&s, "a", 1, -10, 10), new = put(&s, "a", 2, 11, 40);

	opens(&s, old, 80, 80, IPPROTO_TCP);
	opens(&s, new, 80, 80, IPPROTO_TCP);
	assert_int_equal(next(&s), old);
	assert_int_equal(s.o[old].until, NOW + 10 * DAY);
	s.licenses[old].grace_s = 2 * DAY; /* it bridges the gap */
	assert_int_equal(next(&s), new);
}

static void a_downgrade_loaded_ahead_takes_away_when_it_begins(void **state)
{
	static const struct {
		uint16_t first, last;
		uint8_t protocol;
	} less[] = {{80, 89, IPPROTO_TCP},
		    {81, 90, IPPROTO_TCP},
		    {80, 90, IPPROTO_UDP},
		    {80, 90, IPPROTO_SCTP}};
	size_t k;

	for (k = 0; k < ARRAY_SIZE(less); k++) {
		struct shelf s = {0};
		size_t old = put(&s, "a", 1, -10, 10), new = put(&s, "a", 2, 5, 40);

		opens(&s, old, 80, 90, IPPROTO_TCP);
		opens(&s, new, less[k].first, less[k].last, less[k].protocol);
		assert_int_equal(next(&s), old);
		assert_int_equal(s.o[old].until, NOW + 5 * DAY - 300);
	}
}

static void a_feature_counts_as_a_port_does(void **state)
{
	struct shelf s = {0};
	size_t old = put(&s, "a", 1, -10, 10), new = put(&s, "a", 2, 5, 40);

	opens(&s, old, 80, 80, IPPROTO_TCP);
	opens(&s, new, 80, 80, IPPROTO_TCP);
	has(&s, old, "x");
	has(&s, new, "y");
	assert_int_equal(next(&s), old);
	assert_false(s.o[old].goes_on);
}

static void another_line_covers_too(void **state)
{
	struct shelf s = {0};
	size_t a = put(&s, "a", 1, -10, 10), b = put(&s, "b", 1, -10, 20);

	opens(&s, a, 1000, 2000, IPPROTO_TCP);
	opens(&s, b, 1, 65535, IPPROTO_TCP);
	has(&s, b, "x");
	assert_int_equal(next(&s), b);
	assert_int_equal(s.o[a].until, NOW + 10 * DAY); /* no line replaces another */
}

static void two_that_end_together_cover_nothing(void **state)
{
	struct shelf s = {0};
	size_t a = put(&s, "a", 1, -10, 10), b = put(&s, "b", 1, -10, 10);

	opens(&s, a, 80, 80, IPPROTO_TCP);
	opens(&s, b, 80, 80, IPPROTO_TCP);
	assert_int_equal(next(&s), a);
	assert_false(s.o[a].goes_on);
	assert_false(s.o[b].goes_on);
}

static void what_has_ended_is_no_end_to_come(void **state)
{
	struct shelf s = {0};
	size_t lapsed = put(&s, "a", 1, -20, -10), live = put(&s, "b", 1, -10, 10);

	opens(&s, lapsed, 80, 80, IPPROTO_TCP);
	opens(&s, live, 81, 81, IPPROTO_TCP);
	assert_int_equal(next(&s), live);
	assert_false(s.o[lapsed].gives);
}

static void report_goes_on_with_its_ports_only(void **state)
{
	struct shelf s = {0};
	size_t i = put(&s, "a", 1, -10, 10);

	opens(&s, i, 80, 80, IPPROTO_TCP);
	s.licenses[i].lapse = PLIC_REPORT;
	assert_int_equal(next(&s), s.n);
	assert_false(s.o[i].goes_on); /* nobody else gives it */
	has(&s, i, "x");
	assert_int_equal(next(&s), i);
}

static void report_ends_at_once_when_it_is_replaced(void **state)
{
	struct shelf s = {0};
	size_t old = put(&s, "a", 1, -10, 10), new = put(&s, "a", 2, 5, 40);

	opens(&s, old, 80, 80, IPPROTO_TCP);
	opens(&s, new, 81, 81, IPPROTO_TCP);
	s.licenses[old].lapse = PLIC_REPORT;
	assert_int_equal(next(&s), old);
}

static void a_lapsed_report_covers_nothing(void **state)
{
	struct shelf s = {0};
	size_t reports = put(&s, "a", 1, -20, -10), live = put(&s, "b", 1, -10, 10);

	opens(&s, reports, 80, 80, IPPROTO_TCP);
	opens(&s, live, 80, 80, IPPROTO_TCP);
	s.licenses[reports].lapse = PLIC_REPORT;
	assert_int_equal(next(&s), live);
}

static void the_whole_range_of_ports(void **state)
{
	struct shelf s = {0};
	size_t a = put(&s, "a", 1, -10, 10), b = put(&s, "b", 1, -10, 20);

	opens(&s, a, 1, 65535, IPPROTO_UDP);
	opens(&s, b, 1, 32767, IPPROTO_UDP);
	opens(&s, b, 32769, 65535, IPPROTO_UDP);
	assert_int_equal(next(&s), a);
	opens(&s, b, 32768, 32768, IPPROTO_UDP);
	assert_int_equal(next(&s), b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_ends_without_licenses),
		cmocka_unit_test(a_license_ends_with_its_grace),
		cmocka_unit_test(one_that_gives_nothing_takes_nothing),
		cmocka_unit_test(a_renewal_loaded_ahead_goes_on),
		cmocka_unit_test(a_renewal_with_a_gap_does_not),
		cmocka_unit_test(a_downgrade_loaded_ahead_takes_away_when_it_begins),
		cmocka_unit_test(a_feature_counts_as_a_port_does),
		cmocka_unit_test(another_line_covers_too),
		cmocka_unit_test(two_that_end_together_cover_nothing),
		cmocka_unit_test(what_has_ended_is_no_end_to_come),
		cmocka_unit_test(report_goes_on_with_its_ports_only),
		cmocka_unit_test(report_ends_at_once_when_it_is_replaced),
		cmocka_unit_test(a_lapsed_report_covers_nothing),
		cmocka_unit_test(the_whole_range_of_ports),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
