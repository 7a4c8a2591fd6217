/* SPDX-License-Identifier: MIT */
/* announce.h - the events of licenses, each said once, over restarts too. */
#ifndef PORTLIC_AGENT_ANNOUNCE_H
#define PORTLIC_AGENT_ANNOUNCE_H

#include "licenses.h"

/* Its state, warning or equivocation is another one than before; equivocated: the last of them. */
void announce_state(struct licenses *licenses, const struct source_file *file, bool equivocated);

/* Tells that it ends, if that is due. */
void announce_end(struct licenses *licenses, const struct source_file *file,
		  const struct license_view *view, int64_t now);

/* Its present bytes are rejected, as entry->reason says. */
void announce_rejected(struct licenses *licenses, const struct source_file *file);

/* Whether a token with this hash was announced before this agent started. */
bool announced_before(const struct licenses *licenses, const uint8_t *sha256);

#endif
