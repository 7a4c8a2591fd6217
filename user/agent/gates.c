/* SPDX-License-Identifier: MIT */
/* gates.c - the table of gates. */
#include "gates.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "log.h"

static const char *const state_words[GATE_N_STATES] = {
	[GATE_WAITING] = "waiting", [GATE_ATTACHED] = "attached", [GATE_FAILED] = "failed"};

const char *const mode_words[] = {"enforce", "audit", "off", NULL};

const char *mode_word(int mode)
{
	return mode_words[mode];
}

const char *gate_state_word(enum gate_state state)
{
	return state_words[state];
}

bool gate_name_ok(const char *name)
{
	static const char chars[] = "abcdefghijklmnopqrstuvwxyz0123456789"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ._-";
	size_t len = strlen(name), alnum = strlen(chars) - strlen("._-");

	return len && len <= GATE_NAME_MAX && memchr(chars, name[0], alnum) &&
	       memchr(chars, name[len - 1], alnum) && strspn(name, chars) == len;
}

struct gate_entry *gates_find(const struct gates *gates, const char *name)
{
	size_t i;

	for (i = 0; i < gates->n_entries; i++)
		if (!strcmp(gates->entries[i]->name, name))
			return gates->entries[i];
	return NULL;
}

static bool is_of(const struct pod *pod, const char *namespace, size_t len, const char *name)
{
	return pod && !strncmp(pod->namespace, namespace, len) && !pod->namespace[len] &&
	       !strcmp(pod->name, name);
}

struct gate_entry *gates_named(const struct gates *gates, const char *name)
{
	const char *slash = strchr(name, '/');
	struct gate_entry *found = NULL;

	if (!slash)
		return gates_find(gates, name);
	for (size_t i = 0; i < gates->n_entries; i++) {
		struct gate_entry *entry = gates->entries[i];

		if (is_of(entry->pod, name, (size_t)(slash - name), slash + 1) &&
		    (!found || entry->since_ns > found->since_ns))
			found = entry;
	}
	return found;
}

struct gate_entry *gates_on(const struct gates *gates, const struct place *place, uint64_t id)
{
	size_t i;

	for (i = 0; i < gates->n_entries; i++) {
		struct gate_entry *entry = gates->entries[i];

		if (entry->place == id && !entry->cgroup == !place->cgroup &&
		    (entry->opening || entry->state != GATE_WAITING))
			return entry;
	}
	return NULL;
}

static bool free_id(const struct gates *gates, uint32_t *id)
{
	uint32_t candidate;
	size_t i;

	for (candidate = 0; candidate < PLIC_MAX_GATES; candidate++) {
		for (i = 0; i < gates->n_entries; i++)
			if (gates->entries[i]->id == candidate)
				break;
		if (i == gates->n_entries) {
			*id = candidate;
			return true;
		}
	}
	return false;
}

struct gate_entry *gates_add(struct gates *gates, const char *name, const struct place *place)
{
	struct gate_entry **grown, *entry;
	size_t at = gates->n_entries;
	uint32_t id;

	grown = reallocarray(gates->entries, at + 1, sizeof(*grown));
	if (!grown)
		return NULL;
	gates->entries = grown;
	if (!free_id(gates, &id))
		return NULL;
	entry = calloc(1, sizeof(*entry));
	if (!entry)
		return NULL;
	entry->name = strdup(name);
	entry->netns = place->netns ? strdup(place->netns) : NULL;
	entry->cgroup = place->cgroup ? strdup(place->cgroup) : NULL;
	entry->mode = -1;
	entry->glass.mode = -1;
	entry->delay_seconds = -1;
	entry->id = id;
	if (!entry->name || !(entry->netns || entry->cgroup)) {
		gate_entry_free(entry);
		return NULL;
	}
	for (; at && strcmp(grown[at - 1]->name, name) > 0; at--)
		grown[at] = grown[at - 1];
	grown[at] = entry;
	gates->n_entries++;
	return entry;
}

void gates_take_out(struct gates *gates, struct gate_entry *entry)
{
	size_t i = 0;

	while (gates->entries[i] != entry)
		i++;
	gates->n_entries--;
	memmove(gates->entries + i, gates->entries + i + 1,
		(gates->n_entries - i) * sizeof(*gates->entries));
	entry->removed = true;
	gates->events_lost += entry->events_lost + entry->counters.events_lost;
}

void gate_entry_reset(struct gate_entry *entry)
{
	rules_free(entry->rules);
	entry->rules = NULL;
	graveyard_free(&entry->graves);
	free(entry->cut_ports);
	entry->cut_ports = NULL;
	entry->drained = false;
	entry->events_lost += entry->counters.events_lost;
	gate_counters_free(&entry->counters);
	free(entry->attachments);
	entry->attachments = NULL;
	entry->n_attachments = 0;
	gate_stand_free(&entry->stand);
	entry->stand = (struct gate_stand){0};
	free(entry->peers);
	entry->peers = NULL;
	free(entry->seats);
	entry->seats = NULL;
	entry->n_seats = 0;
	entry->n_peers = 0;
	entry->shield.up = false;
	entry->since_ns = 0;
	memset(entry->outranked, 0, sizeof(entry->outranked));
}

void gate_entry_free(struct gate_entry *entry)
{
	gate_entry_reset(entry);
	policy_free(entry->policy);
	free(entry->policy_text);
	if (entry->pod)
		pod_free(entry->pod);
	free(entry->pod);
	free(entry->sandbox);
	free(entry->glass.why);
	drill_free(&entry->drill);
	free(entry->name);
	free(entry->netns);
	free(entry->cgroup);
	free(entry);
}

int gate_entry_set_policy(struct gate_entry *entry, const char *text, const struct trust *trust,
			  struct fault *f)
{
	struct policy *policy;
	char *copy = strdup(text);
	int err;

	if (!copy)
		return -ENOMEM;
	err = policy_parse(entry->name, text, strlen(text), trust, &policy, f);
	if (err) {
		free(copy);
		return err;
	}
	policy_free(entry->policy);
	free(entry->policy_text);
	entry->policy = policy;
	entry->policy_text = copy;
	return 0;
}

int gate_entry_keep_policy(struct gate_entry *entry, const char *text, const struct trust *trust,
			   struct fault *f)
{
	size_t before = entry->n_reserved;
	int err = gate_entry_set_policy(entry, text, NULL, f);

	if (err)
		return err;
	entry->n_reserved = policy_drop_reserved(entry->policy, trust);
	if (entry->n_reserved != before)
		log_event(
			entry->n_reserved ? LOG_ERROR : LOG_INFO, "policy_narrowed",
			LOG_FIELDS("gate", entry->name),
			"%zu opens of the gate's own policy are reserved by a trust file and left "
			"out",
			entry->n_reserved);
	return 0;
}

void gates_reread_policies(struct gates *gates, const struct trust *trust)
{
	size_t i;

	for (i = 0; i < gates->n_entries; i++) {
		struct gate_entry *entry = gates->entries[i];
		_free_ char *text = entry->policy_text ? strdup(entry->policy_text) : NULL;

		if (text)
			gate_entry_keep_policy(entry, text, trust, NULL);
	}
}

/* At the end of the agent, when no job runs. */
void gates_close(struct gates *gates)
{
	size_t i;

	for (i = 0; i < gates->n_entries; i++) {
		gate_close(gates->entries[i]->gate);
		gate_entry_free(gates->entries[i]);
	}
	free(gates->entries);
	free(gates->path);
}
