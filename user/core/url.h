/* SPDX-License-Identifier: MIT */
/* url.h - the addresses of a configuration, read so narrowly that no other reader reads them otherwise. */
#ifndef PORTLIC_URL_H
#define PORTLIC_URL_H

#include <stdbool.h>
#include <stddef.h>

#include "fault.h"

#define URL_MAX_BYTES 2048

struct url {
	bool https;	  /* else http */
	bool loopback;	  /* 127.0.0.1, [::1] or localhost */
	bool has_path;	  /* or a query: more than the origin */
	size_t authority; /* where the host begins, ... */
	size_t origin;	  /* ... and the bytes of scheme, host and port */
};

/*
 * "https://HOST[:PORT][/...]" or "http://...": a name, an IPv4 address or [IPv6]; no user, no
 * fragment, nothing but printable ASCII. -EINVAL, and the fault goes on from `"key" `.
 */
int url_parse(const char *text, struct url *out, struct fault *f);

#endif
