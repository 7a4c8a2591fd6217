/* SPDX-License-Identifier: MIT */
/* kube_policies.c - PortPolicies become files of the policy store, before those of the directory. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agent.h"
#include "cleanup.h"
#include "kube_items.h"
#include "log.h"
#include "outside.h"

static char *file_of(const char *name)
{
	char *file;

	return asprintf(&file, POLICIES_PORTPOLICY "%s", name) < 0 ? NULL : file;
}

static void unread(struct kube_items *items, const struct fault *f)
{
	items->unread = true;
	log_event(LOG_ERROR, "policy_unread", LOG_FIELDS("source", "a PortPolicy"),
		  "%s; what it said before stays in force", f->text);
}

static void take(struct kube_items *items, struct kobject *meta, const cJSON *object)
{
	struct source *source = &items->agent->policies.source;
	_free_ char *file = file_of(meta->name), *text = NULL;
	struct kube_item *item;
	struct fault why = {0};
	bool done;

	text = portpolicy_text(object, meta, &why);
	item = file ? kube_item_put(items, meta, file, json_get(object, "status")) : NULL;
	if (!item)
		return;
	if (!text)
		fault_set(&item->trouble, EBADMSG, "policy \"%s\": %s", file, why.text);
	done = text ? source_put(source, file, text, strlen(text))
		    : source_put_trouble(source, file, item->trouble.text);
	if (!done)
		log_event(LOG_ERROR, "policy_unread", LOG_FIELDS("file", file),
			  "there is no room for it: %d files are read", SOURCE_MAX_FILES);
}

static void present(void *arg, const cJSON *object)
{
	struct kube_items *items = arg;
	struct kobject meta = {0};
	struct fault f = {0};

	if (kobject_read(object, &meta, &f)) {
		unread(items, &f);
		return;
	}
	take(items, &meta, object);
	kobject_free(&meta);
	kube_sync_soon(items->agent);
}

static void gone(void *arg, const cJSON *object)
{
	struct kube_items *items = arg;
	struct kobject meta = {0};
	_free_ char *file = NULL;
	struct kube_item *item;
	struct fault f = {0};

	if (kobject_read(object, &meta, &f)) {
		unread(items, &f);
		return;
	}
	file = file_of(meta.name);
	if (file)
		source_withdraw(&items->agent->policies.source, file);
	item = kube_item_find(items, meta.name);
	if (item)
		kube_item_drop(items, item);
	kobject_free(&meta);
	kube_sync_soon(items->agent);
}

static void begin(void *arg)
{
	struct kube_items *items = arg;

	kube_items_begin(items);
	source_list_begin(&items->agent->policies.source, POLICIES_PORTPOLICY);
}

static void end(void *arg)
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
	source_list_end(&items->agent->policies.source, POLICIES_PORTPOLICY);
	kube_sync_soon(items->agent);
}

void kube_policies_start(struct agent *agent)
{
	struct kube_items *items = &agent->kube_sync.policies;
	const struct kube_watch_spec spec = {.path = PORTLIC_API "/portpolicies",
					     .what = "the PortPolicies",
					     .optional = "PortPolicy",
					     .consumer = {begin, present, gone, end},
					     .arg = items};

	items->agent = agent;
	items->own_path = strdup(spec.path);
	if (items->own_path)
		items->watch = kube_watch(agent, &spec);
}
