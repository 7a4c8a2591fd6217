/* SPDX-License-Identifier: MIT */
/* pull_source.h - the configuration's `pull`: what is fetched, from where, how often. Pure. */
#ifndef PORTLIC_PULL_SOURCE_H
#define PORTLIC_PULL_SOURCE_H

#include <stdbool.h>
#include <stdint.h>

#include "json.h"

#define PULL_MAX_SOURCES 32
#define PULL_NAME_MAX 63
#define PULL_INTERVAL_S 21600 /* 6 h */
#define PULL_MIN_INTERVAL_S                                                                        \
	10 /* with If-None-Match a request costs the authority next to nothing */
#define PULL_TIMEOUT_S 60

struct pull_source {
	char *name; /* letters, digits, ".", "_", "-": part of file names and labels */
	char *url;
	bool revocations; /* a revocation list, else a license */
	int64_t interval_s;
	int64_t timeout_s; /* of one transfer, all in all */
	size_t max_bytes;
	char *ca;	  /* the one file of CA certificates that is trusted; NULL: the system's */
	char *proxy;	  /* NULL: none, whatever the environment says */
	char *token_file; /* of a bearer token; NULL: none */
};

struct pull_sources {
	struct pull_source *list;
	size_t n;
};

/* The member `pull` of root; absent, null or false: none. -EINVAL with key and remedy, -ENOMEM. */
int pull_sources_read(const cJSON *root, struct pull_sources *out, struct fault *f);
void pull_sources_free(struct pull_sources *sources);

#endif
