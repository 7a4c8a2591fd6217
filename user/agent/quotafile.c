/* SPDX-License-Identifier: MIT */
/* quotafile.c - keeps what gates used of quotas. */
#include "quotafile.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent.h"
#include "cleanup.h"
#include "file.h"
#include "log.h"

#define SAVE_NS (5 * 1000000000ULL) /* no more often */
#define NS_PER_S 1000000000ULL

static void lost(struct quotafile *file, const char *why)
{
	fault_set(&file->lost, EBADMSG,
		  "\"%s\" couldn't be read (%s); %s \"%s.bad\": gates that come back begin their "
		  "quotas anew",
		  file->path, why, file_set_aside(file->path), file->path);
	log_event(LOG_ERROR, "state_lost", LOG_FIELDS("file", file->path), "%s", file->lost.text);
}

int quotafile_open(struct agent *agent)
{
	struct quotafile *file = &agent->quotas;
	_free_ void *bytes = NULL;
	struct fault why = {0};
	size_t len = 0;
	int err;

	if (asprintf(&file->path, "%s/usage.json", agent->config.state_dir) < 0) {
		file->path = NULL;
		return -ENOMEM;
	}
	err = file_read(file->path, USAGE_MAX_BYTES, &bytes, &len, &why);
	if (!err)
		err = usage_parse(bytes, len, &file->kept, &why);
	if (err && err != -ENOENT)
		lost(file, why.text[0] ? why.text : strerror(-err));
	return 0;
}

void quotafile_close(struct quotafile *file)
{
	usage_list_free(&file->kept);
	free(file->seen);
	free(file->path);
	free(file->written);
}

static void save(struct quotafile *file)
{
	_free_ char *text = usage_print(&file->kept);
	struct fault f = {0};

	if (text && (file->written ? !strcmp(text, file->written) : !file->kept.n))
		return;
	file->saved_ns = clock_boot_ns();
	if (!text)
		fault_set(&f, ENOMEM, "out of memory");
	else if (!file_replace(file->path, text, strlen(text), 0600, &f)) {
		free(file->written);
		file->written = TAKE_PTR(text);
	}
	if (f.text[0] && strcmp(f.text, file->trouble.text))
		log_event(LOG_ERROR, "state_unwritable", LOG_FIELDS("file", file->path),
			  "a restart of the node won't know what is used of quotas: %s", f.text);
	file->trouble = f;
}

const char **quotafile_names(const struct agent *agent, const struct gate_entry *leaving)
{
	const char **names = calloc(PLIC_MAX_GATES, sizeof(*names));

	for (size_t i = 0; names && i < agent->gates.n_entries; i++) {
		const struct gate_entry *entry = agent->gates.entries[i];

		if (entry->state == GATE_ATTACHED)
			names[entry->id] = entry->name;
	}
	if (names && leaving)
		names[leaving->id] = leaving->name;
	return names;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Of gates that the kernel doesn't tell of: what may still count when they come back. */
static int keep_others(const struct agent *agent, const char *const *names, struct usage_list *out)
{
	const struct usage_list *kept = &agent->quotas.kept;
	int64_t now = clock_now(&agent->clock);
	_free_ const char **told = calloc(PLIC_MAX_GATES + 1, sizeof(*told));
	size_t n = 0;
	int err = told ? 0 : -ENOMEM;

	for (size_t i = 0; told && i < PLIC_MAX_GATES; i++)
		if (names[i])
			told[n++] = names[i];
	if (n)
		qsort(told, n, sizeof(*told), compare_names);
	for (size_t i = 0; !err && i < kept->n; i++) {
		const struct usage *u = &kept->items[i];
		const char *gate = u->gate;

		if (!*gate || (u->ends && u->ends <= now) ||
		    (n && bsearch(&gate, told, n, sizeof(*told), compare_names)))
			continue;
		err = usage_add(out, u);
	}
	return err;
}

static int add_seen(const struct agent *agent, const char *const *names,
		    const struct quota_use *use, struct usage_list *out)
{
	const char *name = use->key.owner == PLIC_NODE_WIDE  ? ""
			   : use->key.owner < PLIC_MAX_GATES ? names[use->key.owner]
							     : NULL;
	struct usage u = {.key = use->key, .quota = use->quota};

	if (!name)
		return 0;
	snprintf(u.gate, sizeof(u.gate), "%s", name);
	u.key.owner = 0;
	u.ends = use->quota.ends_ns ? clock_at(&agent->clock, use->quota.ends_ns) : 0;
	u.quota.ends_ns = 0;
	return usage_add(out, &u);
}

void quotafile_take(struct agent *agent, const char *const *names, struct quota_use *list, size_t n)
{
	struct quotafile *file = &agent->quotas;
	_cleanup_(usage_list_free) struct usage_list now = {0};
	_free_ const char **own = names ? NULL : quotafile_names(agent, NULL);
	int err;

	names = names ? names : own;
	err = names ? keep_others(agent, names, &now) : -ENOMEM;
	for (size_t i = 0; !err && i < n; i++)
		err = add_seen(agent, names, &list[i], &now);
	free(file->seen);
	file->seen = list;
	file->n_seen = n;
	if (err)
		return;
	usage_list_free(&file->kept);
	file->kept = now;
	now = (struct usage_list){0};
	if (clock_boot_ns() - file->saved_ns >= SAVE_NS)
		save(file);
}

void quotafile_of(const struct agent *agent, const char *gate, struct quota_use **out, size_t *n)
{
	const struct usage_list *kept = &agent->quotas.kept;
	int64_t now = clock_now(&agent->clock);
	uint64_t now_ns = clock_boot_ns();

	*n = 0;
	*out = calloc(kept->n + 1, sizeof(**out));
	for (size_t i = 0; *out && i < kept->n; i++) {
		const struct usage *u = &kept->items[i];
		struct quota_use use = {u->key, u->quota};

		if (strcmp(u->gate, gate) || (u->ends && u->ends <= now))
			continue;
		if (u->ends)
			use.quota.ends_ns = now_ns + (uint64_t)(u->ends - now) * NS_PER_S;
		(*out)[(*n)++] = use;
	}
}

void quotafile_finish(struct agent *agent)
{
	struct quota_use *list;
	size_t n;

	agent->quotas.saved_ns = 0;
	if (agent->node && !quotas_read(agent->node, &list, &n, NULL))
		quotafile_take(agent, NULL, list, n);
}
