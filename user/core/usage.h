/* SPDX-License-Identifier: MIT */
/*
 * usage.h - what is used of quotas, as STATE_DIR/usage.json keeps it: a gate, an agent or a node that comes
 * back within the window goes on from there. Pure.
 */
#ifndef PORTLIC_USAGE_H
#define PORTLIC_USAGE_H

#include <stddef.h>
#include <stdint.h>

#include "fault.h"
#include "portlic.h"

#define USAGE_MAX_BYTES (32 << 20)

struct usage {
	char gate[64];		   /* "": of the whole node */
	struct plic_usage_key key; /* owner is 0 */
	int64_t ends;		   /* of the newer window, seconds since 1970 UTC; 0: unknown */
	struct plic_quota quota;   /* ends_ns is 0 */
};

struct usage_list {
	struct usage *items;
	size_t n, room;
};

/* -ENOMEM. */
int usage_add(struct usage_list *list, const struct usage *item);
void usage_list_free(struct usage_list *list); /* empty again */

/* text: what usage_print made. -EBADMSG with the reason, -ENOMEM; out is for usage_list_free. */
int usage_parse(const char *text, size_t len, struct usage_list *out, struct fault *f);
char *usage_print(const struct usage_list *list); /* NULL: out of memory */

#endif
