/* SPDX-License-Identifier: MIT */
/* announce.c - what is news, against what the history says was told. */
#include "announce.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "memory.h"
#include "stamp.h"

/* What the last agent told of these bytes; NULL: nothing, or it isn't the start. */
static const struct announced *told_of(const struct licenses *licenses, const uint8_t *sha256)
{
	return licenses->resuming ? history_announced(&licenses->memory->history, sha256) : NULL;
}

bool announced_before(const struct licenses *licenses, const uint8_t *sha256)
{
	return told_of(licenses, sha256);
}

static void hash_bytes(const struct source_file *file, uint8_t *sha256)
{
	crypto_hash_sha256(sha256, file->bytes, file->len);
}

static const char *stamp_or_never(int64_t t, char text[STAMP_LEN])
{
	return t <= LICENSE_TIME_MAX ? stamp_format(t, text) : "never";
}

void announce_state(struct licenses *licenses, const struct source_file *file, bool equivocated)
{
	struct license_entry *entry = file->value;
	const struct announced *told = told_of(licenses, entry->lic->sha256);
	bool bad = entry->state != STATE_ACTIVE && entry->state != STATE_PENDING;
	bool known = told && told->state == entry->state && told->warn == entry->warn;
	const char *word = license_state_word(entry->state);
	char until[STAMP_LEN];

	if (told)
		entry->reminder = told->reminder;
	licenses->memory->changed = true;
	log_event(bad || entry->warn ? LOG_WARN : LOG_INFO,
		  known ? "license_resumed" : "license_state",
		  LOG_FIELDS("file", file->name, "lid", entry->lic->lid, "state", word, "deadline",
			     stamp_or_never(entry->deadlines.new_until, until)),
		  "seq %lld is %s%s%s%s", (long long)entry->lic->seq, word,
		  entry->warn ? ", and its end is near" : "",
		  entry->without_effect.text[0] ? ": " : "", entry->without_effect.text);
	if (entry->equivocation && !equivocated && !(told && told->equivocation))
		log_event(
			LOG_ERROR, "license_equivocation",
			LOG_FIELDS("file", file->name, "lid", entry->lic->lid),
			"another file has the same lid and seq and other content: ask the vendor");
}

/* "13 days", "5 hours", "59 minutes": whole ones, rounded up. */
static void span_format(int64_t left, char *text, size_t len)
{
	static const struct {
		int64_t unit;
		const char *name;
	} units[] = {{86400, "day"}, {3600, "hour"}, {60, "minute"}};
	size_t i = left > 86400 ? 0 : left > 3600 ? 1 : 2;
	long long n = (left + units[i].unit - 1) / units[i].unit;

	snprintf(text, len, "%lld %s%s", n, units[i].name, n == 1 ? "" : "s");
}

void announce_end(struct licenses *licenses, const struct source_file *file,
		  const struct license_view *view, int64_t now)
{
	struct license_entry *entry = file->value;
	char end[STAMP_LEN], left[32];
	struct reminder next;

	if (!reminder_due(view, &entry->reminder, now, &next))
		return;
	entry->reminder = next;
	licenses->memory->changed = true;
	span_format(next.end - now, left, sizeof(left));
	log_event(view->state == STATE_ACTIVE ? LOG_WARN : LOG_ERROR, "license_ends",
		  LOG_FIELDS("file", file->name, "lid", view->lic->lid, "state",
			     license_state_word(view->state), "end", stamp_or_never(next.end, end)),
		  "seq %lld %s within %s: load %s before", (long long)view->lic->seq,
		  view->state == STATE_ACTIVE ? "ends"
		  : view->state == STATE_GRACE
			  ? "has ended, and its grace ends"
			  : "needs a newer revocation list, and its rights end",
		  left, view->state == STATE_STALE ? "a newer list" : "a renewal");
}

void announce_rejected(struct licenses *licenses, const struct source_file *file)
{
	struct license_entry *entry = file->value;
	const char *word = licenses_reason_word(entry->reason);
	const struct announced *told = NULL;
	uint8_t sha256[32];
	bool known;

	if (file->bytes) {
		hash_bytes(file, sha256);
		told = told_of(licenses, sha256);
	}
	known = told && told->state == STATE_REJECTED && !strcmp(told->reason, word);
	licenses->memory->changed = true;
	log_event(LOG_ERROR, known ? "license_resumed" : "license_rejected",
		  LOG_FIELDS("file", file->name, "reason", word), "%s%s", entry->detail.text,
		  entry->lic ? "; its last good copy stays in force" : "");
}

void licenses_announce(struct licenses *licenses)
{
	const struct source *source = &licenses->source;
	struct announced *list = calloc(2 * source->n_files + 1, sizeof(*list)), *next = list;
	size_t i;

	if (!list)
		return;
	for (i = 0; i < source->n_files; i++) {
		const struct source_file *file = source->files[i];
		const struct license_entry *entry = file->value;

		if (entry && entry->lic) {
			*next = (struct announced){.state = entry->state,
						   .warn = entry->warn,
						   .equivocation = entry->equivocation,
						   .reminder = entry->reminder};
			memcpy(next++->sha256, entry->lic->sha256, sizeof(next->sha256));
		}
		if (entry && entry->reason && file->bytes) {
			next->state = STATE_REJECTED;
			snprintf(next->reason, sizeof(next->reason), "%s",
				 licenses_reason_word(entry->reason));
			hash_bytes(file, next++->sha256);
		}
	}
	history_announce(&licenses->memory->history, list, next - list);
}
