/* SPDX-License-Identifier: MIT */
/* drill.c - a rehearsal that is enforced on one gate. */
#include "drill.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent.h"
#include "log.h"
#include "reply.h"
#include "stamp.h"
#include "whatif.h"

void drill_free(struct drill *drill)
{
	free(drill->without);
	free(drill->with);
	free(drill->file);
	*drill = (struct drill){0};
}

/* false: no memory. */
static bool copy(char **to, const char *from)
{
	*to = from ? strdup(from) : NULL;
	return !from || *to;
}

int drill_begin(struct agent *agent, struct gate_entry *entry, const struct drill *drill,
		int64_t seconds)
{
	struct drill next = {.ahead_s = drill->ahead_s};
	bool whole = copy(&next.without, drill->without);
	char at[STAMP_LEN], until[STAMP_LEN];

	whole &= copy(&next.with, drill->with);
	whole &= copy(&next.file, drill->file);
	if (!whole) {
		drill_free(&next);
		return -ENOMEM;
	}
	next.until = clock_now(&agent->clock) + seconds;
	next.until_ns = clock_boot_ns() + seconds * 1000000000ULL;
	drill_free(&entry->drill);
	entry->drill = next;
	log_event(LOG_WARN, "rehearsal_begun",
		  LOG_FIELDS("gate", entry->name, "at",
			     stamp_format(clock_now(&agent->clock) + next.ahead_s, at), "without",
			     next.without ? next.without : "", "until",
			     stamp_format(next.until, until)),
		  "the gate is judged as if it were so");
	return 0;
}

bool drill_holds(const struct gate_entry *entry, uint64_t now_ns)
{
	return now_ns < entry->drill.until_ns;
}

void drill_end(struct gate_entry *entry)
{
	if (!entry->drill.until_ns)
		return;
	log_event(LOG_INFO, "rehearsal_ended", LOG_FIELDS("gate", entry->name),
		  "the gate is judged as it is");
	drill_free(&entry->drill);
}

bool drill_end_all(struct agent *agent)
{
	bool any = false;
	size_t i;

	for (i = 0; i < agent->gates.n_entries; i++) {
		any |= agent->gates.entries[i]->drill.until_ns != 0;
		drill_end(agent->gates.entries[i]);
	}
	return any;
}

void drill_tick(struct agent *agent)
{
	uint64_t now_ns = clock_boot_ns();
	bool any = false;
	size_t i;

	for (i = 0; i < agent->gates.n_entries; i++) {
		struct gate_entry *entry = agent->gates.entries[i];

		if (!entry->drill.until_ns || drill_holds(entry, now_ns))
			continue;
		drill_end(entry);
		any = true;
	}
	if (any)
		rules_changed(agent);
}

int drill_put(const struct gate_entry *entry, struct whatif *w)
{
	const struct agent *agent = w->agent;
	const struct drill *drill = &entry->drill;
	struct license_check check =
		licenses_check(&agent->licenses, agent->vendors.trust, clock_now(&agent->clock));
	struct license *lic = NULL;
	struct rejection why;

	if (drill->without)
		whatif_without(w, drill->without);
	if (!drill->with || license_read(&check, drill->with, strlen(drill->with), &lic, &why))
		return 0;
	return whatif_with(w, drill->file, lic);
}

cJSON *drill_json(const struct agent *agent, const struct gate_entry *entry)
{
	const struct drill *drill = &entry->drill;
	cJSON *item;

	if (!drill_holds(entry, clock_boot_ns()))
		return cJSON_CreateNull();
	item = cJSON_CreateObject();
	json_put_time(item, "at", clock_now(&agent->clock) + drill->ahead_s);
	json_put_string(item, "without", drill->without);
	json_put_string(item, "with", drill->file ? drill->file : drill->with ? "token" : NULL);
	json_put_time(item, "until", drill->until);
	return item;
}
