/* SPDX-License-Identifier: MIT */
/* notify_backlog.c - {"TARGET":[{event},...],...} in the state directory. */
#include "notify_backlog.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "file.h"
#include "json.h"

#define BACKLOG_MAX_BYTES (16 << 20)

static char *backlog_path(const char *state_dir)
{
	char *path;

	return asprintf(&path, "%s/notify.json", state_dir) < 0 ? NULL : path;
}

static cJSON *queue_json(const struct notifier *n)
{
	cJSON *list = cJSON_CreateArray();
	size_t i;

	if (n->current)
		cJSON_AddItemToArray(list, cJSON_CreateRaw(n->current->json));
	for (i = 0; i < n->n; i++)
		cJSON_AddItemToArray(
			list, cJSON_CreateRaw(n->queue[(n->first + i) % NOTIFY_QUEUE]->json));
	return list;
}

int notify_backlog_save(const char *state_dir, const struct notify *notify, struct fault *f)
{
	_free_ char *path = backlog_path(state_dir), *text = NULL;
	_json_ cJSON *root = cJSON_CreateObject();
	size_t i;

	if (!path)
		return -ENOMEM;
	for (i = 0; i < notify->n; i++) {
		const struct notifier *n = &notify->list[i];

		if (n->current || n->n)
			cJSON_AddItemToObject(root, n->target->label, queue_json(n));
	}
	if (!root || !root->child)
		return unlink(path) && errno != ENOENT ? -errno : 0;
	text = cJSON_PrintUnformatted(root);
	return text ? file_replace(path, text, strlen(text), 0600, f) : -ENOMEM;
}

static void take_queue(const cJSON *queue,
		       void (*take)(void *arg, const char *label, const char *event,
				    const char *json),
		       void *arg)
{
	const cJSON *item;

	cJSON_ArrayForEach (item, queue) {
		const char *event = cJSON_GetStringValue(json_get(item, "event"));
		_free_ char *json = event ? cJSON_PrintUnformatted(item) : NULL;

		if (json)
			take(arg, queue->string, event, json);
	}
}

int notify_backlog_load(const char *state_dir,
			void (*take)(void *arg, const char *label, const char *event,
				     const char *json),
			void *arg, struct fault *f)
{
	static const struct json_limits limits = {
		.max_depth = 4, .max_members = NOTIFY_MAX_TARGETS * (NOTIFY_QUEUE + 1) * 32};
	_free_ char *path = backlog_path(state_dir);
	_free_ void *bytes = NULL;
	_json_ cJSON *root = NULL;
	struct json_error bad = {0};
	struct fault why = {0};
	const cJSON *queue;
	size_t len = 0;
	int err;

	if (!path)
		return -ENOMEM;
	err = file_read(path, BACKLOG_MAX_BYTES, &bytes, &len, &why);
	if (err == -ENOENT)
		return 0;
	if (!err)
		err = json_parse(bytes, len, &limits, &root, &bad);
	if (!err && !cJSON_IsObject(root))
		err = fault_set(&why, EBADMSG, "it isn't a JSON object");
	unlink(path);
	if (err)
		return fault_set(f, -err,
				 "the undelivered events in \"%s\" can't be read and are lost: %s",
				 path, why.text[0] ? why.text : bad.text);
	cJSON_ArrayForEach (queue, root)
		if (cJSON_IsArray(queue))
			take_queue(queue, take, arg);
	return 0;
}
