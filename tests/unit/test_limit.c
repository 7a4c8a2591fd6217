/* SPDX-License-Identifier: MIT */
/* test_limit.c - seats, rate, quota and TLS in the kernel's terms: bounds, windows, the larger of two. */
#include "world.h"

#include "limit.h"

static struct license_port given;
static struct license lic = {
	.iss = (char *)"https://vendor.example", .lid = (char *)"line", .nbf = WALL};
static const struct time_base base = {WALL, BOOT};

static struct plic_limit limit(void)
{
	return limit_of_license(&lic, &given, &base, false);
}

static __u64 window_at(const struct plic_limit *l, __u64 now)
{
	return (now - l->start_ns) / l->window_ns;
}

static int clear(void **state)
{
	given = (struct license_port){.port = 80, .end_port = 80};
	lic.seats = 0;
	lic.seats_scope = SCOPE_POD;
	lic.quota = (struct license_quota){0};
	lic.nbf = WALL;
	return 0;
}

static void test_none(void **state)
{
	struct plic_limit none, l = limit();

	memset(&none, 0, sizeof(none));
	assert_memory_equal(&l, &none, sizeof(l));
}

static void test_rate(void **state)
{
	struct plic_limit l;

	given.rate = (struct license_rate){50, 1, 10};
	l = limit();
	assert_int_equal(l.interval_ns, S / 50);
	assert_int_equal(l.burst, 10);
	assert_true(l.line);
	given.rate = (struct license_rate){1, 60, 1};
	assert_int_equal(limit().interval_ns, 60 * S);
	given.rate = (struct license_rate){2000000000, 1, 1}; /* two in a nanosecond */
	assert_int_equal(limit().interval_ns, 0);
}

/* Whatever a license says, a bucket stays within signed 64 bits of nanoseconds, and holds one. */
static void test_rate_bounds(void **state)
{
	const __s64 max = (1LL << 53) - 1;
	const struct license_rate rates[] = {{1, max, max}, {max, max, max}, {1, 1, max},
					     {max, 1, 1},   {3, max, 5},     {1, 18446744074LL, 1}};

	for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
		struct plic_limit l;

		given.rate = rates[i];
		l = limit();
		if (!l.interval_ns)
			continue;
		assert_true(l.burst >= 1);
		assert_true((unsigned __int128)l.burst * l.interval_ns <= INT64_MAX);
		assert_true(l.interval_ns <= INT64_MAX / 2);
	}
}

static void test_windows(void **state)
{
	struct plic_limit l, renewed;

	given.quota = (struct license_quota){.connections = 100, .window_s = 3600};
	lic.nbf = WALL - 3 * 3600 - 5;
	l = limit();
	assert_int_equal(l.quota_connections, 100);
	assert_int_equal(l.window_ns, 3600 * S);
	/* counted from nbf: the fourth began 5 s ago */
	assert_int_equal(window_at(&l, AT(0)), window_at(&l, AT(3594)));
	assert_int_equal(window_at(&l, AT(0)) + 1, window_at(&l, AT(3595)));
	assert_int_equal(window_at(&l, AT(0)) - 1, window_at(&l, AT(-6)));
	/* ... and a later nbf doesn't begin anew */
	lic.nbf = WALL - 5;
	renewed = limit();
	assert_memory_equal(&l, &renewed, sizeof(l));
	lic.nbf = WALL + 17;
	renewed = limit();
	assert_in_range(window_at(&renewed, AT(0)), window_at(&l, AT(0)) - 1, window_at(&l, AT(0)));
	/* ... nor does a reboot */
	renewed = limit_of_license(&lic, &given, &(struct time_base){WALL + 100, 7 * S}, false);
	assert_int_equal(window_at(&renewed, 7 * S), window_at(&renewed, 7 * S + 1));
	l = limit();
	assert_int_equal(window_at(&renewed, 7 * S), window_at(&l, AT(100)));
}

static void test_huge_window(void **state)
{
	given.quota =
		(struct license_quota){.bytes = 1, .window_s = (1LL << 53) - 1, .block = true};
	assert_true(limit().window_ns == PLIC_NEVER);
	assert_int_equal(limit().flags, PLIC_LIMIT_BLOCK);
}

/* A quota of the license is one for all ports, one of the port its own; cluster is the node's. */
static void test_whole(void **state)
{
	lic.quota = (struct license_quota){.bytes = 7, .window_s = 60, .scope = SCOPE_CLUSTER};
	assert_int_equal(limit().flags, PLIC_LIMIT_QUOTA_LINE | PLIC_LIMIT_QUOTA_NODE);
	assert_int_equal(limit().quota_bytes, 7);
	given.quota = (struct license_quota){.bytes = 9, .window_s = 60};
	assert_int_equal(limit().flags, 0);
	assert_int_equal(limit().quota_bytes, 9);
	lic.seats = 5;
	lic.seats_scope = SCOPE_NODE;
	assert_int_equal(limit().seats, 5);
	assert_int_equal(limit().flags, PLIC_LIMIT_SEATS_NODE);
}

/* Only a node that borrows has a share, and only of what the cluster counts. */
static void test_share(void **state)
{
	static const __u8 flags[] = {[SCOPE_POD] = 0,
				     [SCOPE_NODE] = PLIC_LIMIT_SEATS_NODE,
				     [SCOPE_CLUSTER] =
					     PLIC_LIMIT_SEATS_NODE | PLIC_LIMIT_SEATS_SHARE};
	struct plic_limit a, b;

	for (lic.seats_scope = SCOPE_POD; lic.seats_scope <= SCOPE_CLUSTER; lic.seats_scope++) {
		lic.seats = 5;
		assert_int_equal(limit_of_license(&lic, &given, &base, true).flags,
				 flags[lic.seats_scope]);
		lic.seats = 0; /* without a limit there is nothing to borrow */
		assert_int_equal(limit_of_license(&lic, &given, &base, true).flags, 0);
	}
	lic.seats_scope = SCOPE_CLUSTER;
	lic.seats = 5;
	assert_int_equal(limit().flags, PLIC_LIMIT_SEATS_NODE);
	a = limit_of_license(&lic, &given, &base, true);
	lic.seats = 7;
	b = limit_of_license(&lic, &given, &base, true);
	limit_widen(&a, &b);
	assert_int_equal(a.seats, 7);
	assert_int_equal(a.flags, flags[SCOPE_CLUSTER]);
	lic.seats = 0;
	b = limit_of_license(&lic, &given, &base, true);
	limit_widen(&a, &b);
	assert_int_equal(a.seats, 0);
	assert_int_equal(a.flags, 0);
}

static void test_line(void **state)
{
	struct license other_line = lic;

	given.tls = true;
	other_line.lid = (char *)"line2";
	assert_true(limit().line == limit().line);
	assert_true(limit().line != limit_of_license(&other_line, &given, &base, false).line);
}

static void test_widen(void **state)
{
	struct plic_limit a, b;

	given.rate = (struct license_rate){50, 1, 10};
	given.seats = 3;
	given.tls = true;
	given.quota = (struct license_quota){.bytes = 100, .window_s = 60, .block = true};
	a = limit();
	given.rate = (struct license_rate){100, 1, 5};
	given.seats = 9;
	given.quota = (struct license_quota){.bytes = 100, .window_s = 30};
	b = limit();
	limit_widen(&a, &b);
	assert_int_equal(a.interval_ns, S / 100);
	assert_int_equal(a.burst, 10);
	assert_int_equal(a.seats, 9);
	assert_int_equal(a.window_ns, 30 * S);
	assert_int_equal(a.flags, PLIC_LIMIT_TLS);
	given = (struct license_port){.port = 80, .end_port = 80};
	b = limit();
	limit_widen(&a, &b);
	assert_int_equal(a.interval_ns, 0);
	assert_int_equal(a.seats, 0);
	assert_int_equal(a.window_ns, 0);
	assert_int_equal(a.flags, 0);
}

static void test_policy(void **state)
{
	struct policy_port port = {.rate = {10, 1, 20}, .tls = true, .seats = 4};
	struct plic_limit l = limit_of_policy(&port);

	assert_true(l.line == PLIC_LINE_POLICY);
	assert_int_equal(l.interval_ns, S / 10);
	assert_int_equal(l.burst, 20);
	assert_int_equal(l.seats, 4);
	assert_int_equal(l.flags, PLIC_LIMIT_TLS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_none, clear),
		cmocka_unit_test_setup(test_rate, clear),
		cmocka_unit_test_setup(test_rate_bounds, clear),
		cmocka_unit_test_setup(test_windows, clear),
		cmocka_unit_test_setup(test_huge_window, clear),
		cmocka_unit_test_setup(test_whole, clear),
		cmocka_unit_test_setup(test_share, clear),
		cmocka_unit_test_setup(test_line, clear),
		cmocka_unit_test_setup(test_widen, clear),
		cmocka_unit_test_setup(test_policy, clear),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
