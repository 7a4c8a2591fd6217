/* SPDX-License-Identifier: MIT */
/* pull_take.c - from a fetched body to a kept copy, or to the reason why not. */
#include "pull_take.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <sodium.h>

#include "agent.h"
#include "lists.h"
#include "log.h"

#define COPY_HASH_HEX 16
#define COPY_TAIL (1 + COPY_HASH_HEX + sizeof(".lic") - 1) /* "~", hash, suffix */
#define COPY_NAME_BYTES (PULL_NAME_MAX + COPY_TAIL + 1)

/*
 * A name of its own for each license, so that a renewal that hasn't begun doesn't replace what is in
 * force, of the same seq neither; nobody else may write the "~" (docs/api.md).
 */
static void copy_name(const struct pull_source *source, const struct license *lic,
		      char name[COPY_NAME_BYTES])
{
	unsigned char hash[crypto_hash_sha256_BYTES];
	char hex[2 * sizeof(hash) + 1];
	crypto_hash_sha256_state state;

	crypto_hash_sha256_init(&state);
	crypto_hash_sha256_update(&state, (const unsigned char *)lic->iss, strlen(lic->iss) + 1);
	crypto_hash_sha256_update(&state, (const unsigned char *)lic->lid, strlen(lic->lid) + 1);
	crypto_hash_sha256_update(&state, lic->sha256, sizeof(lic->sha256));
	crypto_hash_sha256_final(&state, hash);
	sodium_bin2hex(hex, sizeof(hex), hash, sizeof(hash));
	snprintf(name, COPY_NAME_BYTES, "%s~%.*s.lic", source->name, COPY_HASH_HEX, hex);
}

size_t pull_source_length(const struct source_file *file)
{
	size_t len = strlen(file->name);

	if (!file->forever || len <= COPY_TAIL || file->name[len - COPY_TAIL] != '~')
		return 0;
	return len - COPY_TAIL;
}

bool pull_is_copy(const struct pull_source *source, const struct source_file *file)
{
	size_t len = strlen(source->name);

	return !source->revocations && !strncmp(file->name, source->name, len) &&
	       file->name[len] == '~' && strlen(file->name + len) == COPY_TAIL;
}

static bool same_text(const void *a, size_t a_len, const void *b, size_t b_len)
{
	const char *x = a, *y = b;

	while (a_len && isspace((unsigned char)x[a_len - 1]))
		a_len--;
	while (b_len && isspace((unsigned char)y[b_len - 1]))
		b_len--;
	return a_len == b_len && !memcmp(x, y, a_len);
}

static int rejected(struct fault *why, const struct rejection *reason)
{
	return fault_set(why, EBADMSG, "%s: %s", license_reason_word(reason->reason),
			 reason->detail);
}

/* Nothing is lost with it. */
static bool gives_nothing(const struct license_entry *entry)
{
	return !entry->lic || entry->state == STATE_REVOKED || entry->state == STATE_SUPERSEDED ||
	       (entry->state == STATE_LAPSED && entry->lic->lapse != PLIC_REPORT);
}

/* The next tick of the licenses forgets it. */
static void let_go(struct source_file *file, const char *why)
{
	log_event(LOG_INFO, "pull_copy_dropped", LOG_FIELDS("file", file->name), "%s", why);
	file->forever = false;
	file->gone_ns = 1;
}

void pull_drop_ended(struct agent *agent, const struct pull_source *source, int64_t now)
{
	struct source *licenses = &agent->licenses.source;
	size_t i;

	for (i = 0; i < licenses->n_files; i++) {
		struct source_file *file = licenses->files[i];
		const struct license_entry *entry = file->value;

		if (file->forever && pull_is_copy(source, file) && entry && entry->lic &&
		    gives_nothing(entry) && entry->deadlines.new_until < now - PULL_KEEP_ENDED_S)
			let_go(file, "its license ended 30 days ago");
	}
}

/* Room for one more copy. false: all are in force. */
static bool make_room(struct agent *agent, const struct pull_source *source, size_t max)
{
	struct source *licenses = &agent->licenses.source;
	struct source_file *oldest = NULL;
	size_t i, n = 0;

	for (i = 0; i < licenses->n_files; i++) {
		struct source_file *file = licenses->files[i];
		const struct license_entry *entry = file->value;
		const struct license_entry *other = oldest ? oldest->value : NULL;

		if (!file->forever || !pull_is_copy(source, file))
			continue;
		n++;
		if (gives_nothing(entry) &&
		    (!other || entry->deadlines.new_until < other->deadlines.new_until))
			oldest = file;
	}
	if (n < max)
		return true;
	if (oldest)
		let_go(oldest, "its license gives nothing, and a newer one needs its place");
	return oldest;
}

/* The copy of the same line that ranks highest, revoked ones aside: they may be rolled back. */
static const struct license *highest(const struct agent *agent, const struct pull_source *source,
				     const struct license *lic)
{
	const struct source *licenses = &agent->licenses.source;
	const struct license *best = NULL;
	size_t i;

	for (i = 0; i < licenses->n_files; i++) {
		const struct license_entry *entry = licenses->files[i]->value;

		if (!entry || !entry->lic || entry->state == STATE_REVOKED ||
		    !pull_is_copy(source, licenses->files[i]) ||
		    !license_same_line(entry->lic, lic))
			continue;
		if (!best || license_compare_rank(entry->lic, best) > 0)
			best = entry->lic;
	}
	return best;
}

static int keep_license(struct agent *agent, const struct pull_source *source,
			const struct license *lic, const void *body, size_t len,
			const struct source_file **file, bool *same, struct fault *why)
{
	const struct license *best = highest(agent, source, lic);
	size_t max = PULL_MAX_COPIES + (best ? PULL_MAX_RENEWALS : 0);
	char name[COPY_NAME_BYTES];
	int err;

	if (best && license_compare_rank(lic, best) < 0)
		return fault_set(why, EBADMSG,
				 "it is older than what this source gave before: license \"%.64s\" "
				 "with seq %lld (iat %lld), not %lld (iat %lld); a replay, or a "
				 "mistake of the authority",
				 lic->lid, (long long)lic->seq, (long long)lic->iat,
				 (long long)best->seq, (long long)best->iat);
	copy_name(source, lic, name);
	*file = source_find(&agent->licenses.source, name);
	if (*file && (*file)->forever && (*file)->good &&
	    same_text((*file)->good, (*file)->good_len, body, len)) {
		*same = true;
		return 0;
	}
	if (!*file && !make_room(agent, source, max))
		return fault_set(why, EBADMSG,
				 "this source has given %zu licenses that are all in force: spread "
				 "them over more sources",
				 max);
	err = licenses_keep(&agent->licenses, agent->vendors.trust, name, body, len,
			    clock_now(&agent->clock));
	*file = source_find(&agent->licenses.source, name);
	return err;
}

static int take_license(struct agent *agent, const struct pull_source *source, const void *body,
			size_t len, const struct source_file **file, bool *same, struct fault *why)
{
	struct license_check check =
		licenses_check(&agent->licenses, agent->vendors.trust, clock_now(&agent->clock));
	struct rejection reason = {0};
	struct license *lic = NULL;
	int err = license_read(&check, body, len, &lic, &reason);

	if (err == -EBADMSG)
		return rejected(why, &reason);
	if (!err)
		err = keep_license(agent, source, lic, body, len, file, same, why);
	license_free(lic);
	return err;
}

static bool is_kept(const struct source *lists, const void *body, size_t len,
		    const struct source_file **file)
{
	size_t i;

	for (i = 0; i < lists->n_files; i++) {
		*file = lists->files[i];
		if ((*file)->forever && (*file)->good &&
		    same_text((*file)->good, (*file)->good_len, body, len))
			return true;
	}
	return false;
}

static int take_list(struct agent *agent, const void *body, size_t len,
		     const struct source_file **file, bool *same, struct fault *why)
{
	struct licenses *licenses = &agent->licenses;
	struct license_check check =
		licenses_check(licenses, agent->vendors.trust, clock_now(&agent->clock));
	struct rejection reason = {0};
	int64_t before = revocations_latest(licenses->revocations), latest;
	bool kept = is_kept(&licenses->lists, body, len, file);
	int err = lists_take(&licenses->lists, &check, licenses->revocations, body, len, file,
			     &reason);

	if (err == -EBADMSG)
		return rejected(why, &reason);
	if (err == -ESTALE)
		return fault_set(
			why, EBADMSG,
			"a newer list of its issuer is in force: a replay, or a mistake of "
			"the authority");
	latest = revocations_latest(licenses->revocations);
	if (latest > before)
		licenses_note_accepted(licenses, latest);
	*same = !err && kept;
	return !err && !*file ? -ENOMEM : err;
}

int pull_take(struct agent *agent, const struct pull_source *source, const void *body, size_t len,
	      const struct source_file **file, bool *same, struct fault *why)
{
	int err;

	*same = false;
	err = source->revocations ? take_list(agent, body, len, file, same, why)
				  : take_license(agent, source, body, len, file, same, why);
	if (err || *same)
		return err;
	licenses_tick(&agent->licenses, agent->vendors.trust, clock_now(&agent->clock));
	rules_changed(agent);
	return 0;
}

const struct source_file *pull_newest(const struct agent *agent, const struct pull_source *source)
{
	const struct source *licenses = &agent->licenses.source;
	const struct source_file *newest = NULL;
	int64_t end = 0;
	size_t i;

	for (i = 0; i < licenses->n_files; i++) {
		const struct source_file *file = licenses->files[i];
		const struct license_entry *entry = file->value;

		if (!file->forever || !pull_is_copy(source, file) || !entry || !entry->lic ||
		    entry->state == STATE_REVOKED || entry->state == STATE_SUPERSEDED)
			continue;
		if (!newest || entry->lic->exp > end) {
			newest = file;
			end = entry->lic->exp;
		}
	}
	return newest;
}
