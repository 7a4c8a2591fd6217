/* SPDX-License-Identifier: MIT */
/* probing.c - looks for the kubelet now and then, in a job. */
#include "probing.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent.h"
#include "cleanup.h"
#include "jobs.h"
#include "log.h"
#include "reply.h"

#define LOOK_NS 10000000000ULL

struct look_job {
	struct job job;
	bool asked;		    /* is there to be a kubelet at all? */
	enum plic_told told;	    /* before, and after it */
	struct kubelet_place place; /* the same */
	struct fault why;
};

/* Why no cgroup tells, for as long as the kubelet stays where it is. */
static bool says_nothing(int err)
{
	return err == -EOPNOTSUPP || err == -EBUSY || err == -ENOTUNIQ;
}

static int follow(struct look_job *look, struct kubelet_place *found)
{
	struct node *node = look->job.agent->node;
	bool same = look->told == PLIC_TOLD_CGROUP && look->place.id == found->id;
	int err = same ? kubelet_seen(node, found, NULL) : -ENOENT;

	return err ? kubelet_follow(node, found, &look->why) : 0;
}

/*
 * A kubelet that isn't there probes nothing, and one that comes back is known soon: as long as the agent lives
 * it needs no guess. What fails for another reason changes nothing either.
 */
static void look_for_it(struct look_job *look)
{
	struct agent *agent = look->job.agent;
	_cleanup_(kubelet_place_free) struct kubelet_place found = {0};
	int err = kubelet_find(agent->config.kubernetes.kubelet_cgroup, &found, &look->why);

	if (!err)
		err = follow(look, &found);
	if (!err) {
		look->told = PLIC_TOLD_CGROUP;
		kubelet_place_free(&look->place);
		look->place = found;
		found = (struct kubelet_place){0};
		look->why = (struct fault){0};
	} else if (look->told == PLIC_TOLD_CGROUP && !says_nothing(err)) {
		kubelet_seen(agent->node, &look->place, NULL);
	} else if (!kubelet_leave(agent->node, true, NULL)) {
		look->told = PLIC_TOLD_GUESS;
		kubelet_place_free(&look->place);
	}
}

static void look_work(struct job *job)
{
	struct look_job *look = (struct look_job *)job;

	if (look->asked)
		look_for_it(look);
	else
		kubelet_leave(job->agent->node, false, &look->why);
}

static void note(const struct probing *before, const struct look_job *now)
{
	if (now->told == PLIC_TOLD_CGROUP && before->place.id != now->place.id)
		log_event(LOG_INFO, "kubelet_found", LOG_FIELDS("cgroup", now->place.path),
			  "its probes are known by their connections");
	else if (now->why.text[0] && strcmp(before->why.text, now->why.text))
		log_event(LOG_WARN, "kubelet_unknown", LOG_NO_FIELDS, "%s", now->why.text);
}

static void look_done(struct job *job)
{
	struct look_job *look = (struct look_job *)job;
	struct probing *probing = &job->agent->probing;

	note(probing, look);
	kubelet_place_free(&probing->place);
	probing->told = look->told;
	probing->place = look->place;
	probing->why = look->why;
	probing->next_ns = clock_boot_ns() + LOOK_NS;
	probing->looking = false;
	probing->looked = true;
	free(look);
}

static bool is_due(const struct agent *agent)
{
	const struct probing *probing = &agent->probing;

	if (!agent->node || agent->stopping || probing->looking)
		return false;
	if (!agent->config.kubernetes.on)
		return !probing->looked;
	return clock_boot_ns() >= probing->next_ns ||
	       (probing->told == PLIC_TOLD_CGROUP && kubelet_is_anew(&probing->place));
}

void probing_tick(struct agent *agent)
{
	struct probing *probing = &agent->probing;
	struct look_job *look = is_due(agent) ? calloc(1, sizeof(*look)) : NULL;

	if (!look)
		return;
	look->job.work = look_work;
	look->job.done = look_done;
	look->asked = agent->config.kubernetes.on;
	look->told = probing->told;
	if (probing->place.path) {
		look->place =
			(struct kubelet_place){strdup(probing->place.path), probing->place.id};
		if (!look->place.path) {
			free(look);
			return;
		}
	}
	probing->looking = true;
	job_submit(agent, &look->job);
}

static const char *told_word(enum plic_told told)
{
	static const char *const words[] = {[PLIC_TOLD_NONE] = "none",
					    [PLIC_TOLD_CGROUP] = "cgroup",
					    [PLIC_TOLD_GUESS] = "budget"};

	return words[told];
}

cJSON *probing_json(const struct agent *agent)
{
	const struct probing *probing = &agent->probing;
	cJSON *object = cJSON_CreateObject();

	cJSON_AddStringToObject(object, "told", told_word(probing->told));
	json_put_string(object, "cgroup", probing->place.path);
	json_put_string(object, "why", probing->why.text[0] ? probing->why.text : NULL);
	return object;
}

void probing_warn(const struct agent *agent, cJSON *warnings)
{
	const struct probing *probing = &agent->probing;

	if (probing->told == PLIC_TOLD_GUESS)
		json_warn(
			warnings,
			"probes: what comes from an address of this node to a port that is probed "
			"is taken for a probe, 2 connections a second with 64 KiB each: %s",
			probing->why.text);
	else if (probing->why.text[0])
		json_warn(warnings, "probes: %s", probing->why.text);
}
