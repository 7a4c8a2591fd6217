/* SPDX-License-Identifier: MIT */
/* shield.c - looks at the floods, puts shields up and takes them off. */
#include "shield.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent.h"
#include "gatefile.h"
#include "jobs.h"
#include "json.h"
#include "log.h"
#include "reply.h"

#define RETRY_NS (60 * 1000000000ULL)

const char *const shield_words[] = {"off", "on", "auto", NULL};

/* ---- up and off ---- */

struct turn_job {
	struct job job;
	struct gate_entry *entry;
	enum gate_shield how;
	const char *why; /* for the log */
	bool stands;
	struct fault fault;
	struct gate_attachment *attachments;
	size_t n_attachments;
	attach_done *done;
	void *arg;
};

static void turn_work(struct job *job)
{
	struct turn_job *turn = (struct turn_job *)job;
	struct gate *gate = turn->entry->gate;

	if (!gate)
		return;
	gate_shield(gate, turn->how, &turn->fault);
	turn->stands = gate_shielded(gate);
	gate_attachments(gate, &turn->attachments, &turn->n_attachments, NULL);
}

/* Says once what can't be. */
static void tell_fault(struct gate_entry *entry, const struct fault *fault)
{
	if (fault->text[0] && strcmp(entry->shield.fault.text, fault->text))
		log_event(LOG_WARN, "shield_impossible", LOG_FIELDS("gate", entry->name), "%s",
			  fault->text);
	entry->shield.fault = *fault;
}

static void turned(struct turn_job *turn)
{
	struct gate_entry *entry = turn->entry;
	struct shield *shield = &entry->shield;
	uint64_t now_ns = clock_boot_ns();

	if (turn->how != GATE_SHIELD_OFF || shield->setting == SHIELD_OFF)
		tell_fault(entry, &turn->fault);
	if (turn->how != GATE_SHIELD_OFF && !turn->stands) {
		flood_hold_off(&shield->flood, now_ns);
		shield->retry_ns = now_ns + RETRY_NS;
	}
	if (turn->stands != shield->up)
		log_event(turn->stands ? LOG_WARN : LOG_INFO,
			  turn->stands ? "shield_attached" : "shield_detached",
			  LOG_FIELDS("gate", entry->name, "setting", shield_words[shield->setting]),
			  "%s", turn->why);
	shield->up = turn->stands;
	if (!turn->attachments)
		return;
	free(entry->attachments);
	entry->attachments = turn->attachments;
	entry->n_attachments = turn->n_attachments;
	turn->attachments = NULL;
}

static void turn_done(struct job *job)
{
	struct turn_job *turn = (struct turn_job *)job;
	struct gate_entry *entry = turn->entry;

	entry->shield.turning--;
	if (!entry->removed && entry->state == GATE_ATTACHED)
		turned(turn);
	if (turn->done)
		turn->done(job->agent, turn->arg, 0, &turn->fault);
	free(turn->attachments);
	free(turn);
}

static void turn(struct agent *agent, struct gate_entry *entry, enum gate_shield how,
		 const char *why, attach_done *done, void *arg)
{
	static const struct fault no_memory = {"out of memory"};
	struct turn_job *turn = calloc(1, sizeof(*turn));

	if (!turn) { /* the next tick tries again */
		if (done)
			done(agent, arg, -ENOMEM, &no_memory);
		return;
	}
	turn->job.work = turn_work;
	turn->job.done = turn_done;
	turn->entry = entry;
	turn->how = how;
	turn->why = why;
	turn->done = done;
	turn->arg = arg;
	entry->shield.turning++;
	job_submit(agent, &turn->job);
}

void shield_set(struct agent *agent, struct gate_entry *entry, enum shield_setting setting,
		attach_done *done, void *arg)
{
	struct shield *shield = &entry->shield;

	shield->setting = setting;
	shield->flood = (struct flood){0};
	gatefile_save(agent);
	log_event(LOG_INFO, "gate_shield",
		  LOG_FIELDS("gate", entry->name, "setting", shield_words[setting]),
		  "set on request");
	/* One that stands stays under auto until the next calm. */
	turn(agent, entry,
	     setting == SHIELD_ON		    ? GATE_SHIELD_ALL
	     : setting == SHIELD_AUTO && shield->up ? GATE_SHIELD_FRAMES
						    : GATE_SHIELD_OFF,
	     "set on request", done, arg);
}

void shield_opened(struct agent *agent, struct gate_entry *entry)
{
	struct shield *shield = &entry->shield;
	size_t i;

	shield->up = false;
	shield->flood = (struct flood){0};
	shield->fault = (struct fault){0};
	for (i = 0; i < entry->n_attachments; i++)
		shield->up |= entry->attachments[i].hook == HOOK_SHIELD;
	if (shield->setting == SHIELD_ON || (shield->setting == SHIELD_OFF && shield->up))
		turn(agent, entry, shield->setting == SHIELD_ON ? GATE_SHIELD_ALL : GATE_SHIELD_OFF,
		     "as it is set", NULL, NULL);
}

/* ---- floods ---- */

struct look_job {
	struct job job;
	size_t n;
	struct look_item {
		struct gate_entry *entry;
		bool by_flood; /* its setting is auto */
		bool seen, up;
		struct gate_flood flood;
	} items[];
};

static bool looking; /* a job is under way */

static void look_work(struct job *job)
{
	struct look_job *look = (struct look_job *)job;
	size_t i;

	for (i = 0; i < look->n; i++) {
		struct look_item *item = &look->items[i];
		struct gate *gate = item->entry->gate;

		if (!gate)
			continue;
		item->up = gate_shielded(gate);
		item->seen = !item->by_flood || !gate_flood(gate, &item->flood, NULL);
	}
}

static void act(struct agent *agent, const struct look_item *item)
{
	struct gate_entry *entry = item->entry;
	const struct gate_flood *seen = &item->flood;

	switch (flood_look(&entry->shield.flood, item->up, seen->denied, seen->shielded,
			   seen->refusals_per_s, clock_boot_ns())) {
	case FLOOD_RAISE:
		turn(agent, entry, GATE_SHIELD_FRAMES,
		     "a flood of denied packets: native XDP drops what nobody would be answered; "
		     "bulk traffic is slower meanwhile",
		     NULL, NULL);
		break;
	case FLOOD_LOWER:
		turn(agent, entry, GATE_SHIELD_OFF, "the flood is over", NULL, NULL);
		break;
	case FLOOD_GIVE_UP:
		turn(agent, entry, GATE_SHIELD_OFF,
		     "the flood goes on, but past native XDP: not again within 10 min", NULL, NULL);
		break;
	case FLOOD_STAY:
		break;
	}
}

static void looked(struct agent *agent, const struct look_item *item)
{
	struct gate_entry *entry = item->entry;
	struct shield *shield = &entry->shield;

	if (!item->seen || entry->removed || entry->state != GATE_ATTACHED || shield->turning)
		return;
	if (shield->up && !item->up)
		log_event(LOG_WARN, "shield_detached",
			  LOG_FIELDS("gate", entry->name, "setting", shield_words[shield->setting]),
			  "it was taken off from outside, and can't be put back");
	shield->up = item->up;
	if (shield->setting == SHIELD_AUTO && item->by_flood)
		act(agent, item);
	else if (shield->setting == SHIELD_ON && !item->up && clock_boot_ns() >= shield->retry_ns)
		turn(agent, entry, GATE_SHIELD_ALL, "as it is set", NULL, NULL);
}

static void look_done(struct job *job)
{
	struct look_job *look = (struct look_job *)job;
	size_t i;

	looking = false;
	for (i = 0; i < look->n && !job->agent->stopping; i++)
		looked(job->agent, &look->items[i]);
	free(look);
}

void shield_tick(struct agent *agent)
{
	const struct gates *gates = &agent->gates;
	struct look_job *look;
	size_t i;

	if (looking || agent->stopping)
		return;
	look = calloc(1, sizeof(*look) + gates->n_entries * sizeof(look->items[0]));
	if (!look)
		return;
	for (i = 0; i < gates->n_entries; i++) {
		struct gate_entry *entry = gates->entries[i];

		if (entry->state == GATE_ATTACHED && entry->shield.setting != SHIELD_OFF)
			look->items[look->n++] = (struct look_item){
				.entry = entry, .by_flood = entry->shield.setting == SHIELD_AUTO};
	}
	if (!look->n) {
		free(look);
		return;
	}
	look->job.work = look_work;
	look->job.done = look_done;
	looking = true;
	job_submit(agent, &look->job);
}

cJSON *shield_json(const struct gate_entry *entry)
{
	const struct shield *shield = &entry->shield;
	cJSON *item = cJSON_CreateObject();

	cJSON_AddStringToObject(item, "setting", shield_words[shield->setting]);
	cJSON_AddBoolToObject(item, "attached", shield->up);
	json_put_string(item, "detail", shield->fault.text[0] ? shield->fault.text : NULL);
	return item;
}
