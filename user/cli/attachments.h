/* SPDX-License-Identifier: MIT */
/* attachments.h - a gate's hooks in words: which are there, which could be removed. */
#ifndef PORTLIC_ATTACHMENTS_H
#define PORTLIC_ATTACHMENTS_H

#include <cjson/cJSON.h>

/* "wire(removable) socket egress ledger"; a lost one is "wire(GONE)". To be freed; NULL: no memory. */
char *attachments_text(const cJSON *gate);

/* How many attachments of hook are removable, not present, or overridden by a foreign program. */
struct attachments {
	unsigned int removable, gone, overridden;
};
struct attachments attachments_count(const cJSON *gate, const char *hook);

#endif
