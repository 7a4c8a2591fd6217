/* SPDX-License-Identifier: MIT */
/* kube_licenses.c - Secrets and PortLicenses become files of the license store. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agent.h"
#include "cleanup.h"
#include "kube_items.h"
#include "log.h"
#include "outside.h"
#include "secret.h"

static void name_too_long(const char *what, const char *name)
{
	log_event(LOG_ERROR, "license_unread", LOG_FIELDS("source", what),
		  "\"%.64s...\": the names of object and key together are longer than %d bytes: "
		  "shorten one",
		  name, OUTSIDE_NAME_MAX);
}

/* false: no room; logged. */
static bool put(struct source *source, const char *name, const void *bytes, size_t len,
		const char *trouble)
{
	bool done;

	if (strlen(name) > OUTSIDE_NAME_MAX) {
		name_too_long("kubernetes", name);
		return false;
	}
	done = trouble ? source_put_trouble(source, name, trouble)
		       : source_put(source, name, bytes, len);
	if (!done)
		log_event(LOG_ERROR, "license_unread", LOG_FIELDS("file", name),
			  "there is no room for it: %d files are read", SOURCE_MAX_FILES);
	return done;
}

/* ---- Secrets ---- */

static void take_entry(struct agent *agent, const struct secret *secret,
		       const struct secret_entry *entry)
{
	struct licenses *licenses = &agent->licenses;
	_free_ char *name = NULL;

	if (entry->kind == SECRET_TRUST) {
		log_event(LOG_WARN, "trust_ignored", LOG_FIELDS("secret", secret->object.name),
			  "key \"%s\": whom to trust is not for a Secret to say; put the file into "
			  "trust_dir",
			  entry->key);
		return;
	}
	if (asprintf(&name, LICENSES_SECRET "%s:%s", secret->object.name, entry->key) < 0) {
		name = NULL;
		return;
	}
	put(entry->kind == SECRET_LIST ? &licenses->lists : &licenses->source, name, entry->bytes,
	    entry->len, entry->bytes ? NULL : "the value isn't base64");
}

static void around_keys(struct agent *agent, const char *name,
			void (*list)(struct source *source, const char *prefix))
{
	_free_ char *prefix = NULL;

	if (asprintf(&prefix, LICENSES_SECRET "%s:", name) < 0) {
		prefix = NULL;
		return;
	}
	list(&agent->licenses.source, prefix);
	list(&agent->licenses.lists, prefix);
}

static void secret_present(void *arg, const cJSON *object)
{
	struct kube_items *items = arg;
	struct agent *agent = items->agent;
	struct secret secret = {0};
	struct fault f = {0};
	size_t i;

	if (secret_read(object, &secret, &f)) {
		kube_items_unread(items, &f);
		return;
	}
	around_keys(agent, secret.object.name, source_list_begin);
	for (i = 0; i < secret.n_entries; i++)
		take_entry(agent, &secret, &secret.entries[i]);
	around_keys(agent, secret.object.name, source_list_end);
	secret_free(&secret);
	kube_sync_soon(agent);
}

static void secret_gone(void *arg, const cJSON *object)
{
	struct kube_items *items = arg;
	struct kobject meta = {0};
	struct fault f = {0};

	if (kobject_read(object, &meta, &f)) {
		kube_items_unread(items, &f);
		return;
	}
	around_keys(items->agent, meta.name, source_list_begin);
	around_keys(items->agent, meta.name, source_list_end);
	kobject_free(&meta);
	kube_sync_soon(items->agent);
}

static void secrets_begin(void *arg)
{
	struct kube_items *items = arg;

	items->unread = false;
	source_list_begin(&items->agent->licenses.source, LICENSES_SECRET);
	source_list_begin(&items->agent->licenses.lists, LICENSES_SECRET);
}

static void secrets_end(void *arg)
{
	struct kube_items *items = arg;

	if (items->unread) /* which it was, nobody knows */
		return;
	source_list_end(&items->agent->licenses.source, LICENSES_SECRET);
	source_list_end(&items->agent->licenses.lists, LICENSES_SECRET);
	kube_sync_soon(items->agent);
}

/* ---- PortLicenses ---- */

/* Its file in the store; NULL: no memory. */
static char *file_of(const struct portlicense *license)
{
	char *file;
	int n = license->secret
			? asprintf(&file, LICENSES_SECRET "%s:%s", license->secret, license->key)
			: asprintf(&file, LICENSES_PORTLICENSE "%s", license->object.name);

	return n < 0 ? NULL : file;
}

static void take_license(struct kube_items *items, struct portlicense *license, const cJSON *object,
			 const struct fault *trouble)
{
	_free_ char *file = file_of(license);
	struct kube_item *item;

	item = file ? kube_item_put(items, &license->object, file, json_get(object, "status"))
		    : NULL;
	if (!item)
		return;
	item->by_secret = license->secret;
	item->trouble = *trouble;
	if (trouble->text[0])
		put(items->source, file, NULL, 0, trouble->text);
	else if (license->secret)
		kube_items_withdraw(items, item->object.name);
	else
		put(items->source, file, license->token, strlen(license->token), NULL);
}

static void license_present(void *arg, const cJSON *object)
{
	struct kube_items *items = arg;
	struct portlicense license = {0};
	struct fault f = {0};
	int err = portlicense_read(object, &license, &f);

	if (!license.object.name)
		kube_items_unread(items, &f);
	else if (err != -ENOMEM)
		take_license(items, &license, object, &f);
	portlicense_free(&license);
	kube_sync_soon(items->agent);
}

/* ---- life ---- */

void kube_licenses_start(struct agent *agent)
{
	struct kube_sync *sync = &agent->kube_sync;
	struct kube_watch_spec secrets = {
		.query = "labelSelector=portlic.dev%2Flicense",
		.what = "the Secrets with licenses",
		.kind = KUBE_SECRETS,
		.consumer = {secrets_begin, secret_present, secret_gone, secrets_end},
		.arg = &sync->secrets};
	struct kube_watch_spec licenses = {
		.what = "the PortLicenses",
		.kind = KUBE_LICENSES,
		.optional = "PortLicense",
		.consumer = {kube_items_begin, license_present, kube_items_gone, kube_items_end},
		.arg = &sync->licenses};

	sync->secrets = (struct kube_items){.agent = agent,
					    .what = "a Secret",
					    .event = "license_unread",
					    .own_path = kube_own_path(agent, "/api/v1", "secrets")};
	sync->licenses =
		(struct kube_items){.agent = agent,
				    .what = "a PortLicense",
				    .event = "license_unread",
				    .source = &agent->licenses.source,
				    .prefix = LICENSES_PORTLICENSE,
				    .own_path = kube_own_path(agent, PORTLIC_API, "portlicenses")};
	secrets.path = sync->secrets.own_path;
	licenses.path = sync->licenses.own_path;
	if (secrets.path)
		sync->secrets.watch = kube_watch(agent, &secrets);
	if (licenses.path)
		sync->licenses.watch = kube_watch(agent, &licenses);
}
