/* SPDX-License-Identifier: MIT */
/* gatefile.c - the table of gates on disk. */
#include "gatefile.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent.h"
#include "cleanup.h"
#include "file.h"
#include "json.h"
#include "log.h"
#include "pods.h"

#define GATEFILE_MAX_BYTES (64 << 20)

static const struct json_limits limits = {.max_depth = 16, .max_members = 1 << 20};

static cJSON *glass_json(const struct glass *glass)
{
	cJSON *item = cJSON_CreateObject();

	cJSON_AddStringToObject(item, "mode", mode_words[glass->mode]);
	cJSON_AddNumberToObject(item, "since", glass->since);
	cJSON_AddNumberToObject(item, "until", glass->until);
	cJSON_AddStringToObject(item, "why", glass->why);
	return item;
}

static cJSON *entry_json(const struct gate_entry *entry)
{
	struct place place = place_of(entry);
	cJSON *item = cJSON_CreateObject();
	char number[24];

	cJSON_AddStringToObject(item, "name", entry->name);
	cJSON_AddStringToObject(item, place_word(&place), place_path(&place));
	snprintf(number, sizeof(number), "%llu", (unsigned long long)entry->place);
	cJSON_AddRawToObject(item, entry->cgroup ? "cgroup_id" : "netns_inode", number);
	if (entry->mode >= 0)
		cJSON_AddStringToObject(item, "mode", mode_words[entry->mode]);
	if (entry->shield.setting != SHIELD_OFF)
		cJSON_AddStringToObject(item, "shield", shield_words[entry->shield.setting]);
	if (entry->glass.mode >= 0)
		cJSON_AddItemToObject(item, "break_glass", glass_json(&entry->glass));
	if (entry->policy_text)
		cJSON_AddRawToObject(item, "policy", entry->policy_text);
	pods_file_put(entry, item);
	return item;
}

void gatefile_save(struct agent *agent)
{
	struct gates *gates = &agent->gates;
	_json_ cJSON *root = cJSON_CreateObject();
	cJSON *list = cJSON_AddArrayToObject(root, "gates");
	_free_ char *text = NULL;
	struct fault f = {0};
	char number[24];
	size_t i;

	snprintf(number, sizeof(number), "%llu", (unsigned long long)gates->generation);
	cJSON_AddRawToObject(root, "generation", number);
	for (i = 0; i < gates->n_entries; i++)
		cJSON_AddItemToArray(list, entry_json(gates->entries[i]));
	pods_file_put_namespaces(agent, root);
	text = cJSON_Print(root);
	if (!text || file_replace(gates->path, text, strlen(text), 0600, &f)) {
		if (strcmp(gates->trouble.text, f.text))
			log_event(LOG_ERROR, "state_unwritable", LOG_FIELDS("file", gates->path),
				  "a restart won't know the gates as they are now: %s", f.text);
		gates->trouble = f;
		return;
	}
	gates->trouble = (struct fault){0};
}

static int load_glass(const struct agent *agent, const cJSON *item, struct gate_entry *entry,
		      struct fault *f)
{
	const cJSON *glass = NULL;
	const char *why = "";
	int64_t since = 0, until = 0;
	int mode = -1, err = json_object(item, "break_glass", &glass, f);

	if (err || !glass)
		return err;
	err = json_word(glass, "mode", mode_words, &mode, f);
	if (!err)
		err = json_int(glass, "since", 0, LICENSE_TIME_MAX, &since, f);
	if (!err)
		err = json_int(glass, "until", 0, LICENSE_TIME_MAX, &until, f);
	if (!err)
		err = json_string(glass, "why", 1, GLASS_WHY_MAX, &why, f);
	return err || mode < 0 ? err : glass_resume(agent, entry, mode, since, until, why);
}

void gatefile_save_again(struct agent *agent)
{
	if (agent->gates.trouble.text[0])
		gatefile_save(agent);
}

static int load_entry(struct agent *agent, const cJSON *item, struct fault *f)
{
	const char *name = "";
	struct place place = {0};
	const cJSON *policy = NULL;
	struct gate_entry *entry;
	int64_t id = 0;
	int mode = -1, shield = SHIELD_OFF, err;

	err = json_string(item, "name", 1, GATE_NAME_MAX, &name, f);
	if (!err)
		err = json_string(item, "netns", 1, 4095, &place.netns, f);
	if (!err)
		err = json_string(item, "cgroup", 1, 4095, &place.cgroup, f);
	if (!err)
		err = json_word(item, "mode", mode_words, &mode, f);
	if (!err)
		err = json_word(item, "shield", shield_words, &shield, f);
	if (!err)
		err = json_int(item, place.cgroup ? "cgroup_id" : "netns_inode", 0, JSON_INT_MAX,
			       &id, f);
	if (!err)
		err = json_object(item, "policy", &policy, f);
	if (err)
		return err;
	if (!gate_name_ok(name) || !place.netns == !place.cgroup || gates_find(&agent->gates, name))
		return fault_set(f, EBADMSG,
				 "gate \"%s\" has a bad name, stands twice or has not one of "
				 "netns and cgroup",
				 name);
	entry = gates_add(&agent->gates, name, &place);
	if (!entry)
		return -ENOMEM;
	entry->mode = mode;
	entry->shield.setting = shield;
	entry->place = (uint64_t)id;
	err = load_glass(agent, item, entry, f);
	if (!err)
		err = pods_file_take(item, entry, f);
	if (err)
		return err;
	if (policy) {
		_free_ char *text = cJSON_PrintUnformatted(policy);
		struct fault why = {0};

		if (text && gate_entry_keep_policy(entry, text, agent->vendors.trust, &why)) {
			entry->policy_text = TAKE_PTR(text);
			log_event(LOG_ERROR, "policy_refused", LOG_FIELDS("gate", name),
				  "the gate's own policy has no effect: %s", why.text);
		}
	}
	return 0;
}

static int load(struct agent *agent, const void *bytes, size_t len, struct fault *f)
{
	_json_ cJSON *root = NULL;
	const cJSON *list = NULL, *item;
	struct json_error error;
	int64_t generation = 0;
	int err = json_parse(bytes, len, &limits, &root, &error);

	if (err)
		return fault_set(f, -err, "%s", err == -EBADMSG ? error.text : strerror(-err));
	err = json_int(root, "generation", 0, JSON_INT_MAX, &generation, f);
	if (!err)
		err = json_array(root, "gates", 0, PLIC_MAX_GATES, &list, f);
	if (err)
		return err;
	if (!list)
		return fault_set(f, EBADMSG, "\"gates\" is missing");
	agent->gates.generation = generation;
	cJSON_ArrayForEach (item, list) {
		err = load_entry(agent, item, f);
		if (err)
			return err;
	}
	return pods_file_take_namespaces(agent, root, f);
}

void gatefile_load(struct agent *agent)
{
	struct gates *gates = &agent->gates;
	_free_ void *bytes = NULL;
	struct fault why = {0};
	size_t len = 0;
	int err = file_read(gates->path, GATEFILE_MAX_BYTES, &bytes, &len, &why);

	if (err == -ENOENT)
		return;
	if (!err)
		err = load(agent, bytes, len, &why);
	if (!err)
		return;
	fault_set(&gates->lost, EBADMSG,
		  "\"%s\" couldn't be read (%s); %s \"%s.bad\", and the gates that are "
		  "pinned were taken over: compare `portlic gate list`",
		  gates->path, why.text, file_set_aside(gates->path), gates->path);
	log_event(LOG_ERROR, "state_lost", LOG_FIELDS("file", gates->path), "%s", gates->lost.text);
}
