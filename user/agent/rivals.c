/* SPDX-License-Identifier: MIT */
/* rivals.c - foreign programs that decide before a gate's own, or instead: told, counted, warned of. */
#include "rivals.h"

#include <stdio.h>
#include <string.h>

#include "log.h"
#include "reply.h"

/* "x" (BPF program 12); "u32" (no BPF program). */
static void name_rival(const struct gate_rival *rival, char *text, size_t size)
{
	if (rival->prog_id)
		snprintf(text, size, "\"%s\" (BPF program %u)", rival->name, rival->prog_id);
	else
		snprintf(text, size, "\"%s\" (no BPF program)", rival->name);
}

void rival_text(enum gate_hook hook, const char *interface, const struct gate_rival *rival,
		char *text, size_t size)
{
	char who[64];

	name_rival(rival, who, sizeof(who));
	if (hook == HOOK_SOCKET)
		snprintf(
			text, size,
			"a foreign sk_lookup program, %s, is on the namespace: if it selects a "
			"socket, that overrules a denial, and this node can't prevent it; find who "
			"attached it with `bpftool link`",
			who);
	else
		snprintf(text, size,
			 "a foreign program, %s, runs ahead of it on %s and can take packets past "
			 "it: find who attached it with `bpftool net` inside the namespace",
			 who, interface);
}

static void log_regained(const struct gate_entry *entry, enum gate_hook hook,
			 const struct gate_outranked *now)
{
	char who[64], id[16];

	name_rival(&now->rival, who, sizeof(who));
	snprintf(id, sizeof(id), "%u", now->rival.prog_id);
	log_event(LOG_ERROR, "attachment_outranked",
		  LOG_FIELDS("gate", entry->name, "hook", gate_hook_word(hook), "interface",
			     now->interface, "program", now->rival.name, "program_id", id),
		  "a foreign program, %s, had been put ahead; ours is ahead again", who);
}

static void log_held(const struct gate_entry *entry, enum gate_hook hook,
		     const struct gate_outranked *now)
{
	char text[384], id[16];

	rival_text(hook, now->interface, &now->rival, text, sizeof(text));
	snprintf(id, sizeof(id), "%u", now->rival.prog_id);
	log_event(LOG_ERROR, "gate_overridden",
		  LOG_FIELDS("gate", entry->name, "hook", gate_hook_word(hook), "interface",
			     now->interface, "program", now->rival.name, "program_id", id),
		  "%s", text);
}

void rivals_swept(struct gate_entry *entry, const struct gate_sweep *seen)
{
	for (enum gate_hook hook = 0; hook < GATE_N_HOOKS; hook++) {
		const struct gate_outranked *now = &seen->outranked[hook];
		struct gate_outranked *before = &entry->outranked[hook];

		entry->lost[hook] += now->regained;
		if (now->regained)
			log_regained(entry, hook, now);
		if (now->held && (!before->held || before->rival.prog_id != now->rival.prog_id))
			log_held(entry, hook, now);
		if (!now->held && before->held)
			log_event(LOG_INFO, "gate_overridden_no_more",
				  LOG_FIELDS("gate", entry->name, "hook", gate_hook_word(hook)),
				  "no foreign program decides before ours any more");
		*before = *now;
	}
}

void rivals_warn(cJSON *warnings, const struct gate_entry *entry)
{
	char text[384];

	for (enum gate_hook hook = 0; hook < GATE_N_HOOKS; hook++) {
		const struct gate_outranked *now = &entry->outranked[hook];

		if (!now->held)
			continue;
		rival_text(hook, now->interface, &now->rival, text, sizeof(text));
		json_warn(warnings, "OVERRIDDEN: gate \"%s\": %s: %s", entry->name,
			  gate_hook_word(hook), text);
	}
}
