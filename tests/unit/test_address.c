/* SPDX-License-Identifier: MIT */
/* test_address.c - addresses as text and as 16 bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "address.h"

static void test_text(void **state)
{
	static const struct {
		const char *text;
		bool ipv4, loopback;
	} cases[] = {
		{"127.0.0.1", true, true},
		{"127.255.0.9", true, true},
		{"126.0.0.1", true, false},
		{"10.77.0.2", true, false},
		{"::1", false, true},
		{"::2", false, false},
		{"::ffff:127.0.0.1", true, true},
		{"::127.0.0.1", false, false},
		{"fd77::2", false, false},
		{"0.0.0.0", true, false},
		{"::", false, false},
	};
	uint8_t address[16];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (!address_parse(cases[i].text, address))
			fail_msg("\"%s\" is no address", cases[i].text);
		if (address_is_ipv4(address) != cases[i].ipv4 ||
		    address_is_loopback(address) != cases[i].loopback)
			fail_msg("\"%s\" is taken for another kind", cases[i].text);
	}
}

static void test_no_address(void **state)
{
	static const char *const texts[] = {"",		 "1.2.3",    "1.2.3.4.5",
					    "256.0.0.1", "fd77:::1", "host"};
	uint8_t address[16];

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_false(address_parse(texts[i], address));
}

static void test_map(void **state)
{
	static const uint8_t ipv4[4] = {10, 77, 0, 2};
	uint8_t mapped[16], parsed[16];

	address_map(ipv4, mapped);
	assert_true(address_parse("10.77.0.2", parsed));
	assert_memory_equal(mapped, parsed, sizeof(mapped));
	assert_true(address_parse("::ffff:10.77.0.2", parsed));
	assert_memory_equal(mapped, parsed, sizeof(mapped));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_no_address),
		cmocka_unit_test(test_map),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
