/* SPDX-License-Identifier: MIT */
/* io.h - stdin and stdout of judge.c, which ends when they fail. */
#ifndef PORTLIC_TEST_IO_H
#define PORTLIC_TEST_IO_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static inline void die(const char *what)
{
	fprintf(stderr, "judge: %s: %s\n", what, strerror(errno));
	exit(1);
}

static inline bool get(void *to, size_t n)
{
	return fread(to, 1, n, stdin) == n;
}

static inline void put(const void *bytes, size_t n)
{
	if (fwrite(bytes, 1, n, stdout) != n)
		die("stdout");
}

static inline void put_u32(uint32_t v)
{
	put(&v, sizeof(v));
}

#endif
