/* SPDX-License-Identifier: MIT */
/*
 * lines.h - what was in force in each license line (iss, lid), so that a lower seq stays superseded when
 * the file of the higher one is gone. Pure; history.h keeps it over a restart.
 */
#ifndef PORTLIC_LINES_H
#define PORTLIC_LINES_H

#include "lifecycle.h"

#define LINES_MAX 4096	/* in all; of those that no file names, the ones unused for longest go */
#define LINES_PER_LID 4 /* the highest of a line: when the vendor revokes one, the next holds */

/* A license that was ACTIVE once. */
struct line {
	struct license lic; /* iss, lid, jti, seq, iat, nbf, sha256; the rest is zero */
	int64_t used;	    /* effective time at which a file of it was there last */
};

struct lines {
	struct line *list; /* by lid, iss, the highest rank first */
	size_t n;
};

void lines_free(struct lines *lines);

/* The highest of its line that replaces lic, whether its file is there or not; NULL: none. */
const struct line *lines_above(const struct lines *lines, const struct license *lic,
			       const struct revocations *revocations, int64_t now);

/* To be called behind lifecycle_judge: what is remembered supersedes too. */
void lines_supersede(const struct lines *lines, struct license_view *views, size_t n,
		     const struct revocations *revocations, int64_t now);

/* Remembers those that are or were ACTIVE. true: one is new. What doesn't fit is left out. */
bool lines_learn(struct lines *lines, const struct license_view *views, size_t n,
		 const struct revocations *revocations, int64_t now);

/* One line of a file, in any order; -EINVAL: it stands there already, or there is no room. -ENOMEM. */
int lines_add(struct lines *lines, const struct license *lic, int64_t used);

#endif
