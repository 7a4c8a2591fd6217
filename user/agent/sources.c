/* SPDX-License-Identifier: MIT */
/* sources.c - scans a directory and remembers what was good in it. */
#include "sources.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cleanup.h"
#include "clock.h"
#include "file.h"
#include "log.h"
#include "outside.h"
#include "utf8.h"

/* Names go into logs and JSON as they are. */
static bool plain_text(const char *name)
{
	size_t left = strlen(name), len;

	for (; left; name += len, left -= len) {
		len = utf8_length((const unsigned char *)name, left);
		if (!len || utf8_control((const unsigned char *)name))
			return false;
	}
	return true;
}

static bool has_suffix(const char *name, const char *const *suffixes)
{
	size_t len = strlen(name);

	for (; name[0] != '.' && *suffixes; suffixes++) {
		size_t tail = strlen(*suffixes);

		if (len > tail && !strcmp(name + len - tail, *suffixes))
			return true;
	}
	return false;
}

bool source_name_fits(const char *name, const char *const *suffixes)
{
	return has_suffix(name, suffixes) && plain_text(name);
}

bool source_name_plain(const char *name, const char *suffix)
{
	const char *const suffixes[] = {suffix, NULL};

	return strlen(name) <= SOURCE_NAME_MAX &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") ==
		       strlen(name) &&
	       source_name_fits(name, suffixes);
}

/* Where name is among the files, or where it belongs. */
static size_t place_of(const struct source *source, const char *name)
{
	size_t low = 0, high = source->n_files;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (source_order(source, source->files[middle]->name, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct source_file *source_find(const struct source *source, const char *name)
{
	size_t at = place_of(source, name);

	if (at == source->n_files || strcmp(source->files[at]->name, name))
		return NULL;
	return source->files[at];
}

static void file_free(const struct source *source, struct source_file *file)
{
	if (source->free_value)
		source->free_value(file->value);
	free(file->name);
	free(file->bytes);
	free(file->good);
	free(file);
}

struct source_file *source_add(struct source *source, const char *name)
{
	struct source_file **grown, *file = source_find(source, name);
	size_t at = place_of(source, name);

	if (file)
		return file;
	if (source->n_files == SOURCE_MAX_FILES)
		return NULL;
	grown = realloc(source->files, (source->n_files + 1) * sizeof(*grown));
	if (!grown)
		return NULL;
	source->files = grown;
	file = calloc(1, sizeof(*file));
	if (!file || !(file->name = strdup(name))) {
		free(file);
		return NULL;
	}
	file->outside = source_is_outside(source, name);
	memmove(grown + at + 1, grown + at, (source->n_files - at) * sizeof(*grown));
	grown[at] = file;
	source->n_files++;
	return file;
}

static bool same(const void *a, size_t a_len, const void *b, size_t b_len)
{
	return !a == !b && a_len == b_len && (!a || !memcmp(a, b, a_len));
}

/* false: there is no room for it. */
static bool read_one(struct source *source, const char *name, bool *changed)
{
	struct source_file *file = source_add(source, name);
	_free_ char *path = NULL;
	_free_ void *bytes = NULL;
	struct fault why = {0};
	size_t len = 0;
	int err;

	if (!file || asprintf(&path, "%s/%s", source->dir, name) < 0)
		return false;
	err = file_read(path, source->max_bytes, &bytes, &len, &why);
	if (err == -ENOENT) /* a dangling symlink: as good as gone */
		return true;
	file->seen = true;
	if (!file->gone_ns && same(bytes, len, file->bytes, file->len) &&
	    !strcmp(why.text, file->trouble.text) && (file->bytes || file->trouble.text[0]))
		return true;
	free(file->bytes);
	file->bytes = TAKE_PTR(bytes);
	file->len = len;
	file->trouble = why;
	file->too_big = err == -EFBIG;
	file->gone_ns = 0;
	file->fresh = true;
	*changed = true;
	return true;
}

bool source_is_good(const struct source_file *file)
{
	return file->good && same(file->bytes, file->len, file->good, file->good_len);
}

bool source_hold_over(const struct source *source, const struct source_file *file)
{
	if (!file->gone_ns || file->forever || (!file->outside && source->trouble.text[0]))
		return false;
	return !file->good || clock_boot_ns() - file->gone_ns >= SOURCE_HOLD_S * 1000000000ULL;
}

bool source_any_over(const struct source *source)
{
	size_t i;

	for (i = 0; i < source->n_files; i++)
		if (source_hold_over(source, source->files[i]))
			return true;
	return false;
}

static void miss(struct source *source, struct source_file *file, bool *changed)
{
	if (!file->gone_ns) {
		file->gone_ns = clock_boot_ns();
		free(file->bytes);
		file->bytes = NULL;
		file->len = 0;
		file->trouble = (struct fault){0};
		file->refusal = (struct fault){0};
		file->fresh = true;
		*changed = true;
		if (file->good && !file->forever)
			log_event(LOG_WARN, "file_gone",
				  LOG_FIELDS("dir", source->dir, "file", file->name),
				  "the file is gone; what it gave stays in force %d s",
				  SOURCE_HOLD_S);
	}
	if (source_hold_over(source, file))
		*changed = true;
}

static void dir_trouble(struct source *source, const char *why)
{
	struct fault was = source->trouble;

	if (source->second)
		return;
	fault_set(&source->trouble, EIO,
		  "directory \"%s\" can't be read: %s; what was loaded from "
		  "it stays in force",
		  source->dir, why);
	if (strcmp(was.text, source->trouble.text))
		log_event(LOG_ERROR, "directory_unreadable", LOG_FIELDS("dir", source->dir), "%s",
			  source->trouble.text);
}

/* What no list can name must not go unsaid. */
static void tell_left_out(struct source *source, size_t n_odd, size_t n_more)
{
	struct fault was = source->left_out;

	source->left_out = (struct fault){0};
	if (n_more)
		fault_set(&source->left_out, ENOSPC,
			  "%zu files of directory \"%s\" aren't read: there is room for %d; remove "
			  "what isn't needed",
			  n_more, source->dir, SOURCE_MAX_FILES);
	else if (n_odd)
		fault_set(
			&source->left_out, EILSEQ,
			"%zu files of directory \"%s\" aren't read: their names aren't UTF-8, have "
			"control characters%s; rename them",
			n_odd, source->dir,
			source->outside
				? " or begin as what comes from Kubernetes does (\"secret:\", "
				  "\"portlicense:\", \"portpolicy:\")"
				: "");
	if (source->left_out.text[0] && strcmp(was.text, source->left_out.text))
		log_event(LOG_ERROR, "files_left_out", LOG_FIELDS("dir", source->dir), "%s",
			  source->left_out.text);
}

static bool had_files(const struct source *source)
{
	return source->n_files &&
	       (!source->files[0]->outside || !source->files[source->n_files - 1]->outside);
}

/* An empty directory on another device than before: what was mounted there is gone. */
static bool unmounted(struct source *source, DIR *dir, size_t n_seen)
{
	struct stat st;

	if (fstat(dirfd(dir), &st))
		return true;
	if (source->dev && source->dev != st.st_dev && !n_seen && had_files(source))
		return true;
	source->dev = st.st_dev;
	return false;
}

bool source_scan(struct source *source)
{
	DIR *dir = opendir(source->dir);
	struct dirent *entry;
	size_t i, n_seen = 0, n_odd = 0, n_more = 0;
	bool changed = !source->scanned || source_outside_changed(source), back;

	source->scanned = true;
	if (!dir) {
		dir_trouble(source, strerror(errno));
		return changed;
	}
	for (i = 0; i < source->n_files; i++)
		source->files[i]->seen &= source->files[i]->outside;
	while ((errno = 0, entry = readdir(dir))) {
		if (!has_suffix(entry->d_name, source->suffixes))
			continue;
		n_seen++;
		if (!plain_text(entry->d_name) || source_is_outside(source, entry->d_name))
			n_odd++;
		else if (!read_one(source, entry->d_name, &changed))
			n_more++;
	}
	if (errno || unmounted(source, dir, n_seen)) {
		dir_trouble(source, errno ? strerror(errno) : "it was unmounted");
		closedir(dir);
		return changed;
	}
	closedir(dir);
	tell_left_out(source, n_odd, n_more);
	back = source->trouble.text[0];
	source->trouble = (struct fault){0};
	for (i = 0; i < source->n_files; i++) {
		struct source_file *file = source->files[i];

		if (file->seen || file->outside)
			continue;
		if (back && file->gone_ns) /* whether it was there meanwhile, nobody knows */
			file->gone_ns = clock_boot_ns();
		miss(source, file, &changed);
	}
	return changed;
}

static char *kept_path(const struct source *source, const char *name)
{
	char *path;

	return asprintf(&path, "%s/%s", source->keep_dir, name) < 0 ? NULL : path;
}

/* Rights don't hang on it: a disk that is full is an alarm, until it takes the bytes. */
static void keep_on_disk(struct source *source, struct source_file *file)
{
	_free_ char *path = kept_path(source, file->name);
	bool before = file->unkept;
	struct fault f = {"out of memory"};

	file->unkept = !path || file_replace(path, file->good, file->good_len, 0600, &f);
	if (!file->unkept)
		return;
	source->unwritable = f;
	if (!before)
		log_event(LOG_ERROR, "state_unwritable",
			  LOG_FIELDS("dir", source->keep_dir, "file", file->name),
			  "the last good copy isn't on disk and a restart won't find it: %s",
			  f.text);
}

void source_keep_again(struct source *source)
{
	bool unkept = false;
	size_t i;

	if (!source->unwritable.text[0])
		return;
	for (i = 0; i < source->n_files; i++) {
		if (source->files[i]->unkept)
			keep_on_disk(source, source->files[i]);
		unkept |= source->files[i]->unkept;
	}
	if (unkept)
		return;
	source->unwritable = (struct fault){0};
	log_event(LOG_INFO, "state_writable", LOG_FIELDS("dir", source->keep_dir),
		  "the last good copies are on disk again");
}

static void set_good(struct source *source, struct source_file *file, const void *bytes, size_t len)
{
	void *copy;

	if (same(bytes, len, file->good, file->good_len))
		return;
	copy = malloc(len ? len : 1);
	if (!copy)
		return;
	memcpy(copy, bytes, len);
	free(file->good);
	file->good = copy;
	file->good_len = len;
	keep_on_disk(source, file);
}

void source_accept(struct source *source, struct source_file *file)
{
	set_good(source, file, file->bytes, file->len);
}

void source_keep(struct source *source, const char *name, const void *bytes, size_t len)
{
	struct source_file *file = source_find(source, name);

	if (!file) {
		file = source_add(source, name);
		if (!file)
			return;
		file->gone_ns = clock_boot_ns();
	}
	file->forever = true;
	set_good(source, file, bytes, len);
}

void source_refuse(const struct source *source, struct source_file *file, const char *event,
		   const char *why)
{
	bool news = file->fresh || !file->refusal.text[0];

	fault_set(&file->refusal, EBADMSG, "%s", why);
	if (!news)
		return;
	log_event(LOG_ERROR, event,
		  LOG_FIELDS("dir", file->outside ? "kubernetes" : source->dir, "file", file->name),
		  "%s%s", why, file->good ? "; its last good copy stays in force" : "");
}

void source_forget(struct source *source, size_t i)
{
	struct source_file *file = source->files[i];
	_free_ char *path = kept_path(source, file->name);

	if (path)
		unlink(path);
	file_free(source, file);
	source->n_files--;
	memmove(source->files + i, source->files + i + 1,
		(source->n_files - i) * sizeof(*source->files));
}

/* What was good before the restart is held until the directory, or who puts it there, says otherwise. */
static void load_kept(struct source *source)
{
	DIR *dir = opendir(source->keep_dir);
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		_free_ char *path = NULL;
		struct source_file *file;
		struct fault f;

		if (!source_name_fits(entry->d_name, source->suffixes) &&
		    !source_is_outside(source, entry->d_name))
			continue;
		path = kept_path(source, entry->d_name);
		file = path ? source_add(source, entry->d_name) : NULL;
		if (!file)
			continue;
		file->gone_ns = clock_boot_ns();
		file->fresh = true;
		if (file_read(path, source->max_bytes, &file->good, &file->good_len, &f))
			log_event(LOG_WARN, "state_unreadable", LOG_FIELDS("file", path),
				  "a kept copy can't be read: %s", f.text);
		else if (file->outside)
			source_outside_resume(file);
	}
	if (dir)
		closedir(dir);
}

int source_open(struct source *source, const char *state_dir, const char *keep, struct fault *f)
{
	if (asprintf(&source->keep_dir, "%s/%s", state_dir, keep) < 0) {
		source->keep_dir = NULL;
		return -ENOMEM;
	}
	if (mkdir(source->keep_dir, 0700) && errno != EEXIST)
		return fault_set(f, errno, "can't make \"%s\": %s", source->keep_dir,
				 strerror(errno));
	load_kept(source);
	return 0;
}

void source_close(struct source *source)
{
	size_t i;

	for (i = 0; i < source->n_files; i++)
		file_free(source, source->files[i]);
	free(source->files);
	free(source->keep_dir);
	*source = (struct source){0};
}
