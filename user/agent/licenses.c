/* SPDX-License-Identifier: MIT */
/* licenses.c - verifies files, keeps good copies, judges all of them together as time passes. */
#include "licenses.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cleanup.h"
#include "file.h"
#include "lists.h"
#include "log.h"
#include "overlap.h"
#include "stamp.h"

static const char *const license_suffixes[] = {".lic", NULL};

static void entry_free(void *value)
{
	struct license_entry *entry = value;

	if (entry)
		license_free(entry->lic);
	free(entry);
}

static void read_machine_id(char *node, size_t size)
{
	_free_ void *bytes = NULL;
	size_t len;

	node[0] = '\0';
	if (file_read("/etc/machine-id", 4096, &bytes, &len, NULL))
		return;
	snprintf(node, size, "%.*s", (int)strcspn(bytes, "\n"), (char *)bytes);
}

int licenses_open(struct licenses *licenses, const char *dir, const char *audience,
		  const char *state_dir, struct fault *f)
{
	int err;

	*licenses = (struct licenses){
		.audience = audience,
		.source = {.dir = dir,
			   .suffixes = license_suffixes,
			   .max_bytes = LICENSE_MAX_BYTES,
			   .free_value = entry_free},
		.lists = {.dir = dir,
			  .suffixes = lists_suffixes,
			  .max_bytes = REVOCATION_MAX_BYTES,
			  .second = true},
	};
	read_machine_id(licenses->node, sizeof(licenses->node));
	err = source_open(&licenses->source, state_dir, "licenses", f);
	if (!err)
		err = source_open(&licenses->lists, state_dir, "revocations", f);
	return err ? err : revocations_new(&licenses->revocations);
}

void licenses_close(struct licenses *licenses)
{
	source_close(&licenses->source);
	source_close(&licenses->lists);
	revocations_free(licenses->revocations);
	free(licenses->views);
	free(licenses->view_files);
	*licenses = (struct licenses){0};
}

const char *licenses_reason_word(unsigned int reason)
{
	return reason == LICENSES_UNREADABLE ? "unreadable" : license_reason_word(reason);
}

struct license_check licenses_check(const struct licenses *licenses, const struct trust *trust,
				    int64_t now)
{
	return (struct license_check){
		.trust = trust,
		.audience = licenses->audience,
		.bind_node = licenses->node[0] ? licenses->node : NULL,
		.now = now,
	};
}

bool license_unenforced(const struct license *lic, char *text, size_t len)
{
	bool seats = lic->seats, rate = false, quota = lic->quota.window_s, tls = false;
	size_t i;

	for (i = 0; i < lic->n_ports; i++) {
		seats |= lic->ports[i].seats > 0;
		rate |= lic->ports[i].rate.connections > 0;
		quota |= lic->ports[i].quota.window_s > 0;
		tls |= lic->ports[i].tls;
	}
	snprintf(text, len, "%s%s%s%s", seats ? ", seats" : "", rate ? ", rate" : "",
		 quota ? ", quota" : "", tls ? ", tls" : "");
	memmove(text, text + (text[0] ? 2 : 0), strlen(text + (text[0] ? 2 : 0)) + 1);
	return text[0];
}

static void log_loaded(const struct source_file *file, const struct license_entry *entry)
{
	const struct license *lic = entry->lic;
	char limits[64], overlap[512];

	log_event(LOG_INFO, "license_loaded",
		  LOG_FIELDS("file", file->name, "lid", lic->lid, "sub", lic->sub),
		  "seq %lld, %zu port entries", (long long)lic->seq, lic->n_ports);
	if (license_unenforced(lic, limits, sizeof(limits)))
		log_event(LOG_WARN, "license_limits",
			  LOG_FIELDS("file", file->name, "lid", lic->lid),
			  "not enforced by this version: %s", limits);
	if (license_overlaps_clients(lic, overlap, sizeof(overlap)))
		log_event(LOG_WARN, "license_overlap",
			  LOG_FIELDS("file", file->name, "lid", lic->lid), "%s", overlap);
}

static void reject(struct licenses *licenses, struct source_file *file, struct license_entry *entry,
		   unsigned int reason, const char *detail)
{
	const char *word = licenses_reason_word(reason);
	bool news = reason != entry->reason || file->fresh; /* the detail may tell the time */

	entry->reason = reason;
	fault_set(&entry->detail, EBADMSG, "%s", detail);
	if (!news)
		return;
	licenses->rejected[reason]++;
	log_event(LOG_ERROR, "license_rejected", LOG_FIELDS("file", file->name, "reason", word),
		  "%s%s", detail, entry->lic ? "; its last good copy stays in force" : "");
}

/* The last good copy, as far as it is good still: its key may have gone. */
static void fall_back(const struct license_check *check, struct source_file *file,
		      struct license_entry *entry)
{
	struct rejection why = {0};

	if (file->good)
		license_read(check, file->good, file->good_len, &entry->lic, &why);
	if (!file->gone_ns)
		return; /* the present bytes have a reason of their own */
	entry->reason = why.reason;
	fault_set(&entry->detail, EBADMSG, "%s", why.detail);
}

static void read_license(struct licenses *licenses, const struct license_check *check,
			 struct source_file *file)
{
	struct license_entry *entry = file->value;
	struct license *before = TAKE_PTR(entry->lic);
	struct rejection why = {0};
	int err = -EBADMSG;

	if (file->bytes)
		err = license_read(check, file->bytes, file->len, &entry->lic, &why);
	if (!err) {
		entry->reason = LICENSE_OK;
		entry->detail = (struct fault){0};
		source_accept(&licenses->source, file);
		if (!before || memcmp(before->sha256, entry->lic->sha256, sizeof(before->sha256)))
			log_loaded(file, entry);
	} else {
		fall_back(check, file, entry);
		if (file->bytes)
			reject(licenses, file, entry, why.reason, why.detail);
		else if (file->trouble.text[0])
			reject(licenses, file, entry,
			       file->too_big ? LICENSE_TOO_BIG : LICENSES_UNREADABLE,
			       file->trouble.text);
	}
	license_free(before);
	file->fresh = false;
}

static void log_state(const struct source_file *file, const struct license_entry *entry)
{
	bool bad = entry->state != STATE_ACTIVE && entry->state != STATE_PENDING;
	char until[STAMP_LEN] = "never";

	if (entry->deadlines.new_until <= LICENSE_TIME_MAX)
		stamp_format(entry->deadlines.new_until, until);
	log_event(bad || entry->warn ? LOG_WARN : LOG_INFO, "license_state",
		  LOG_FIELDS("file", file->name, "lid", entry->lic->lid, "state",
			     license_state_word(entry->state), "deadline", until),
		  "seq %lld is %s%s", (long long)entry->lic->seq, license_state_word(entry->state),
		  entry->warn ? ", and its end is near" : "");
	if (entry->equivocation)
		log_event(
			LOG_ERROR, "license_equivocation",
			LOG_FIELDS("file", file->name, "lid", entry->lic->lid),
			"another file has the same lid and seq and other content: ask the vendor");
}

static bool judge_one(const struct license_view *view, struct source_file *file)
{
	struct license_entry *entry = file->value;
	bool moved = entry->state != view->state || entry->warn != view->warn ||
		     entry->equivocation != view->equivocation;
	bool changed =
		moved || memcmp(&entry->deadlines, &view->deadlines, sizeof(entry->deadlines));

	entry->state = view->state;
	entry->warn = view->warn;
	entry->equivocation = view->equivocation;
	entry->deadlines = view->deadlines;
	if (moved)
		log_state(file, entry);
	return changed;
}

/* Judges all that were read. true: a state or a deadline is another one than before. */
static bool judge(struct licenses *licenses, int64_t now)
{
	struct source *source = &licenses->source;
	size_t i, n = 0, room = source->n_files + 1;
	bool changed = false;
	void *views = reallocarray(licenses->views, room, sizeof(*licenses->views)), *files;

	if (views)
		licenses->views = views;
	files = reallocarray(licenses->view_files, room, sizeof(*licenses->view_files));
	if (files)
		licenses->view_files = files;
	licenses->n_views = 0;
	if (!views || !files)
		return false;
	for (i = 0; i < source->n_files; i++) {
		struct license_entry *entry = source->files[i]->value;

		if (!entry->lic) {
			entry->state = STATE_REJECTED;
			continue;
		}
		licenses->views[n] = (struct license_view){.lic = entry->lic};
		licenses->view_files[n++] = source->files[i];
	}
	licenses->n_views = n;
	lifecycle_judge(licenses->views, n, licenses->revocations, now);
	for (i = 0; i < n; i++)
		changed |= judge_one(&licenses->views[i], licenses->view_files[i]);
	return changed;
}

static bool drop_gone(struct licenses *licenses)
{
	struct source *source = &licenses->source;
	bool dropped = false;
	size_t i;

	for (i = 0; i < source->n_files;) {
		struct source_file *file = source->files[i];
		struct license_entry *entry = file->value;

		if (!source_hold_over(source, file)) {
			i++;
			continue;
		}
		if (entry && entry->lic)
			log_event(LOG_WARN, "license_withdrawn",
				  LOG_FIELDS("file", file->name, "lid", entry->lic->lid),
				  "the file is gone: its rights are withdrawn");
		source_forget(source, i);
		dropped = true;
	}
	return dropped;
}

bool licenses_scan(struct licenses *licenses, const struct trust *trust, bool trust_changed,
		   int64_t now)
{
	struct license_check check = licenses_check(licenses, trust, now);
	struct source *source = &licenses->source;
	bool changed = source_scan(source);
	size_t i;

	if (source_scan(&licenses->lists) || trust_changed) {
		licenses->lists_again =
			lists_read(&licenses->lists, &check, &licenses->revocations);
		changed = true;
	}
	if (!changed && !trust_changed)
		return false;
	for (i = 0; i < source->n_files; i++) {
		struct source_file *file = source->files[i];

		if (!file->value && !(file->value = calloc(1, sizeof(struct license_entry))))
			return false;
		if (file->fresh || trust_changed)
			read_license(licenses, &check, file);
	}
	drop_gone(licenses);
	judge(licenses, now);
	return true;
}

bool licenses_tick(struct licenses *licenses, const struct trust *trust, int64_t now)
{
	struct license_check check = licenses_check(licenses, trust, now);
	struct source *source = &licenses->source;
	bool changed = drop_gone(licenses);
	size_t i;

	if (licenses->lists_again)
		licenses->lists_again =
			lists_read(&licenses->lists, &check, &licenses->revocations);
	for (i = 0; i < source->n_files; i++) {
		struct source_file *file = source->files[i];
		struct license_entry *entry = file->value;

		if (entry->reason != LICENSE_IAT_FUTURE)
			continue;
		read_license(licenses, &check, file);
		changed |= entry->reason != LICENSE_IAT_FUTURE;
	}
	return judge(licenses, now) || changed;
}

static bool means(const struct source_file *file, const char *name_or_lid)
{
	const struct license_entry *entry = file->value;

	return !strcmp(file->name, name_or_lid) ||
	       (entry && entry->lic && !strcmp(entry->lic->lid, name_or_lid));
}

int licenses_unload(struct licenses *licenses, const char *name_or_lid, int64_t now,
		    struct fault *f)
{
	struct source *source = &licenses->source;
	size_t i, n = 0;

	for (i = 0; i < source->n_files;) {
		struct source_file *file = source->files[i];
		_free_ char *path = NULL;

		if (!means(file, name_or_lid)) {
			i++;
			continue;
		}
		if (asprintf(&path, "%s/%s", source->dir, file->name) < 0)
			return -ENOMEM;
		if (unlink(path) && errno != ENOENT)
			return fault_set(f, errno,
					 "license file \"%s\" can't be removed: %s; "
					 "remove it where it comes from",
					 path, strerror(errno));
		log_event(LOG_INFO, "license_unloaded", LOG_FIELDS("file", file->name),
			  "removed on request: its rights are withdrawn");
		source_forget(source, i);
		n++;
	}
	if (!n)
		return fault_set(f, ENOENT,
				 "no license file and no lid is called \"%s\"; `portlic "
				 "license list` names them",
				 name_or_lid);
	judge(licenses, now);
	return 0;
}

int licenses_keep(struct licenses *licenses, const struct trust *trust, const char *name,
		  const void *bytes, size_t len, int64_t now)
{
	struct license_check check = licenses_check(licenses, trust, now);
	struct source *source = &licenses->source;
	struct license_entry *entry;
	struct source_file *file;
	size_t i;

	source_keep(source, name, bytes, len);
	file = source_find(source, name);
	if (!file)
		return -ENOMEM;
	if (!file->value)
		file->value = calloc(1, sizeof(*entry));
	entry = file->value;
	if (!entry || !file->good) {
		for (i = 0; source->files[i] != file; i++)
			;
		source_forget(source, i);
		return -ENOMEM;
	}
	read_license(licenses, &check, file);
	if (entry->lic)
		log_loaded(file, entry);
	judge(licenses, now);
	return 0;
}
