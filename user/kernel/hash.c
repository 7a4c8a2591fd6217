/* SPDX-License-Identifier: MIT */
/* hash.c - a hash of the kernel, read in batches. */
#include "hash.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>

#include "cleanup.h"

#define HASH_BATCH 1024

int hash_read(int fd, size_t key_size, size_t value_size, void **out, size_t *n)
{
	const size_t size = key_size + value_size;
	_free_ char *keys = calloc(HASH_BATCH, key_size);
	_free_ char *values = calloc(HASH_BATCH, value_size);
	_free_ char *list = NULL;
	uint32_t batch, *from = NULL, count;
	size_t total = 0;
	int r = keys && values ? 0 : -ENOMEM;

	while (r == 0) {
		void *more;

		count = HASH_BATCH;
		r = bpf_map_lookup_batch(fd, from, &batch, keys, values, &count, NULL);
		if (r < 0 && r != -ENOENT) /* -ENOENT: the end */
			break;
		more = reallocarray(list, total + count + 1, size);
		if (!more)
			return -ENOMEM;
		list = more;
		for (uint32_t i = 0; i < count; i++, total++) {
			memcpy(list + total * size, keys + i * key_size, key_size);
			memcpy(list + total * size + key_size, values + i * value_size, value_size);
		}
		from = &batch;
	}
	if (r != -ENOENT)
		return r;
	*out = TAKE_PTR(list);
	*n = total;
	return 0;
}
