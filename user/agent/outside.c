/* SPDX-License-Identifier: MIT */
/* outside.c - what is put among the files of a source from elsewhere. */
#include "outside.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "clock.h"
#include "log.h"

static bool begins(const char *text, const char *prefix)
{
	return !strncmp(text, prefix, strlen(prefix));
}

bool source_is_outside(const struct source *source, const char *name)
{
	const char *const *prefix;

	for (prefix = source->outside; prefix && *prefix; prefix++)
		if (begins(name, *prefix))
			return true;
	return false;
}

int source_order(const struct source *source, const char *a, const char *b)
{
	bool a_outside = source_is_outside(source, a), b_outside = source_is_outside(source, b);

	if (a_outside == b_outside)
		return strcmp(a, b);
	return a_outside == source->outside_first ? -1 : 1;
}

/* Present, with these bytes or this trouble, which are the file's from now on. */
static void set(struct source *source, struct source_file *file, void *bytes, size_t len,
		const struct fault *trouble)
{
	free(file->bytes);
	file->bytes = bytes;
	file->len = len;
	file->trouble = *trouble;
	file->too_big = false;
	file->gone_ns = 0;
	file->fresh = true;
	source->news = true;
}

/* NULL: no room, or no memory. */
static struct source_file *add(struct source *source, const char *name)
{
	struct source_file *file = source_add(source, name);

	if (!file || !source->value_size || file->value)
		return file;
	file->value = calloc(1, source->value_size);
	return file->value ? file : NULL;
}

bool source_put(struct source *source, const char *name, const void *bytes, size_t len)
{
	struct source_file *file = add(source, name);
	struct fault none = {0};
	void *copy;

	if (!file)
		return false;
	file->seen = true;
	if (len > source->max_bytes) {
		char why[128];

		snprintf(why, sizeof(why), "%zu bytes are more than the %zu that are read", len,
			 source->max_bytes);
		source_put_trouble(source, name, why);
		file->too_big = true;
		return true;
	}
	if (!file->gone_ns && file->bytes && file->len == len && !memcmp(file->bytes, bytes, len))
		return true;
	copy = malloc(len + 1);
	if (!copy)
		return false;
	memcpy(copy, bytes, len);
	set(source, file, copy, len, &none);
	return true;
}

bool source_put_trouble(struct source *source, const char *name, const char *why)
{
	struct source_file *file = add(source, name);
	struct fault trouble = {0};

	if (!file)
		return false;
	file->seen = true;
	fault_set(&trouble, EBADMSG, "%s", why);
	if (!file->gone_ns && !file->bytes && !strcmp(file->trouble.text, trouble.text))
		return true;
	set(source, file, NULL, 0, &trouble);
	return true;
}

void source_list_begin(struct source *source, const char *prefix)
{
	size_t i;

	for (i = 0; i < source->n_files; i++)
		if (source->files[i]->outside && begins(source->files[i]->name, prefix))
			source->files[i]->seen = false;
}

static void withdraw(struct source *source, struct source_file *file)
{
	struct fault none = {0};
	char origin[OUTSIDE_NAME_MAX + 1];

	if (file->gone_ns)
		return;
	set(source, file, NULL, 0, &none);
	file->refusal = none;
	file->gone_ns = clock_boot_ns();
	if (file->good && !file->forever && source_outside_origin(file, origin, sizeof(origin)))
		log_event(LOG_WARN, "file_gone", LOG_FIELDS("source", origin, "file", file->name),
			  "it is gone from the API; what it gave stays in force %d s",
			  SOURCE_HOLD_S);
}

void source_list_end(struct source *source, const char *prefix)
{
	size_t i;

	for (i = 0; i < source->n_files; i++) {
		struct source_file *file = source->files[i];

		if (file->outside && !file->seen && begins(file->name, prefix))
			withdraw(source, file);
	}
}

void source_withdraw(struct source *source, const char *name)
{
	struct source_file *file = source_find(source, name);

	if (file && file->outside)
		withdraw(source, file);
}

bool source_outside_origin(const struct source_file *file, char *text, size_t size)
{
	const char *kind_end = strchr(file->name, ':');
	size_t name_len;

	if (!file->outside || !kind_end)
		return false;
	name_len = strcspn(kind_end + 1, ":");
	snprintf(text, size, "%.*s/%.*s", (int)(kind_end - file->name), file->name, (int)name_len,
		 kind_end + 1);
	return true;
}

bool source_outside_changed(struct source *source)
{
	bool changed = source->news;
	size_t i;

	source->news = false;
	for (i = 0; i < source->n_files; i++)
		changed |= source->files[i]->outside && source_hold_over(source, source->files[i]);
	return changed;
}

void source_outside_resume(struct source_file *file)
{
	file->bytes = malloc(file->good_len + 1);
	if (!file->bytes)
		return;
	memcpy(file->bytes, file->good, file->good_len);
	file->len = file->good_len;
	file->gone_ns = 0;
}
