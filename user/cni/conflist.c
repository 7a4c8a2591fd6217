/* SPDX-License-Identifier: MIT */
/* conflist.c - chained, wrapped and taken out again; what isn't ours stays as it is. */
#include "conflist.h"

#include <errno.h>
#include <string.h>

#include "conf.h"
#include "version.h"

static const char *const own_names[] = {"00-portlic.conflist", "+portlic.conflist"};

int conflist_read(const char *name, const char *text, size_t len, cJSON **out, struct fault *f)
{
	static const struct json_limits limits = {.max_depth = 32, .max_members = 65536};
	struct json_error why = {0};
	int err = json_parse(text, len, &limits, out, &why);

	if (err == -EBADMSG)
		return fault_set(f, EBADMSG, "\"%s\" is no JSON: byte %zu: %s; correct it", name,
				 why.offset, why.text);
	if (err)
		return fault_set(f, ENOMEM, "out of memory");
	if (cJSON_IsObject(*out))
		return 0;
	cJSON_Delete(TAKE_PTR(*out));
	return fault_set(f, EBADMSG, "\"%s\" is no JSON object; correct it", name);
}

static bool is_ours(const cJSON *plugin)
{
	const cJSON *type = json_get(plugin, "type");

	return cJSON_IsString(type) && !strcmp(type->valuestring, CNI_TYPE);
}

static int set_text(cJSON *object, const char *name, const char *value)
{
	cJSON *item;

	if (!value) {
		cJSON_DeleteItemFromObjectCaseSensitive(object, name);
		return 0;
	}
	item = cJSON_CreateString(value);
	if (item &&
	    (json_get(object, name) ? cJSON_ReplaceItemInObjectCaseSensitive(object, name, item)
				    : cJSON_AddItemToObject(object, name, item)))
		return 0;
	cJSON_Delete(item);
	return -ENOMEM;
}

/* The runtime hands the pod's annotations on only to who declares that it wants them. */
static int declare_capability(cJSON *plugin)
{
	cJSON *capabilities = json_get(plugin, "capabilities");

	if (!cJSON_IsObject(capabilities)) {
		cJSON_DeleteItemFromObjectCaseSensitive(plugin, "capabilities");
		capabilities = cJSON_AddObjectToObject(plugin, "capabilities");
	}
	cJSON_DeleteItemFromObjectCaseSensitive(capabilities, CNI_ANNOTATIONS);
	return cJSON_AddBoolToObject(capabilities, CNI_ANNOTATIONS, 1) ? 0 : -ENOMEM;
}

static int fill(cJSON *plugin, const struct conflist_entry *entry, struct fault *f)
{
	if (set_text(plugin, "type", CNI_TYPE) || set_text(plugin, "socket", entry->socket) ||
	    set_text(plugin, "selection", entry->selection) ||
	    set_text(plugin, "fail", entry->fail) || declare_capability(plugin))
		return fault_set(f, ENOMEM, "out of memory");
	return 0;
}

static int check_version(const cJSON *root, struct fault *f)
{
	const cJSON *version = json_get(root, "cniVersion");

	if (cJSON_IsString(version) && cni_era(version->valuestring) != CNI_ERA_NONE)
		return 0;
	return fault_set(
		f, EBADMSG,
		"its \"cniVersion\" is %s%s%s, and chains of plugins need 0.3.0 to " CNI_NEWEST
		"; change it",
		cJSON_IsString(version) ? "\"" : "missing",
		cJSON_IsString(version) ? version->valuestring : "",
		cJSON_IsString(version) ? "\"" : "");
}

/* All entries of ours but the first; returns that, NULL: none. keep: it stays. */
static cJSON *take_out(cJSON *plugins, bool keep)
{
	cJSON *first = NULL, *item, *next;

	for (item = plugins ? plugins->child : NULL; item; item = next) {
		next = item->next;
		if (!is_ours(item))
			continue;
		if (keep && !first)
			first = item;
		else
			cJSON_Delete(cJSON_DetachItemViaPointer(plugins, item));
	}
	return first;
}

int conflist_chain(cJSON *list, const struct conflist_entry *entry, struct fault *f)
{
	cJSON *plugins = json_get(list, "plugins"), *ours;
	int err = check_version(list, f);

	if (err)
		return err;
	if (!cJSON_IsArray(plugins) || !plugins->child)
		return fault_set(f, EBADMSG,
				 "it has no \"plugins\": there is no network to gate; correct it");
	if (is_ours(plugins->child))
		return fault_set(f, EBADMSG,
				 CNI_TYPE " is its first plugin, and there is no network before "
					  "it; put the network's plugin ahead of it");
	ours = take_out(plugins, true);
	if (!ours) {
		ours = cJSON_CreateObject();
		if (!ours || !cJSON_AddItemToArray(plugins, ours)) {
			cJSON_Delete(ours);
			return fault_set(f, ENOMEM, "out of memory");
		}
	}
	return fill(ours, entry, f);
}

int conflist_wrap(const cJSON *single, const char *origin, const struct conflist_entry *entry,
		  cJSON **out, struct fault *f)
{
	_json_ cJSON *list = cJSON_CreateObject();
	cJSON *plugins = cJSON_AddArrayToObject(list, "plugins");
	cJSON *copy = cJSON_Duplicate(single, 1);
	const cJSON *name = json_get(single, "name");
	int err = check_version(single, f);

	if (!cJSON_AddItemToArray(plugins, copy)) {
		cJSON_Delete(copy);
		return fault_set(f, ENOMEM, "out of memory");
	}
	if (err)
		return err;
	if (!cJSON_IsString(json_get(single, "type")) || !cJSON_IsString(name))
		return fault_set(f, EBADMSG, "it has no \"type\" or no \"name\"; correct it");
	if (set_text(list, "cniVersion", json_get(single, "cniVersion")->valuestring) ||
	    set_text(list, "name", name->valuestring) || set_text(list, CONFLIST_ORIGIN, origin))
		return fault_set(f, ENOMEM, "out of memory");
	err = conflist_chain(list, entry, f);
	if (!err)
		*out = TAKE_PTR(list);
	return err;
}

const char *conflist_wraps(const cJSON *list)
{
	const cJSON *origin = json_get(list, CONFLIST_ORIGIN);

	return cJSON_IsString(origin) ? origin->valuestring : NULL;
}

bool conflist_has(const cJSON *list)
{
	const cJSON *item;

	cJSON_ArrayForEach (item, json_get(list, "plugins"))
		if (is_ours(item))
			return true;
	return false;
}

void conflist_unchain(cJSON *list)
{
	take_out(json_get(list, "plugins"), false);
}

static bool ends_in(const char *name, const char *end)
{
	size_t len = strlen(name), of_end = strlen(end);

	return len > of_end && !strcmp(name + len - of_end, end);
}

bool conflist_is_list(const char *name)
{
	return ends_in(name, ".conflist");
}

bool conflist_is_name(const char *name)
{
	return conflist_is_list(name) || ends_in(name, ".conf") || ends_in(name, ".json");
}

const char *conflist_name_before(const char *first)
{
	for (size_t i = 0; i < ARRAY_SIZE(own_names); i++)
		if (strcmp(own_names[i], first) < 0)
			return own_names[i];
	return NULL;
}

bool conflist_is_ours(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(own_names); i++)
		if (!strcmp(name, own_names[i]))
			return true;
	return false;
}
