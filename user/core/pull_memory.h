/* SPDX-License-Identifier: MIT */
/* pull_memory.h - what outlives a restart of a pull source beside the fetched file itself. Pure. */
#ifndef PORTLIC_PULL_MEMORY_H
#define PORTLIC_PULL_MEMORY_H

#include <stdbool.h>
#include <stdint.h>

#include "fault.h"

#define PULL_ETAG_MAX 256
#define PULL_MODIFIED_MAX 64
#define PULL_SHA256_HEX 64
#define PULL_FILE_MAX 160
#define PULL_MEMORY_MAX_BYTES 16384

struct pull_memory {
	char *url;		      /* where the rest comes from; NULL: there is nothing */
	char etag[PULL_ETAG_MAX + 1]; /* "" if none was given */
	char modified[PULL_MODIFIED_MAX + 1]; /* the Last-Modified, "" if none was given */
	char file[PULL_FILE_MAX + 1];	      /* the kept copy that they stand for, ... */
	char sha256[PULL_SHA256_HEX + 1];     /* ... and its bytes */
	char ahead[PULL_SHA256_HEX + 1];      /* of the license whose missing renewal was told */
	int64_t last_success;		      /* seconds since 1970 UTC; 0: never */
};

/* text: what pull_memory_write made. -EINVAL or -EBADMSG with a fault that begins with what. */
int pull_memory_read(const char *what, const char *text, size_t len, struct pull_memory *out,
		     struct fault *f);
char *pull_memory_write(const struct pull_memory *memory); /* NULL: out of memory */
void pull_memory_free(struct pull_memory *memory);

/* A header's value that may be sent back: printable ASCII, not empty, max bytes at most. */
bool pull_validator_ok(const char *value, size_t max);

#endif
