/* SPDX-License-Identifier: MIT */
/*
 * published.h - files for others to read: DIR/NAME/FILE, world-readable, replaced by rename.
 *
 * DIR/NAME may be mounted into a pod: it stays the same directory, and nothing else is ever in it.
 * DIR and DIR/NAME have to be directories of the agent's own user that nobody else can write to;
 * symbolic links are not followed.
 */
#ifndef PORTLIC_AGENT_PUBLISHED_H
#define PORTLIC_AGENT_PUBLISHED_H

#include <stddef.h>

#include "fault.h"

/*
 * Makes DIR (and its parent) and DIR/NAME where they lack. within: DIR/WITHIN/NAME in its place, NULL: no. 0 or
 * -errno with what to do.
 */
int published_write(const char *dir, const char *within, const char *name, const char *file,
		    const char *text, size_t len, struct fault *f);

/* Removes the file and DIR/NAME, and WITHIN with the last of it; fine if they aren't there. */
int published_remove(const char *dir, const char *within, const char *name, const char *file,
		     struct fault *f);

#endif
