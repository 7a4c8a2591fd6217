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

static void take(struct kube_items *items, struct kobject *meta, const cJSON *object)
{
	struct source *source = items->source;
	struct fault why = {0};
	_free_ char *file = NULL, *text = portpolicy_text(object, meta, &why);
	struct kube_item *item;
	bool done;

	if (asprintf(&file, POLICIES_PORTPOLICY "%s", meta->name) < 0)
		file = NULL;
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
		kube_items_unread(items, &f);
		return;
	}
	take(items, &meta, object);
	kobject_free(&meta);
	kube_sync_soon(items->agent);
}

static void end(void *arg)
{
	struct kube_items *items = arg;

	kube_items_end(items);
	kube_listed_note(items->agent);
}

void kube_policies_start(struct agent *agent)
{
	struct kube_items *items = &agent->kube_sync.policies;
	const struct kube_watch_spec spec = {
		.path = PORTLIC_API "/portpolicies",
		.what = "the PortPolicies",
		.kind = KUBE_POLICIES,
		.optional = "PortPolicy",
		.consumer = {kube_items_begin, present, kube_items_gone, end},
		.arg = items};

	*items = (struct kube_items){.agent = agent,
				     .what = "a PortPolicy",
				     .event = "policy_unread",
				     .source = &agent->policies.source,
				     .prefix = POLICIES_PORTPOLICY,
				     .own_path = strdup(spec.path)};
	if (items->own_path)
		items->watch = kube_watch(agent, &spec);
}
