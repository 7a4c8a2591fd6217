/* SPDX-License-Identifier: MIT */
/* utf8.h - one character of UTF-8. Pure. */
#ifndef PORTLIC_UTF8_H
#define PORTLIC_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes of the character at p (RFC 3629: shortest form, no surrogates), left >= 1; 0: none. */
size_t utf8_length(const unsigned char *p, size_t left);

/* C0, DEL or C1 (U+0080..U+009F), what a terminal or a log would obey; p is a valid character. */
bool utf8_control(const unsigned char *p);

#endif
