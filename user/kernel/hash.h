/* SPDX-License-Identifier: MIT */
/* hash.h - a hash of the kernel, read whole. */
#ifndef PORTLIC_HASH_H
#define PORTLIC_HASH_H

#include <stddef.h>

/*
 * *out: n records of key_size + value_size bytes, for free(). What comes or goes meanwhile may be in it or
 * not. -errno.
 */
int hash_read(int fd, size_t key_size, size_t value_size, void **out, size_t *n);

#endif
