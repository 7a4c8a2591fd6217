/* SPDX-License-Identifier: MIT */
/* kube_census.c - the writer's view of all nodes: their Leases are watched while this agent leads. */
#include <stdio.h>
#include <string.h>

#include "agent.h"
#include "cleanup.h"
#include "kube_items.h"
#include "log.h"
#include "moment.h"

#define US_PER_S 1000000
#define DROP_S 86400 /* the Lease of a node that said nothing for so long goes */

static struct kube_node **node_place(struct kube_sync *sync, const char *name)
{
	struct kube_node **at = &sync->nodes;

	while (*at && strcmp((*at)->name, name))
		at = &(*at)->next;
	return at;
}

static void drop(struct kube_sync *sync, struct kube_node **at)
{
	struct kube_node *node = *at;

	if (!node)
		return;
	*at = node->next;
	sync->n_nodes--;
	nodereport_free(&node->report);
	free(node->name);
	free(node);
}

static struct kube_node *put(struct kube_sync *sync, char *name)
{
	struct kube_node **at = node_place(sync, name);

	if (*at) {
		free(name);
		return *at;
	}
	*at = calloc(1, sizeof(**at));
	if (!*at) {
		free(name);
		return NULL;
	}
	(*at)->name = name;
	sync->n_nodes++;
	return *at;
}

/* What can't be read tells nothing: the node counts, with no license in force. */
static void take(struct agent *agent, struct lease *lease)
{
	struct kube_node *node = put(&agent->kube_sync, TAKE_PTR(lease->object.name));
	struct fault f = {0};
	int64_t renewed = 0;

	if (!node)
		return;
	if (lease->renewed)
		moment_parse(lease->renewed, 0, &renewed, &f);
	node->renewed = renewed;
	nodereport_free(&node->report);
	if (lease->report &&
	    nodereport_read(lease->report, strlen(lease->report), &node->report, &f))
		log_event(LOG_WARN, "kube_report_bad", LOG_FIELDS("lease", node->name), "%s",
			  f.text);
}

static void on_begin(void *arg)
{
	struct agent *agent = arg;

	while (agent->kube_sync.nodes)
		drop(&agent->kube_sync, &agent->kube_sync.nodes);
}

static void on_present(void *arg, const cJSON *object)
{
	struct lease lease = {0};
	struct fault f = {0};

	if (lease_read(object, &lease, &f))
		return;
	take(arg, &lease);
	lease_free(&lease);
}

static void on_gone(void *arg, const cJSON *object)
{
	struct agent *agent = arg;
	struct kobject meta = {0};
	struct fault f = {0};

	if (kobject_read(object, &meta, &f))
		return;
	drop(&agent->kube_sync, node_place(&agent->kube_sync, meta.name));
	kobject_free(&meta);
}

static void on_end(void *arg)
{
}

void kube_census_start(struct agent *agent)
{
	_free_ char *path = kube_own_path(agent, LEASE_API, "leases");
	const struct kube_watch_spec spec = {.path = path,
					     .query = "labelSelector=portlic.dev%2Flease%3Dnode",
					     .what = "the reports of the nodes",
					     .kind = KUBE_REPORTS,
					     .consumer = {on_begin, on_present, on_gone, on_end},
					     .arg = agent};

	if (path && !agent->kube_sync.nodes_watch)
		agent->kube_sync.nodes_watch = kube_watch(agent, &spec);
}

void kube_census_stop(struct agent *agent)
{
	struct kube_sync *sync = &agent->kube_sync;

	kube_unwatch(sync->nodes_watch);
	sync->nodes_watch = NULL;
	kube_cancel(sync->drop_request);
	sync->drop_request = NULL;
	while (sync->nodes)
		drop(sync, &sync->nodes);
}

static int64_t silent_s(const struct kube_node *node)
{
	return kube_wall_us() / US_PER_S - node->renewed;
}

static void on_dropped(void *arg, const struct kube_answer *answer)
{
	((struct agent *)arg)->kube_sync.drop_request = NULL;
}

/* One at a time: it is in no hurry. */
void kube_census_tick(struct agent *agent)
{
	struct kube_sync *sync = &agent->kube_sync;
	struct kube_node *node = sync->nodes;
	struct fault f = {0};

	if (sync->drop_request || !kube_leads(agent))
		return;
	while (node && silent_s(node) < DROP_S)
		node = node->next;
	if (!node)
		return;
	node->renewed =
		kube_wall_us() / US_PER_S - NODEREPORT_VALID_S; /* if that fails, again in a day */
	sync->drop_request =
		kube_lease_request(agent, "DELETE", node->name, NULL, on_dropped, agent, &f);
}

void kube_census_count(const struct agent *agent, const char *file, const char *hash, size_t *holds,
		       size_t *all)
{
	const struct kube_node *node;

	*holds = *all = 0;
	for (node = agent->kube_sync.nodes; node; node = node->next) {
		const struct nodereport_entry *entry;

		if (silent_s(node) >= NODEREPORT_VALID_S)
			continue;
		++*all;
		entry = file ? nodereport_find(&node->report, file) : NULL;
		*holds += entry && license_state_holds(entry->state) && !strcmp(entry->hash, hash);
	}
}

enum license_state kube_census_state(const struct agent *agent, const char *file)
{
	enum license_state state = STATE_REJECTED;
	const struct kube_node *node;

	for (node = agent->kube_sync.nodes; node; node = node->next) {
		const struct nodereport_entry *entry = nodereport_find(&node->report, file);

		if (!entry || silent_s(node) >= NODEREPORT_VALID_S ||
		    entry->state == STATE_REJECTED)
			continue;
		state = entry->state;
		if (license_state_holds(state))
			break;
	}
	return state;
}
