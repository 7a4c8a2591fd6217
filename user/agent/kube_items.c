/* SPDX-License-Identifier: MIT */
/* kube_items.c - the objects that were seen, and their files in the store. */
#include "kube_items.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent.h"
#include "cleanup.h"
#include "log.h"
#include "outside.h"

#define ABSENT_NS 600000000000ULL /* a server that starts doesn't know all kinds at once */

struct kube_item *kube_item_find(const struct kube_items *items, const char *name)
{
	struct kube_item *item = items->list;

	while (item && strcmp(item->object.name, name))
		item = item->next;
	return item;
}

static void item_free(struct kube_item *item)
{
	kube_cancel(item->request);
	kobject_free(&item->object);
	free(item->file);
	cJSON_Delete(item->status);
	cJSON_Delete(item->sent);
	cJSON_Delete(item->replaced);
	free(item);
}

struct kube_item *kube_item_put(struct kube_items *items, struct kobject *object, const char *file,
				const cJSON *status)
{
	struct kube_item *item = kube_item_find(items, object->name);
	char *copy = file ? strdup(file) : NULL;

	if (!item && (copy || !file)) { /* an item without its object would be found by no name */
		item = calloc(1, sizeof(*item));
		if (item) {
			item->kind = items;
			item->next = items->list;
			items->list = item;
		}
	}
	if (!item || (file && !copy)) {
		free(copy);
		kobject_free(object);
		return NULL;
	}
	kobject_free(&item->object);
	item->object = *object;
	*object = (struct kobject){0};
	if (file) {
		free(item->file);
		item->file = copy;
	}
	cJSON_Delete(item->status);
	item->status = cJSON_IsObject(status) ? cJSON_Duplicate(status, true) : NULL;
	item->trouble = (struct fault){0};
	item->seen = true;
	return item;
}

void kube_item_drop(struct kube_items *items, struct kube_item *item)
{
	struct kube_item **at = &items->list;

	while (*at != item)
		at = &(*at)->next;
	*at = item->next;
	item_free(item);
}

void kube_items_unread(struct kube_items *items, const struct fault *why)
{
	items->unread = true;
	log_event(LOG_ERROR, items->event, LOG_FIELDS("source", items->what),
		  "%s; what it gave before stays in force", why->text);
}

void kube_items_withdraw(struct kube_items *items, const char *name)
{
	_free_ char *file = NULL;

	if (asprintf(&file, "%s%s", items->prefix, name) < 0)
		file = NULL;
	else
		source_withdraw(items->source, file);
}

void kube_items_begin(void *arg)
{
	struct kube_items *items = arg;
	struct kube_item *item;

	items->unread = false;
	items->absent_ns = 0;
	for (item = items->list; item; item = item->next)
		item->seen = false;
	source_list_begin(items->source, items->prefix);
}

void kube_items_gone(void *arg, const cJSON *object)
{
	struct kube_items *items = arg;
	struct kobject meta = {0};
	struct kube_item *item;
	struct fault why = {0};

	if (kobject_read(object, &meta, &why)) {
		kube_items_unread(items, &why);
		return;
	}
	kube_items_withdraw(items, meta.name);
	item = kube_item_find(items, meta.name);
	if (item)
		kube_item_drop(items, item);
	kobject_free(&meta);
	kube_sync_soon(items->agent);
}

void kube_items_end(void *arg)
{
	struct kube_items *items = arg;
	struct kube_item *item, *next;

	if (items->unread) /* which it was, nobody knows */
		return;
	for (item = items->list; item; item = next) {
		next = item->next;
		if (!item->seen)
			kube_item_drop(items, item);
	}
	source_list_end(items->source, items->prefix);
	kube_sync_soon(items->agent);
}

void kube_items_tick(struct kube_items *items, uint64_t now)
{
	if (!items->watch || !kube_watch_absent(items->watch)) {
		items->absent_ns = 0;
		return;
	}
	if (!items->absent_ns)
		items->absent_ns = now;
	if (now - items->absent_ns < ABSENT_NS)
		return;
	source_list_begin(items->source, items->prefix);
	source_list_end(items->source, items->prefix);
	if (items->source->news)
		kube_sync_soon(items->agent);
}

void kube_items_free(struct kube_items *items)
{
	kube_unwatch(items->watch);
	items->watch = NULL;
	while (items->list)
		kube_item_drop(items, items->list);
	free(items->own_path);
	items->own_path = NULL;
}
