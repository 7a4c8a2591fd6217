/* SPDX-License-Identifier: MIT */
/* glass.c - break-glass: another mode for a gate, for a while and with a reason. */
#include "glass.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent.h"
#include "gatefile.h"
#include "log.h"
#include "stamp.h"

#define NS_PER_S 1000000000ULL

static int take(struct gate_entry *entry, struct glass glass, const char *why)
{
	glass.why = strdup(why);
	if (!glass.why)
		return -ENOMEM;
	free(entry->glass.why);
	entry->glass = glass;
	return 0;
}

int glass_break(struct agent *agent, struct gate_entry *entry, int mode, int64_t seconds,
		const char *why)
{
	int64_t now = clock_now(&agent->clock);
	struct glass glass = {.mode = mode,
			      .since = now,
			      .until = now + seconds,
			      .until_ns = clock_boot_ns() + seconds * NS_PER_S};
	char until[STAMP_LEN];

	if (take(entry, glass, why))
		return -ENOMEM;
	log_event(LOG_ERROR, "break_glass",
		  LOG_FIELDS("gate", entry->name, "mode", mode_word(mode), "until",
			     stamp_format(glass.until, until), "why", why),
		  "%s for %lld s",
		  mode == PLIC_ENFORCE ? "the gate is enforced"
				       : "the gate lets through what no license opens,",
		  (long long)seconds);
	return 0;
}

int glass_resume(const struct agent *agent, struct gate_entry *entry, int mode, int64_t since,
		 int64_t until, const char *why)
{
	int64_t now = clock_now(&agent->clock), left = until - now;
	int64_t most = until - since < GLASS_MAX_S ? until - since : GLASS_MAX_S;
	struct glass glass = {.mode = mode, .since = since, .until = until};

	if (left > most) { /* the clock was put back since */
		left = most;
		glass.until = now + left;
	}
	glass.until_ns = left > 0 ? clock_boot_ns() + left * NS_PER_S : 1;
	return take(entry, glass, why);
}

void glass_mend(struct gate_entry *entry)
{
	if (entry->glass.mode < 0)
		return;
	log_event(LOG_WARN, "break_glass_ended",
		  LOG_FIELDS("gate", entry->name, "why", entry->glass.why),
		  "the gate's own mode holds again");
	free(entry->glass.why);
	entry->glass = (struct glass){.mode = -1};
}

bool glass_holds(const struct gate_entry *entry, uint64_t now_ns)
{
	return entry->glass.mode >= 0 && now_ns < entry->glass.until_ns;
}

int glass_mode(const struct gate_entry *entry, uint64_t now_ns)
{
	return glass_holds(entry, now_ns) ? entry->glass.mode : entry->mode;
}

void glass_tick(struct agent *agent)
{
	uint64_t now_ns = clock_boot_ns();
	bool any = false;
	size_t i;

	for (i = 0; i < agent->gates.n_entries; i++) {
		struct gate_entry *entry = agent->gates.entries[i];

		if (entry->glass.mode < 0 || glass_holds(entry, now_ns) || entry->opening)
			continue;
		glass_mend(entry);
		any = true;
	}
	if (!any)
		return;
	gatefile_save(agent);
	rules_changed(agent);
}
