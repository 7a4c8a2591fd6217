/* SPDX-License-Identifier: MIT */
/* base64.h - base64url as JOSE has it: no padding, no white space, canonical trailing bits. */
#ifndef PORTLIC_BASE64_H
#define PORTLIC_BASE64_H

#include <stddef.h>
#include <stdint.h>

/* Most bytes that len characters stand for, and characters (without NUL) for len bytes. */
#define BASE64_BYTES(len) ((len) / 4 * 3 + 2)
#define BASE64_CHARS(len) (((len)*4 + 2) / 3)

/* Decodes len characters into bytes, which has room for size. 0 and *n, or -EINVAL. */
int base64_decode(const char *text, size_t len, uint8_t *bytes, size_t size, size_t *n);

/* Encodes into text, which has room for BASE64_CHARS(len) + 1. */
void base64_encode(const uint8_t *bytes, size_t len, char *text);

#endif
