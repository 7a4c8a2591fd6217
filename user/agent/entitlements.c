/* SPDX-License-Identifier: MIT */
/* entitlements.c - joins the judged licenses with the ports of each gate, for files and the API. */
#include "entitlements.h"

#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>

#include "agent.h"
#include "api.h"
#include "cleanup.h"
#include "entitlement.h"
#include "log.h"
#include "pods.h"
#include "ports.h"
#include "published.h"
#include "reply.h"

#define FILE_NAME "entitlements.json"
#define SECOND_NS 1000000000ULL
#define REFRESH_S 60
#define SPREAD_S 32 /* so that not all gates' files are due in the same second */

/* What all gates of a round share. */
struct round {
	struct agent *agent;
	int64_t now;
	uint64_t boot_ns, digest;
	cJSON *rights; /* built with the first file */
	bool failed;
};

static struct round round_begin(struct agent *agent)
{
	const struct licenses *licenses = &agent->licenses;

	return (struct round){
		.agent = agent,
		.now = clock_now(&agent->clock),
		.boot_ns = clock_boot_ns(),
		.digest = entitlement_digest(licenses->views, licenses->n_views),
	};
}

static struct entitlement_port *ports_of(const struct round *round, const struct gate_entry *entry,
					 size_t *n)
{
	_free_ struct port_row *rows = NULL;
	struct entitlement_port *ports;
	size_t i;

	if (ports_named(entry, round->boot_ns, &rows, n))
		return NULL;
	ports = calloc(*n + 1, sizeof(*ports));
	for (i = 0; ports && i < *n; i++)
		ports[i] = (struct entitlement_port){
			.port = rows[i].port,
			.end_port = rows[i].end_port,
			.protocol = proto_word(rows[i].ip_proto),
			.state = rows[i].state,
			.deadline = rows[i].deadline_ns == PLIC_NEVER
					    ? 0
					    : clock_at(&round->agent->clock, rows[i].deadline_ns),
		};
	return ports;
}

static cJSON *gate_json_of(struct round *round, const struct gate_entry *entry,
			   const struct entitlement_port *ports, size_t n)
{
	const struct licenses *licenses = &round->agent->licenses;

	if (!round->rights)
		round->rights = entitlement_rights(licenses->views, licenses->n_views, round->now);
	if (!round->rights)
		return NULL;
	return entitlement_json(entry->name, round->agent->config.audience, round->now,
				round->rights, ports, n);
}

static void tell_trouble(struct round *round, const struct fault *f)
{
	struct fault *trouble = &round->agent->entitlements.trouble;

	round->failed = true;
	if (!strcmp(trouble->text, f->text))
		return;
	*trouble = *f;
	log_event(LOG_ERROR, "entitlements_unwritable",
		  LOG_FIELDS("dir", round->agent->config.entitlements_dir),
		  "applications read old entitlements: %s", f->text);
}

static bool is_due(const struct round *round, const struct gate_entry *entry)
{
	uint64_t at_ns = entry->entitlements.at_ns;

	return !at_ns || round->boot_ns - at_ns >= (REFRESH_S - entry->id % SPREAD_S) * SECOND_NS;
}

/* Without a look at each port: this is asked every second for every gate. */
static bool may_differ(const struct round *round, const struct gate_entry *entry)
{
	const struct entitlement_mark *mark = &entry->entitlements;

	return mark->rights != round->digest || mark->generation != entry->generation ||
	       mark->rules != entry->rules || round->boot_ns >= mark->next_ns;
}

/* A pod can name the directory of its namespace and name (subPathExpr), not that of its gate. */
static int publish(const struct agent *agent, const struct gate_entry *entry, const char *text,
		   struct fault *f)
{
	const struct pod *pod = entry->pod;

	return published_write(agent->config.entitlements_dir, pod ? pod->namespace : NULL,
			       pod ? pod->name : entry->name, FILE_NAME, text, strlen(text), f);
}

static void write_gate(struct round *round, struct gate_entry *entry)
{
	struct entitlement_mark *mark = &entry->entitlements;
	_free_ struct entitlement_port *ports = NULL;
	_free_ char *text = NULL;
	_json_ cJSON *root = NULL;
	struct fault f = {"out of memory"};
	uint64_t digest;
	size_t n = 0;

	if ((!is_due(round, entry) && !may_differ(round, entry)) ||
	    (entry->pod && !pods_is_latest(round->agent, entry)))
		return;
	ports = ports_of(round, entry, &n);
	if (!ports)
		return;
	mark->rights = round->digest;
	mark->generation = entry->generation;
	mark->rules = entry->rules;
	mark->next_ns = ports_next_change(entry, round->boot_ns);
	digest = entitlement_gate_digest(round->digest, ports, n);
	if (!is_due(round, entry) && digest == mark->digest)
		return;
	root = gate_json_of(round, entry, ports, n);
	text = root ? cJSON_PrintUnformatted(root) : NULL;
	if (!text || publish(round->agent, entry, text, &f)) {
		tell_trouble(round, &f);
		mark->at_ns = 0; /* again with the next tick */
		return;
	}
	mark->digest = digest;
	mark->at_ns = round->boot_ns;
}

void entitlements_write(struct agent *agent)
{
	struct round round;
	size_t i;

	if (!agent->config.entitlements_dir || agent->stopping)
		return;
	round = round_begin(agent);
	for (i = 0; i < agent->gates.n_entries; i++) {
		struct gate_entry *entry = agent->gates.entries[i];

		if (entry->tried && !entry->opening) /* else its ports aren't known yet */
			write_gate(&round, entry);
	}
	cJSON_Delete(round.rights);
	if (round.failed || !agent->entitlements.trouble.text[0])
		return;
	agent->entitlements.trouble = (struct fault){0};
	log_event(LOG_INFO, "entitlements_writable",
		  LOG_FIELDS("dir", agent->config.entitlements_dir), "they are up to date again");
}

static int unpublish(const struct agent *agent, const struct gate_entry *entry, struct fault *f)
{
	const struct pod *pod = entry->pod;

	if (pod && !pods_is_latest(agent, entry))
		return 0; /* the next pod of that name has it now */
	return published_remove(agent->config.entitlements_dir, pod ? pod->namespace : NULL,
				pod ? pod->name : entry->name, FILE_NAME, f);
}

void entitlements_remove(struct agent *agent, const struct gate_entry *entry)
{
	struct fault f = {0};

	if (agent->config.entitlements_dir && unpublish(agent, entry, &f))
		log_event(LOG_ERROR, "entitlements_left", LOG_FIELDS("gate", entry->name),
			  "the gate is gone, its entitlements aren't: %s", f.text);
}

static void ready(void *arg)
{
	struct http_request *request = arg;
	struct agent *agent = request->http->agent;
	const char *gate = api_gate(request);
	struct round round = round_begin(agent);
	cJSON *list = cJSON_CreateArray();
	size_t i, n = 0;

	for (i = 0; i < agent->gates.n_entries; i++) {
		const struct gate_entry *entry = agent->gates.entries[i];
		_free_ struct entitlement_port *ports = NULL;

		if (gate && strcmp(gate, entry->name) != 0)
			continue;
		ports = ports_of(&round, entry, &n);
		if (ports)
			cJSON_AddItemToArray(list, gate_json_of(&round, entry, ports, n));
	}
	cJSON_Delete(round.rights);
	reply_json(request, MHD_HTTP_OK, list);
}

void api_entitlements_get(struct agent *agent, struct http_request *request, const char *name)
{
	const char *gate = api_gate(request);

	if (gate && !gates_find(&agent->gates, gate)) {
		reply_error(request, MHD_HTTP_NOT_FOUND, "there is no gate \"%s\"", gate);
		return;
	}
	agent_when_ready(agent, ready, request);
}
