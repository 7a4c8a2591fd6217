/* SPDX-License-Identifier: MIT */
/* kubenodes.c - the watch of nodes, and what it tells about origins. */
#include "kubenodes.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent.h"
#include "cleanup.h"
#include "file.h"
#include "kube.h"
#include "log.h"
#include "portlic.h"
#include "reply.h"

#define SAVE_NS 10000000000ULL /* no more often */

int kubenodes_open(struct agent *agent)
{
	struct kubenodes *at = &agent->kubenodes;
	_free_ void *bytes = NULL;
	struct fault why = {0};
	size_t len = 0;
	int err;

	if (asprintf(&at->path, "%s/k8s-nodes.json", agent->config.state_dir) < 0) {
		at->path = NULL;
		return -ENOMEM;
	}
	if (!agent->config.kubernetes.on)
		return 0;
	err = file_read(at->path, CLUSTER_NODES_MAX_BYTES, &bytes, &len, &why);
	if (!err)
		err = cluster_nodes_parse(bytes, len, &at->nodes, &why);
	if (err && err != -ENOENT)
		log_event(
			LOG_ERROR, "state_lost", LOG_FIELDS("file", at->path),
			"it couldn't be read (%s): addresses of pods and nodes are external until "
			"the API server tells them",
			why.text[0] ? why.text : strerror(-err));
	return 0;
}

static void note(struct agent *agent)
{
	struct kubenodes *at = &agent->kubenodes;

	if (!at->nodes.changed)
		return;
	at->nodes.changed = false;
	at->unsaved = true;
	origins_look(agent, NULL);
}

#define NODE_UNKNOWN                                                                               \
	"this cluster has no node \"%s\", so no pod is seen to be on this one: correct \"node\" "  \
	"of "                                                                                      \
	"\"kubernetes\", or NODE_NAME (fieldRef spec.nodeName)"

/* After a whole list or a change of it. */
static void look_for_own(struct agent *agent)
{
	struct kubenodes *at = &agent->kubenodes;
	const char *name = agent->config.kubernetes.node;
	bool lost = at->nodes.n && !cluster_nodes_has(&at->nodes, name);

	if (lost && !at->is_lost)
		log_event(LOG_WARN, "node_unknown", LOG_FIELDS("node", name), NODE_UNKNOWN, name);
	at->is_lost = lost;
}

void kubenodes_warn(const struct agent *agent, cJSON *warnings)
{
	if (agent->kubenodes.is_lost)
		json_warn(warnings, "Kubernetes: " NODE_UNKNOWN, agent->config.kubernetes.node);
}

static void on_begin(void *arg)
{
	cluster_nodes_begin(&((struct agent *)arg)->kubenodes.nodes);
}

static void on_present(void *arg, const cJSON *object)
{
	struct agent *agent = arg;
	struct fault f = {0};

	if (cluster_nodes_present(&agent->kubenodes.nodes, object, &f))
		log_event(LOG_WARN, "node_unreadable", LOG_NO_FIELDS,
			  "some of a node's addresses count as external: %s",
			  f.text[0] ? f.text : "out of memory");
	if (agent->kubenodes.nodes.listing)
		return;
	look_for_own(agent);
	note(agent);
}

static void on_gone(void *arg, const cJSON *object)
{
	struct agent *agent = arg;

	cluster_nodes_gone(&agent->kubenodes.nodes, object);
	look_for_own(agent);
	note(agent);
}

static void on_end(void *arg)
{
	struct agent *agent = arg;

	cluster_nodes_end(&agent->kubenodes.nodes);
	look_for_own(agent);
	note(agent);
}

void kubenodes_start(struct agent *agent)
{
	const struct kube_watch_spec spec = {
		.path = "/api/v1/nodes",
		.what = "the networks of the nodes",
		.kind = KUBE_NODES,
		.consumer = {on_begin, on_present, on_gone, on_end},
		.arg = agent,
	};

	agent->kubenodes.watch = kube_watch(agent, &spec);
}

void kubenodes_stop(struct agent *agent)
{
	kube_unwatch(agent->kubenodes.watch);
	agent->kubenodes.watch = NULL;
}

void kubenodes_close(struct kubenodes *nodes)
{
	cluster_nodes_free(&nodes->nodes);
	free(nodes->path);
}

void kubenodes_tick(struct agent *agent)
{
	struct kubenodes *at = &agent->kubenodes;
	_free_ char *text = NULL;
	struct fault f = {0};

	if (!at->unsaved || clock_boot_ns() < at->save_ns)
		return;
	at->save_ns = clock_boot_ns() + SAVE_NS;
	text = cluster_nodes_print(&at->nodes);
	if (!text)
		fault_set(&f, ENOMEM, "out of memory");
	else
		file_replace(at->path, text, strlen(text), 0600, &f);
	if (f.text[0] && strcmp(f.text, at->unwritable.text))
		log_event(LOG_ERROR, "state_unwritable", LOG_FIELDS("file", at->path),
			  "a restart without the API server won't know the networks of the nodes: "
			  "%s",
			  f.text);
	at->unsaved = f.text[0] != '\0';
	at->unwritable = f;
}

struct origin_network *kubenodes_networks(const struct agent *agent, size_t *n)
{
	const struct cluster_nodes *nodes = &agent->kubenodes.nodes;
	struct origin_network *list;
	size_t room = 1;

	*n = 0;
	for (size_t i = 0; i < nodes->n; i++)
		room += nodes->list[i].n_addresses + nodes->list[i].n_pods;
	list = calloc(room, sizeof(*list));
	for (size_t i = 0; list && i < nodes->n; i++) {
		const struct cluster_node *node = &nodes->list[i];

		for (size_t j = 0; j < node->n_addresses; j++)
			list[(*n)++] =
				(struct origin_network){node->addresses[j], PLIC_ORIGIN_NODE};
		for (size_t j = 0; j < node->n_pods; j++)
			list[(*n)++] = (struct origin_network){node->pods[j], PLIC_ORIGIN_POD};
	}
	return list;
}
