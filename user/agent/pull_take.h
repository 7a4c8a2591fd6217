/* SPDX-License-Identifier: MIT */
/* pull_take.h - what was fetched is verified and kept, a file for each license or list. */
#ifndef PORTLIC_AGENT_PULL_TAKE_H
#define PORTLIC_AGENT_PULL_TAKE_H

#include <stdbool.h>

#include "licenses.h"
#include "pull_source.h"

#define PULL_MAX_RENEWALS 16		 /* more, that renew one of them */
#define PULL_MAX_COPIES 16		 /* licenses of one source; old ones make room */
#define PULL_KEEP_ENDED_S (30 * 86400LL) /* a copy that gives nothing any more */

struct agent;

/*
 * Verifies a body and puts it in force. 0 and *file, the kept copy, *same: it was there already.
 * -EBADMSG and *why: rejected, nothing changed; -ENOMEM.
 */
int pull_take(struct agent *agent, const struct pull_source *source, const void *body, size_t len,
	      const struct source_file **file, bool *same, struct fault *why);

/* Does this file of the licenses come from the source? */
bool pull_is_copy(const struct pull_source *source, const struct source_file *file);

/* The name of its source in a pulled file's name; 0 bytes: it wasn't pulled. */
size_t pull_source_length(const struct source_file *file);

/* Its copy that ends last among those that count; NULL: none. */
const struct source_file *pull_newest(const struct agent *agent, const struct pull_source *source);

/* Copies that ended long ago go. */
void pull_drop_ended(struct agent *agent, const struct pull_source *source, int64_t now);

#endif
