/* SPDX-License-Identifier: MIT */
/*
 * drill.h - a rehearsal that is enforced on one gate, for staging: the clock ahead, a license taken away
 * or added, for a while. The kernel's clock ends it; an agent that starts anew ends it, too.
 */
#ifndef PORTLIC_AGENT_DRILL_H
#define PORTLIC_AGENT_DRILL_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

#define DRILL_MAX_S 86400

struct agent;
struct gate_entry;
struct whatif;

struct drill {
	int64_t ahead_s;   /* of the clock */
	char *without;	   /* lid or file name; NULL: none */
	char *with, *file; /* token, and the file's place that it takes; NULL: none */
	int64_t until;	   /* effective time */
	uint64_t until_ns; /* boot clock; 0: no drill */
};

/* Takes the place of one that runs. Strings are copied, each may be NULL. -ENOMEM. */
int drill_begin(struct agent *agent, struct gate_entry *entry, const struct drill *drill,
		int64_t seconds);

bool drill_holds(const struct gate_entry *entry, uint64_t now_ns);
void drill_free(struct drill *drill);
void drill_end(struct gate_entry *entry);

/* All of them. false: there was none. */
bool drill_end_all(struct agent *agent);

/* Once a second: ends what is over. */
void drill_tick(struct agent *agent);

/* Changes what would be for the gate as its drill does. -ENOMEM. */
int drill_put(const struct gate_entry *entry, struct whatif *w);

/* {"at","without","with","until"}; null without one. with: the file's name, or "token". */
cJSON *drill_json(const struct agent *agent, const struct gate_entry *entry);

#endif
