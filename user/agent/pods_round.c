/* SPDX-License-Identifier: MIT */
/* pods_round.c - which pods are selected, and which gates have to come and to go. */
#include <string.h>

#include "agent.h"
#include "attach.h"
#include "log.h"
#include "pods_priv.h"

#define FIND_NS                                                                                    \
	(10 * SECOND_NS) /* from its first container until a look has to find its namespace */
#define COLLECT_NS (5 * SECOND_NS) /* how long the gate of a pod that has ended waits for it */

bool pods_gate_lost(const struct gate_entry *entry)
{
	return entry->state == GATE_WAITING && !entry->opening && entry->tried;
}

struct gate_entry *pods_gate_on(const struct agent *agent, const char *uid, uint64_t id)
{
	for (size_t i = 0; i < agent->gates.n_entries; i++) {
		struct gate_entry *entry = agent->gates.entries[i];

		if (entry->pod && !strcmp(entry->pod->uid, uid) &&
		    (id ? entry->place == id : !pods_gate_lost(entry)))
			return entry;
	}
	return NULL;
}

void pods_remove(struct agent *agent, struct gate_entry *entry, const char *why, attach_done *done,
		 void *arg)
{
	if (entry->pod)
		log_event(LOG_INFO, "pod_gone",
			  LOG_FIELDS("gate", entry->name, "namespace", entry->pod->namespace, "pod",
				     entry->pod->name, "uid", entry->pod->uid),
			  "its gate is removed: %s", why);
	else
		log_event(LOG_INFO, "container_gone", LOG_FIELDS("gate", entry->name),
			  "its gate is removed: %s", why);
	attach_remove(agent, entry, done, arg);
}

static void wait_for(struct pod_entry *pod, enum pod_state state, const char *why)
{
	bool other = strcmp(pod->why.text, why) != 0;

	if (state == POD_EXCLUDED && (pod->state != state || other))
		log_event(LOG_WARN, "pod_excluded",
			  LOG_FIELDS("namespace", pod->pod.namespace, "pod", pod->pod.name, "uid",
				     pod->pod.uid),
			  "it is selected and has no gate: %s", why);
	pod->state = state;
	if (other)
		fault_set(&pod->why, 0, "%s", why);
}

void pods_exclude(struct pod_entry *pod, const char *why)
{
	wait_for(pod, POD_EXCLUDED, why);
}

/* It has none: why, or why not yet. */
static void judge_ungated(const struct agent *agent, struct pod_entry *pod)
{
	uint64_t since_ns = pod->selected_ns > pod->running_ns ? pod->selected_ns : pod->running_ns;

	if (pod->pod.ended) {
		pod->state = POD_UNSELECTED;
		fault_set(&pod->why, 0, "it has ended");
	} else if (pod->state == POD_EXCLUDED && pod->why.text[0]) {
		return; /* the next look tells anew */
	} else if (pod->running_ns && agent->pods->looked_ns > since_ns + FIND_NS) {
		wait_for(
			pod, POD_EXCLUDED,
			agent->pods->trouble.text[0]
				? agent->pods->trouble.text
				: "it runs, and no process of it is seen in /proc: the agent needs "
				  "hostPID, and cgroups that name the pod's UID");
	} else {
		wait_for(pod, POD_WAITING,
			 pod->running_ns ? "its processes are being looked for"
					 : "its sandbox isn't there yet");
	}
}

static void judge_gated(struct pod_entry *pod, const struct gate_entry *gate)
{
	if (gate->state == GATE_ATTACHED) {
		pod->state = POD_GATED;
		pod->why = (struct fault){0};
	} else if (gate->state == GATE_FAILED && !gate->opening) {
		wait_for(pod, POD_EXCLUDED, gate->error.text);
	} else if (pod->state != POD_EXCLUDED) {
		wait_for(pod, POD_WAITING, "its gate is on its way up");
	}
}

static void judge(struct agent *agent, struct pod_entry *pod, uint64_t now_ns)
{
	const struct gate_entry *gate = pods_gate_on(agent, pod->pod.uid, 0);
	struct pod_view view;

	pods_view(agent, &pod->pod, "", &view);
	if (!view.selected) {
		pod->judged = true;
		pod->state = POD_UNSELECTED;
		pod->selected_ns = 0;
		pod->why = (struct fault){0};
		return;
	}
	if (!pod->selected_ns) /* all along, or because something changed */
		pod->selected_ns = pod->judged ? now_ns : agent->gates.began_ns;
	pod->judged = true;
	if (gate)
		judge_gated(pod, gate);
	else
		judge_ungated(agent, pod);
}

/* As the API server has them by now; what gates.json remembers may be of before. */
static bool is_live(const struct agent *agent, const struct pod_view *view)
{
	return view->namespace && !view->namespace->remembered && pods_known(agent->pods);
}

/* Whatever the labels are. */
static bool may_match(const struct agent *agent, const struct pod_view *view)
{
	const struct source *source = &agent->policies.source;

	for (size_t i = 0; i < source->n_files; i++) {
		const struct policy *policy = source->files[i]->value;

		if (policy && policy_may_match(policy, view->subject.namespace, NULL,
					       view->subject.by_name_only))
			return true;
	}
	return false;
}

/* Nobody asks for it any more; without the API server only where nobody can. */
static bool is_unselected(const struct agent *agent, const struct gate_entry *entry)
{
	struct pod_view view;

	if (!entry->pod)
		return false;
	pods_view(agent, entry->pod, entry->name, &view);
	if (view.selected)
		return false;
	return entry->pod_partial || !is_live(agent, &view) ? !may_match(agent, &view) : true;
}

/*
 * Its pod has ended, as far as the API server says; where none is asked, what a runtime had put up has ended with
 * its network namespace, whose name never comes again.
 */
static bool is_over(const struct agent *agent, const struct gate_entry *entry)
{
	const struct pod_entry *pod;

	if (!entry->pod || !agent->config.kubernetes.on)
		return entry->sandbox && entry->sandbox[0];
	pod = pods_find(agent->pods, entry->pod->uid);
	return pods_known(agent->pods) && (!pod || pod->pod.ended);
}

bool pods_hold(const struct agent *agent, const struct gate_entry *entry)
{
	struct pod_view view;

	if (!entry->pod || pods_gate_lost(entry))
		return false;
	pods_view(agent, entry->pod, entry->name, &view);
	return view.selected;
}

/* true: it has been removed. */
static bool judge_gate(struct agent *agent, struct gate_entry *entry, uint64_t now_ns)
{
	if (!pods_gate_lost(entry))
		entry->lost_ns = 0;
	else if (!entry->lost_ns)
		entry->lost_ns = now_ns;
	if (is_unselected(agent, entry)) {
		pods_remove(agent, entry, "nothing selects its pod any more", NULL, NULL);
		return true;
	}
	if (entry->lost_ns && now_ns - entry->lost_ns >= COLLECT_NS && is_over(agent, entry)) {
		pods_remove(agent, entry, "what it was for has ended", NULL, NULL);
		return true;
	}
	return false;
}

/* Pods without a gate, and gates that wait for their pod. */
static bool anybody_waits(const struct agent *agent)
{
	const struct pods *pods = agent->pods;

	for (size_t i = 0; i < pods->n; i++)
		if (pods->list[i]->selected_ns && !pods->list[i]->pod.ended &&
		    !pods_gate_on(agent, pods->list[i]->pod.uid, 0))
			return true;
	for (size_t i = 0; i < agent->gates.n_entries; i++)
		if (agent->gates.entries[i]->pod && pods_gate_lost(agent->gates.entries[i]))
			return true;
	return false;
}

void pods_round(struct agent *agent)
{
	struct pods *pods = agent->pods;
	uint64_t now_ns = clock_boot_ns();

	if (!pods || agent->stopping || !agent->node)
		return;
	for (size_t i = agent->gates.n_entries; i-- > 0;)
		if (agent->gates.entries[i]->pod || agent->gates.entries[i]->sandbox)
			judge_gate(agent, agent->gates.entries[i], now_ns);
	for (size_t i = 0; i < pods->n; i++)
		judge(agent, pods->list[i], now_ns);
	pods_sandbox_wake(pods);
	if (anybody_waits(agent))
		pods_look(pods);
}
