/* SPDX-License-Identifier: MIT */
/* base64.c - libsodium's codec, used in the one way in which it is strict. */
#include "base64.h"

#include <errno.h>

#include <sodium.h>

int base64_decode(const char *text, size_t len, uint8_t *bytes, size_t size, size_t *n)
{
	/* libsodium 1.0.18 takes every byte from 0x80 on for '_'. */
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)text[i] >= 0x80)
			return -EINVAL;
	/*
	 * ignore and b64_end stay NULL: with the first an embedded NUL is skipped, with the second
	 * trailing garbage succeeds.
	 */
	if (sodium_base642bin(bytes, size, text, len, NULL, n, NULL,
			      sodium_base64_VARIANT_URLSAFE_NO_PADDING))
		return -EINVAL;
	return 0;
}

void base64_encode(const uint8_t *bytes, size_t len, char *text)
{
	sodium_bin2base64(text, BASE64_CHARS(len) + 1, bytes, len,
			  sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}
