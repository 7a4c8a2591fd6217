/* SPDX-License-Identifier: MIT */
/*
 * check.c - POST /v1/check: proves that the gates do what they say.
 *
 * Every hook is looked at, and every TCP listener that nothing opens is connected to once over `lo`.
 * The proof is the gate's own denial counter, which has to rise by exactly the probes that were
 * sent: a refusal by something else (nothing listens, another firewall) doesn't raise it.
 */
#include "api.h"

#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent.h"
#include "gateview.h"
#include "inspect.h"
#include "jobs.h"
#include "reply.h"

#define MAX_PROBES 256 /* of a gate: a probe of a gate that drops takes until its time-out */
#define ATTEMPTS 3     /* others knock too, so that the counter rises by more */

struct probe {
	uint16_t port, slot;
	bool connected;
	int error;     /* of the connect */
	int result;    /* of the probing itself */
	uint64_t rose; /* denied connections */
	struct fault fault;
};

struct check {
	struct job job;
	struct http_request *request;
	cJSON *results;
	bool ok;
	size_t next; /* entry of `names` to probe */
	char **names;
	size_t n_names;
	/* the gate whose probes are under way */
	struct gate_entry *entry;
	enum plic_mode mode;
	struct probe *probes;
	size_t n_probes;
};

__attribute__((format(printf, 5, 6))) static void
result(struct check *check, const char *gate, const char *what, bool ok, const char *fmt, ...)
{
	cJSON *item = cJSON_CreateObject();
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	fault_format(text, sizeof(text), fmt, ap);
	va_end(ap);
	cJSON_AddStringToObject(item, "gate", gate);
	cJSON_AddStringToObject(item, "check", what);
	cJSON_AddBoolToObject(item, "ok", ok);
	cJSON_AddStringToObject(item, "text", text);
	cJSON_AddItemToArray(check->results, item);
	check->ok &= ok;
}

static void check_hooks(struct check *check, const struct gate_entry *entry)
{
	bool seen[GATE_N_HOOKS] = {false}, removable = false;
	unsigned int missing = 0, overtaken = 0;
	size_t i;

	for (i = 0; i < entry->n_attachments; i++) {
		const struct gate_attachment *at = &entry->attachments[i];

		seen[at->hook] = true;
		removable |= at->removable;
		if (at->overtaken) {
			overtaken++;
			result(check, entry->name, gate_hook_word(at->hook), false,
			       "a foreign %s program runs ahead of it on %s and can take packets "
			       "past it: find it with `bpftool net show`, and who attached it",
			       at->kind, at->interface);
		}
		if (at->present)
			continue;
		missing++;
		result(check, entry->name, gate_hook_word(at->hook), false, "%s is missing on %s",
		       at->kind, at->interface[0] ? at->interface : "the namespace");
	}
	for (i = 0; i < GATE_N_HOOKS; i++) {
		if (seen[i] || i == HOOK_SHIELD ||
		    (i == HOOK_LEDGER && !node_features(check->job.agent->node)->tracing))
			continue;
		missing++;
		result(check, entry->name, gate_hook_word(i), false, "it isn't attached");
	}
	if (!missing && !overtaken)
		result(check, entry->name, "hooks", true, "all %zu attachments are there",
		       entry->n_attachments);
	if (removable)
		result(check, entry->name, "wire", true,
		       "wire: removable: from inside the pod with CAP_NET_ADMIN (clsact; kernels "
		       "from 6.6 on have links); it is put back within 1 s");
}

/* ---- probes, one gate at a time, so that other kernel work gets its turn ---- */

static uint64_t denied_connections(const struct gate_counters *counters, const struct probe *probe)
{
	uint64_t sum = 0;
	size_t i;

	for (i = 0; i < counters->n_denials; i++) {
		const struct plic_denial_key *key = &counters->denials[i].key;

		if (key->proto != IPPROTO_TCP)
			continue;
		/* Its own entry, or `other` where the bounded table had no room for it. */
		if (key->slot == probe->slot &&
		    (probe->slot || key->port == probe->port || !key->port))
			sum += counters->denials[i].count.connections;
	}
	return sum;
}

static int probe_once(struct gate *gate, struct probe *probe)
{
	struct gate_counters before = {0}, after = {0};
	int err = gate_counters(gate, &before, &probe->fault);

	if (!err)
		err = gate_probe_tcp(gate, probe->port, &probe->connected, &probe->error,
				     &probe->fault);
	if (!err)
		err = gate_counters(gate, &after, &probe->fault);
	if (!err)
		probe->rose =
			denied_connections(&after, probe) - denied_connections(&before, probe);
	gate_counters_free(&before);
	gate_counters_free(&after);
	return err;
}

static void check_work(struct job *job)
{
	struct check *check = (struct check *)job;
	struct gate *gate = check->entry->gate;
	size_t i;
	int attempt;

	for (i = 0; i < check->n_probes; i++) {
		struct probe *probe = &check->probes[i];

		probe->result = gate ? 0 : -ESTALE;
		for (attempt = 0; gate && attempt < ATTEMPTS; attempt++) {
			probe->result = probe_once(gate, probe);
			if (probe->result || probe->rose == 1 || probe->connected)
				break;
		}
	}
}

static void report_probe(struct check *check, const struct probe *probe)
{
	const char *gate = check->entry->name;
	char what[32];

	snprintf(what, sizeof(what), "%u/tcp", probe->port);
	if (probe->result)
		result(check, gate, what, false, "it couldn't be probed: %s",
		       probe->fault.text[0] ? probe->fault.text : strerror(-probe->result));
	else if (check->mode != PLIC_ENFORCE)
		result(check, gate, what, true, "%s: the gate isn't enforced",
		       probe->connected ? "not licensed, and it lets connections in"
					: "not licensed, and the probe wasn't let in");
	else if (probe->connected)
		result(check, gate, what, false, "not licensed, and the probe was let in");
	else if (!probe->rose)
		result(check, gate, what, false,
		       "the probe failed (%s), and the gate's counter doesn't show that the gate "
		       "denied it",
		       strerror(probe->error));
	else
		result(check, gate, what, true, "not licensed: the probe was denied (%s)%s",
		       strerror(probe->error),
		       probe->rose == 1 ? " and counted"
					: "; the counter rose by more than the "
					  "probe, others knock there too");
}

static void next_gate(struct check *check);

static void check_done(struct job *job)
{
	struct check *check = (struct check *)job;
	size_t i;

	for (i = 0; i < check->n_probes && !check->entry->removed; i++)
		report_probe(check, &check->probes[i]);
	free(check->probes);
	check->probes = NULL;
	next_gate(check);
}

static bool list_probes(struct check *check, const struct gate_entry *entry)
{
	size_t i;

	check->n_probes = 0;
	check->probes = calloc(MAX_PROBES, sizeof(*check->probes));
	for (i = 0; check->probes && i < entry->stand.n_listeners; i++) {
		const struct gate_listener *at = &entry->stand.listeners[i];
		struct probe *probe = &check->probes[check->n_probes];

		if (at->ip_proto != IPPROTO_TCP || !gate_unlicensed(entry, at))
			continue;
		if (check->n_probes == MAX_PROBES) {
			result(check, entry->name, "listeners", true,
			       "only the first %d unlicensed listeners were probed", MAX_PROBES);
			break;
		}
		*probe = (struct probe){.port = at->port};
		ruleset_lookup(&entry->rules->compiled.set, IPPROTO_TCP, at->port, clock_boot_ns(),
			       &probe->slot);
		check->n_probes++;
	}
	return check->n_probes;
}

/* Reports what needs no probe. true: probes are to be sent. */
static bool check_gate(struct check *check, struct gate_entry *entry)
{
	check->entry = entry;
	check->mode = rules_mode(check->job.agent, entry);
	if (entry->state != GATE_ATTACHED) {
		result(check, entry->name, "state", entry->state == GATE_WAITING, "%s: %s",
		       gate_state_word(entry->state), entry->error.text);
		return false;
	}
	if (check->mode != PLIC_ENFORCE)
		result(check, entry->name, "mode", true, "it isn't enforced: its mode is %s",
		       check->mode == PLIC_OFF ? "off" : "audit");
	check_hooks(check, entry);
	if (list_probes(check, entry))
		return true;
	result(check, entry->name, "listeners", true, "no unlicensed TCP listener to probe");
	free(check->probes);
	check->probes = NULL;
	return false;
}

static void finish(struct check *check)
{
	cJSON *root = cJSON_CreateObject();

	cJSON_AddBoolToObject(root, "ok", check->ok);
	cJSON_AddItemToObject(root, "results", check->results);
	reply_json(check->request, MHD_HTTP_OK, root);
	json_free_strings(check->names, check->n_names);
	free(check);
}

static void next_gate(struct check *check)
{
	struct agent *agent = check->job.agent;

	while (check->next < check->n_names) {
		struct gate_entry *entry = gates_find(&agent->gates, check->names[check->next++]);

		if (!entry || !check_gate(check, entry))
			continue;
		job_submit(agent, &check->job);
		return;
	}
	finish(check);
}

/* By name: gates may come and go between the steps. */
static void list_gates(struct check *check, const char *only)
{
	const struct gates *gates = &check->job.agent->gates;
	size_t i;

	check->names = calloc(gates->n_entries + 1, sizeof(*check->names));
	for (i = 0; check->names && i < gates->n_entries; i++) {
		if (only && strcmp(only, gates->entries[i]->name))
			continue;
		check->names[check->n_names] = strdup(gates->entries[i]->name);
		if (check->names[check->n_names])
			check->n_names++;
	}
}

static void inspected(void *arg)
{
	struct check *check = arg;

	list_gates(check, http_query(check->request, "gate"));
	next_gate(check);
}

void api_check(struct agent *agent, struct http_request *request, const char *unused)
{
	const char *gate = http_query(request, "gate");
	struct check *check;

	if (gate && !gates_find(&agent->gates, gate)) {
		reply_error(request, MHD_HTTP_NOT_FOUND, "there is no gate \"%s\"", gate);
		return;
	}
	check = calloc(1, sizeof(*check));
	if (!check) {
		reply_error(request, MHD_HTTP_INTERNAL_SERVER_ERROR, "out of memory");
		return;
	}
	check->job = (struct job){.agent = agent, .work = check_work, .done = check_done};
	check->request = request;
	check->results = cJSON_CreateArray();
	check->ok = true;
	inspect_gates(agent, gate, INSPECT_ATTACHMENTS | INSPECT_LISTENERS, inspected, check);
}
