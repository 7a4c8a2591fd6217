/* SPDX-License-Identifier: MIT */
/*
 * history.h - what a node must know of its past: the clock, what was in force, what was announced.
 * One strict JSON text; the agent keeps it in STATE_DIR/state.json. Pure.
 */
#ifndef PORTLIC_HISTORY_H
#define PORTLIC_HISTORY_H

#include "effective.h"
#include "fault.h"
#include "lines.h"
#include "reminder.h"

#define HISTORY_MAX_BYTES (16 << 20)
#define HISTORY_BOOT_LEN 64	    /* of a boot id, with its NUL */
#define HISTORY_MAX_ANNOUNCED 16384 /* two a license file: the present bytes and the good ones */

/* What was said last of the bytes of a file. */
struct announced {
	uint8_t sha256[32];
	enum license_state state;
	char reason[32]; /* of STATE_REJECTED, else "" */
	bool warn, equivocation;
	struct reminder reminder;
};

/* `portlic clock reset`, the last one. */
struct clock_reset {
	int64_t count;	       /* 0: it never was */
	int64_t before, after; /* effective time */
};

struct history {
	char boot
		[HISTORY_BOOT_LEN]; /* id of the boot that the clock is of; "": no clock is known */
	struct effective clock;	    /* anchor, mark and suspect count */
	struct clock_reset reset;
	struct lines lines;
	struct announced *announced; /* sorted by sha256 */
	size_t n_announced;
};

void history_free(struct history *history);

/* what ("\"/var/lib/portlic/state.json\"") begins the fault. -EBADMSG or -ENOMEM, *out untouched. */
int history_parse(const char *what, const void *buf, size_t len, struct history *out,
		  struct fault *f);

/* The text of it, to be freed; NULL: out of memory. */
char *history_print(const struct history *history);

/* What was announced of these bytes; NULL: nothing. */
const struct announced *history_announced(const struct history *history, const uint8_t *sha256);

/* Takes the array over (malloc), sorts it, drops doubles. */
void history_announce(struct history *history, struct announced *list, size_t n);

#endif
