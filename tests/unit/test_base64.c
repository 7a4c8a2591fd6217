/* SPDX-License-Identifier: MIT */
/* test_base64.c - base64url in its one canonical form. */
#include <errno.h>

#include "base64.h"
#include "token.h"

static int decode(const char *text, size_t len, uint8_t *out, size_t *n)
{
	return base64_decode(text, len, out, BASE64_BYTES(len), n);
}

static void round_trip(void **state)
{
	uint8_t bytes[70], back[100];
	char text[100];
	size_t n;

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 37 + 200);
	for (size_t len = 0; len <= sizeof(bytes); len++) {
		base64_encode(bytes, len, text);
		assert_int_equal(strlen(text), BASE64_CHARS(len));
		assert_int_equal(decode(text, strlen(text), back, &n), 0);
		assert_int_equal(n, len);
		assert_memory_equal(back, bytes, len);
	}
}

static void alphabet(void **state)
{
	uint8_t out[8];
	size_t n;

	assert_int_equal(decode("-_-_", 4, out, &n), 0);
	assert_memory_equal(out, "\xfb\xff\xbf", 3);
	assert_int_equal(decode("+/+/", 4, out, &n), -EINVAL);
}

/* Each of these is let through by some decoder, and by libsodium's with other arguments. */
static void refuses(void **state)
{
	static const struct {
		const char *text;
		size_t len;
	} bad[] = {
		{"QQ==", 4},
		{"QUI=", 4},
		{"QQ=", 3},
		{"Q", 1},
		{"QUJDR", 5},
		{"QU JD", 5},
		{" QUJD", 5},
		{"QUJD\n", 5},
		{"QU\0JD", 5},
		{"QUJD\0", 5},
		{"QR", 2},
		{"QUJ", 3} /* QUI */,
		{"QUJD!", 5},
		{"QUJD=", 5},
		{"QUJDQUJD====", 12},
		{"\xc3\xa9\xc3\xa9", 4},
	};
	uint8_t out[32];
	size_t n;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (decode(bad[i].text, bad[i].len, out, &n) != -EINVAL)
			fail_msg("case %zu was decoded", i);
}

/* Of all 256 bytes exactly the 64 of the alphabet: libsodium alone takes 0x80-0xff for '_'. */
static void every_byte(void **state)
{
	static const char alphabet_bytes[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	uint8_t out[8];
	size_t n;

	for (int c = 0; c < 256; c++) {
		char text[4] = {'A', 'A', 'A', (char)c};
		bool in = c && strchr(alphabet_bytes, c);

		if (!decode(text, 4, out, &n) != in)
			fail_msg("byte 0x%02x", c);
	}
}

static void room(void **state)
{
	uint8_t out[4] = {0, 0, 0, 0xee};
	size_t n;

	assert_int_equal(base64_decode("QUJD", 4, out, 3, &n), 0);
	assert_int_equal(base64_decode("QUJDRA", 6, out, 3, &n), -EINVAL);
	assert_int_equal(out[3], 0xee);
	assert_int_equal(base64_decode("", 0, out, 3, &n), 0);
	assert_int_equal(n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(round_trip), cmocka_unit_test(alphabet), cmocka_unit_test(refuses),
		cmocka_unit_test(every_byte), cmocka_unit_test(room),
	};

	return cmocka_run_group_tests_name("base64", tests, NULL, NULL);
}
