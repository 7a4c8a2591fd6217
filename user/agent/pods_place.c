/* SPDX-License-Identifier: MIT */
/* pods_place.c - a pod's gate comes up where the pod is. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent.h"
#include "attach.h"
#include "cleanup.h"
#include "gatefile.h"
#include "log.h"
#include "pods_priv.h"

/* A gate on its way up. */
struct placing {
	char name[GATE_NAME_MAX + 1];
	bool process; /* born_ns of the entry is a process's */
};

/*
 * From the pod's first process, or what the runtime asked, to the gate. What began before this agent, or
 * before the pod was selected, is counted from there.
 */
static void measure(struct agent *agent, struct gate_entry *entry, bool process)
{
	const struct pod_entry *pod = pods_find(agent->pods, entry->pod->uid);
	uint64_t from_ns = entry->born_ns;

	if (!from_ns || entry->since_ns < agent->gates.began_ns)
		return; /* it stood before */
	if (pod && pod->selected_ns > from_ns)
		from_ns = pod->selected_ns;
	if (agent->gates.began_ns > from_ns)
		from_ns = agent->gates.began_ns;
	entry->delay_seconds = entry->since_ns > from_ns ? (entry->since_ns - from_ns) / 1e9 : 0;
	agent->pods->delay_sum += entry->delay_seconds;
	agent->pods->delay_count++;
	if (!process || entry->since_ns <= from_ns)
		return;
	entry->exposed_ns = entry->since_ns - from_ns;
	entry->unprotected_ns += entry->exposed_ns;
}

static void log_gated(const struct gate_entry *entry)
{
	const struct place place = place_of(entry);
	char delay[32];

	if (entry->delay_seconds < 0) {
		log_event(LOG_INFO, "pod_gated",
			  LOG_FIELDS("gate", entry->name, "namespace", entry->pod->namespace, "pod",
				     entry->pod->name, "uid", entry->pod->uid, place_word(&place),
				     place_path(&place)),
			  "its gate stood already");
		return;
	}
	snprintf(delay, sizeof(delay), "%.3f", entry->delay_seconds);
	log_event(LOG_INFO, "pod_gated",
		  LOG_FIELDS("gate", entry->name, "namespace", entry->pod->namespace, "pod",
			     entry->pod->name, "uid", entry->pod->uid, place_word(&place),
			     place_path(&place), "attach_delay_seconds", delay),
		  entry->exposed_ns ? "its gate came after its first process"
				    : "its gate stood before its first process");
}

static void placed(struct agent *agent, void *arg, int err, const struct fault *f)
{
	struct placing *placing = arg;
	struct gate_entry *entry = gates_find(&agent->gates, placing->name);

	if (!err && entry && entry->pod && entry->state == GATE_ATTACHED) {
		entry->lost_ns = 0;
		measure(agent, entry, placing->process);
		log_gated(entry);
	}
	free(placing);
	pods_sandbox_wake(agent->pods);
	pods_select(agent);
}

/* NAMESPACE.NAME.UID8; a second namespace of the same pod, while the first has a gate, has a number behind. */
static int name_gate(const struct agent *agent, const struct pod *pod, char name[GATE_NAME_MAX + 1])
{
	char first[POD_GATE_NAME_SIZE];

	pod_gate_name(pod, first);
	snprintf(name, GATE_NAME_MAX + 1, "%s", first);
	for (int i = 2; gates_find(&agent->gates, name); i++) {
		if (i > 99)
			return -EEXIST;
		snprintf(name, GATE_NAME_MAX + 1, "%.*s.%d", GATE_NAME_MAX - 3, first, i);
	}
	return 0;
}

static int set_path(struct gate_entry *entry, const struct pods_site *site)
{
	char *netns = site->netns ? strdup(site->netns) : NULL;
	char *cgroup = site->cgroup ? strdup(site->cgroup) : NULL;
	char *sandbox = strdup(site->sandbox ? site->sandbox : "");

	if (!(netns || cgroup) || !sandbox) {
		free(netns);
		free(cgroup);
		free(sandbox);
		return -ENOMEM;
	}
	free(entry->netns);
	free(entry->cgroup);
	free(entry->sandbox);
	entry->netns = netns;
	entry->cgroup = cgroup;
	entry->sandbox = sandbox;
	return 0;
}

static int set_pod(struct gate_entry *entry, const struct pod *pod)
{
	struct pod *copy = calloc(1, sizeof(*copy));
	int err = copy ? pods_copy(pod, copy) : -ENOMEM;

	if (err) {
		free(copy);
		return err;
	}
	if (entry->pod)
		pod_free(entry->pod);
	free(entry->pod);
	entry->pod = copy;
	return 0;
}

/* The pod's gate that has lost its place, or was on this one. */
static struct gate_entry *find_lost(const struct agent *agent, const struct pod *pod, uint64_t id)
{
	for (size_t i = 0; i < agent->gates.n_entries; i++) {
		struct gate_entry *entry = agent->gates.entries[i];

		if (entry->pod && !strcmp(entry->pod->uid, pod->uid) &&
		    (pods_gate_lost(entry) || entry->place == id))
			return entry;
	}
	return NULL;
}

/* Pins that gates.json lost: the gate has the name of the pod's, and is where the pod is. */
static bool is_nameless(const struct gate_entry *entry, const struct pod *pod)
{
	char name[POD_GATE_NAME_SIZE];

	pod_gate_name(pod, name);
	return !entry->pod && !strcmp(entry->name, name);
}

static struct gate_entry *make_entry(struct agent *agent, const struct pod *pod,
				     const struct pods_site *site, struct fault *f)
{
	const struct place place = {site->netns, site->cgroup};
	struct gate_entry *entry = find_lost(agent, pod, site->id);
	char name[GATE_NAME_MAX + 1];

	if (!entry) {
		if (!name_gate(agent, pod, name))
			entry = gates_add(&agent->gates, name, &place);
		if (!entry) {
			fault_set(f, ENOSPC, "no room for its gate: the most is %d",
				  PLIC_MAX_GATES);
			return NULL;
		}
		entry->tried = true;
	}
	if (!set_path(entry, site) && !set_pod(entry, pod))
		return entry;
	fault_set(f, ENOMEM, "out of memory");
	if (!entry->pod) {
		gates_take_out(&agent->gates, entry);
		gate_entry_free(entry);
	}
	return NULL;
}

static int submit(struct agent *agent, struct gate_entry *entry, const struct pods_site *site)
{
	struct placing *placing = calloc(1, sizeof(*placing));

	if (!placing)
		return -ENOMEM;
	placing->process = site->process;
	snprintf(placing->name, sizeof(placing->name), "%s", entry->name);
	attach_open(agent, entry, site->id, placed, placing);
	gatefile_save(agent);
	return 0;
}

struct gate_entry *pods_place(struct agent *agent, const struct pod *pod,
			      const struct pods_site *site, struct fault *f)
{
	const struct place place = {site->netns, site->cgroup};
	struct gate_entry *entry = gates_on(&agent->gates, &place, site->id);

	if (place_check(agent, &place, site->id, f))
		return NULL;
	if (entry && is_nameless(entry, pod)) {
		if (set_pod(entry, pod))
			return NULL;
		gatefile_save(agent);
		rules_changed(agent);
	}
	if (entry && (!entry->pod || strcmp(entry->pod->uid, pod->uid))) {
		fault_set(f, EEXIST,
			  "its %s has the gate \"%s\", which is another's: delete that one",
			  place.cgroup ? "cgroup" : "network namespace", entry->name);
		return NULL;
	}
	if (entry && (entry->opening || entry->state == GATE_ATTACHED))
		return entry;
	entry = make_entry(agent, pod, site, f);
	if (!entry)
		return NULL;
	entry->born_ns = site->born_ns;
	entry->pod_partial = site->partial;
	if (submit(agent, entry, site)) {
		fault_set(f, ENOMEM, "out of memory");
		return NULL;
	}
	return entry;
}

bool pods_may_open(const struct gate_entry *entry, uint64_t id, struct fault *f)
{
	if (!entry->pod || (entry->place && entry->place == id))
		return true;
	fault_set(f, 0, "pod \"%s/%s\" isn't seen running yet", entry->pod->namespace,
		  entry->pod->name);
	return false;
}

void pods_lost(struct gate_entry *entry)
{
	if (entry->pod)
		entry->place = 0;
}

void pods_adopted(struct agent *agent)
{
	for (size_t i = 0; i < agent->gates.n_entries; i++) {
		struct gate_entry *entry = agent->gates.entries[i];

		if (!entry->since_ns)
			pods_lost(entry);
	}
	pods_select(agent);
}
