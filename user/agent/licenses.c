/* SPDX-License-Identifier: MIT */
/* licenses.c - verifies files, keeps good copies, judges all of them together as time passes. */
#include "licenses.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "announce.h"
#include "cleanup.h"
#include "file.h"
#include "lists.h"
#include "log.h"
#include "memory.h"
#include "outside.h"
#include "overlap.h"

static const char *const license_suffixes[] = {".lic", NULL};
static const char *const outside[] = {LICENSES_SECRET, LICENSES_PORTLICENSE, NULL};

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
	const char *end;
	size_t len;

	node[0] = '\0';
	if (file_read("/etc/machine-id", 4096, &bytes, &len, NULL))
		return;
	end = memchr(bytes, '\n', len);
	snprintf(node, size, "%.*s", (int)(end ? (size_t)(end - (char *)bytes) : len),
		 (char *)bytes);
}

int licenses_open(struct licenses *licenses, const char *dir, const char *audience,
		  const char *state_dir, struct fault *f)
{
	int err;

	*licenses = (struct licenses){
		.audience = audience,
		.source = {.dir = dir,
			   .suffixes = license_suffixes,
			   .outside = outside,
			   .max_bytes = LICENSE_MAX_BYTES,
			   .value_size = sizeof(struct license_entry),
			   .free_value = entry_free},
		.lists = {.dir = dir,
			  .suffixes = lists_suffixes,
			  .outside = outside,
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
		.now = licenses->clock_suspect ? INT64_MAX : now,
	};
}

static bool has_seats(const struct license *lic)
{
	for (size_t i = 0; i < lic->n_ports; i++)
		if (lic->ports[i].seats)
			return true;
	return lic->seats;
}

static bool has_cluster_quota(const struct license *lic)
{
	for (size_t i = 0; i < lic->n_ports; i++)
		if (lic->ports[i].quota.scope == SCOPE_CLUSTER)
			return true;
	return lic->quota.scope == SCOPE_CLUSTER;
}

bool license_unenforced(const struct licenses *licenses, const struct license *lic, char *text,
			size_t len)
{
	bool seats = !licenses->borrows && lic->seats_scope == SCOPE_CLUSTER && has_seats(lic);
	bool quota = has_cluster_quota(lic);

	if (!seats && !quota)
		return false;
	snprintf(text, len, "its %s%s%s of scope \"cluster\" hold on each node by itself%s",
		 seats ? "seats" : "", seats && quota ? " and " : "", quota ? "quota" : "",
		 seats ? ": without \"kubernetes\" in portlicd.json the agent knows no other node"
		       : ": nodes share seats, no quotas");
	return true;
}

static void log_loaded(const struct licenses *licenses, const struct source_file *file,
		       const struct license_entry *entry)
{
	const struct license *lic = entry->lic;
	char limits[256], overlap[512];

	log_event(LOG_INFO, "license_loaded",
		  LOG_FIELDS("file", file->name, "lid", lic->lid, "sub", lic->sub),
		  "seq %lld, %zu port entries", (long long)lic->seq, lic->n_ports);
	if (license_unenforced(licenses, lic, limits, sizeof(limits)))
		log_event(LOG_WARN, "license_limits",
			  LOG_FIELDS("file", file->name, "lid", lic->lid), "%s", limits);
	if (license_overlaps_clients(lic, overlap, sizeof(overlap)))
		log_event(LOG_WARN, "license_overlap",
			  LOG_FIELDS("file", file->name, "lid", lic->lid), "%s", overlap);
}

void licenses_note_accepted(struct licenses *licenses, int64_t iat)
{
	if (iat > licenses->accepted_iat)
		licenses->accepted_iat = iat;
}

int64_t licenses_accepted(struct licenses *licenses)
{
	int64_t iat = licenses->accepted_iat;

	licenses->accepted_iat = 0;
	return iat;
}

static void reject(struct licenses *licenses, struct source_file *file, struct license_entry *entry,
		   unsigned int reason, const char *detail)
{
	bool news = reason != entry->reason || file->fresh; /* the detail may tell the time */

	entry->reason = reason;
	fault_set(&entry->detail, EBADMSG, "%s", detail);
	if (!news)
		return;
	licenses->rejected[reason]++;
	announce_rejected(licenses, file);
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
		if (!before || memcmp(before->sha256, entry->lic->sha256, sizeof(before->sha256))) {
			log_loaded(licenses, file, entry);
			if (!announced_before(licenses, entry->lic->sha256))
				licenses_note_accepted(licenses, entry->lic->iat);
		}
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

static bool has_file(const struct licenses *licenses, const struct license *lic)
{
	size_t i;

	for (i = 0; i < licenses->n_views; i++)
		if (!license_compare_rank(licenses->views[i].lic, lic) &&
		    license_same_line(licenses->views[i].lic, lic))
			return true;
	return false;
}

bool licenses_without_effect(const struct licenses *licenses, const struct license *lic,
			     int64_t now, struct fault *why)
{
	const struct line *above =
		lines_above(&licenses->memory->history.lines, lic, licenses->revocations, now);

	*why = (struct fault){0};
	if (!above || has_file(licenses, &above->lic))
		return false;
	fault_set(why, EALREADY,
		  "seq %lld of this line was in force before and stays above it, though its file "
		  "is gone: ask the vendor for a higher seq, or for a revocation list that names "
		  "its jti \"%s\"",
		  (long long)above->lic.seq, above->lic.jti);
	return true;
}

static bool judge_one(struct licenses *licenses, const struct license_view *view,
		      struct source_file *file, int64_t now)
{
	struct license_entry *entry = file->value;
	bool equivocated = entry->equivocation;
	bool moved = entry->state != view->state || entry->warn != view->warn ||
		     entry->equivocation != view->equivocation;
	bool changed =
		moved || memcmp(&entry->deadlines, &view->deadlines, sizeof(entry->deadlines));

	entry->state = view->state;
	entry->warn = view->warn;
	entry->equivocation = view->equivocation;
	entry->deadlines = view->deadlines;
	entry->without_effect = (struct fault){0};
	if (entry->state == STATE_SUPERSEDED)
		licenses_without_effect(licenses, entry->lic, now, &entry->without_effect);
	if (moved)
		announce_state(licenses, file, equivocated);
	announce_end(licenses, file, view, now);
	return changed;
}

/* Judges all that were read. true: a state or a deadline is another one than before. */
static bool judge(struct licenses *licenses, int64_t now)
{
	struct lines *lines = &licenses->memory->history.lines;
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
	licenses->memory->changed |=
		lines_learn(lines, licenses->views, n, licenses->revocations, now);
	lines_supersede(lines, licenses->views, n, licenses->revocations, now);
	for (i = 0; i < n; i++)
		changed |= judge_one(licenses, &licenses->views[i], licenses->view_files[i], now);
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
				  "%s is gone: its rights are withdrawn",
				  file->outside ? "what it came from" : "the file");
		source_forget(source, i);
		dropped = true;
	}
	return dropped;
}

/* Reading them again accepts nothing; what is newer than all before does. */
static void read_lists(struct licenses *licenses, const struct license_check *check)
{
	int64_t before = revocations_latest(licenses->revocations), latest;

	licenses->lists_again = lists_read(&licenses->lists, check, &licenses->revocations);
	latest = revocations_latest(licenses->revocations);
	if (latest > before && !licenses->resuming)
		licenses_note_accepted(licenses, latest);
}

int64_t licenses_kept_iat(const struct licenses *licenses, const struct trust *trust)
{
	struct license_check check = licenses_check(licenses, trust, 0);
	struct revocations *lists;
	struct rejection why;
	int64_t latest = 0;
	size_t i;

	check.now = INT64_MAX;
	for (i = 0; i < licenses->source.n_files; i++) {
		const struct source_file *file = licenses->source.files[i];
		struct license *lic;

		if (!file->good || license_read(&check, file->good, file->good_len, &lic, &why))
			continue;
		latest = lic->iat > latest ? lic->iat : latest;
		license_free(lic);
	}
	if (revocations_new(&lists))
		return latest;
	for (i = 0; i < licenses->lists.n_files; i++) {
		const struct source_file *file = licenses->lists.files[i];

		if (file->good)
			revocations_add(lists, &check, file->good, file->good_len, &why);
	}
	latest = revocations_latest(lists) > latest ? revocations_latest(lists) : latest;
	revocations_free(lists);
	return latest;
}

bool licenses_scan(struct licenses *licenses, const struct trust *trust, bool trust_changed,
		   int64_t now)
{
	struct license_check check = licenses_check(licenses, trust, now);
	struct source *source = &licenses->source;
	bool changed = source_scan(source);
	size_t i;

	if (source_scan(&licenses->lists) || trust_changed) {
		read_lists(licenses, &check);
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
	licenses->resuming = false;
	return true;
}

bool licenses_tick(struct licenses *licenses, const struct trust *trust, int64_t now)
{
	struct license_check check = licenses_check(licenses, trust, now);
	struct source *source = &licenses->source;
	bool changed = drop_gone(licenses);
	size_t i;

	if (licenses->lists_again)
		read_lists(licenses, &check);
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

bool licenses_means(const struct source_file *file, const char *name_or_lid)
{
	const struct license_entry *entry = file->value;

	return !strcmp(file->name, name_or_lid) ||
	       (entry && entry->lic && !strcmp(entry->lic->lid, name_or_lid));
}

/* What the API server says comes again: there it is to be deleted. */
static int refuse_outside(const struct source *source, const char *name_or_lid, struct fault *f)
{
	char origin[OUTSIDE_NAME_MAX + 1];
	size_t i;

	for (i = 0; i < source->n_files; i++)
		if (licenses_means(source->files[i], name_or_lid) &&
		    source_outside_origin(source->files[i], origin, sizeof(origin)))
			return fault_set(f, EPERM,
					 "\"%s\" comes from Kubernetes: `kubectl delete %s` in "
					 "the agent's namespace takes it away",
					 source->files[i]->name, origin);
	return 0;
}

int licenses_unload(struct licenses *licenses, const char *name_or_lid, int64_t now,
		    struct fault *f)
{
	struct source *source = &licenses->source;
	size_t i, n = 0;

	if (refuse_outside(source, name_or_lid, f))
		return -EPERM;
	for (i = 0; i < source->n_files;) {
		struct source_file *file = source->files[i];
		_free_ char *path = NULL;

		if (!licenses_means(file, name_or_lid)) {
			i++;
			continue;
		}
		if (asprintf(&path, "%s/%s", source->dir, file->name) < 0)
			return -ENOMEM;
		if (unlink(path) && errno != ENOENT) {
			int err = errno;

			judge(licenses, now); /* some may have been forgotten */
			return fault_set(f, err,
					 "license file \"%s\" can't be removed: %s; "
					 "remove it where it comes from",
					 path, strerror(err));
		}
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
		log_loaded(licenses, file, entry);
	judge(licenses, now);
	return 0;
}
