/* SPDX-License-Identifier: MIT */
/*
 * check.c - POST /v1/check: proves that the gates do what they say. Every hook is looked at, and every
 * listener that nothing opens is probed.
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
#include "probes.h"
#include "reply.h"
#include "rivals.h"

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
	struct probes *probes;
};

/* path: the pod's interface that a probe came by, "" for what isn't one. */
__attribute__((format(printf, 6, 7))) static void result(struct check *check, const char *gate,
							 const char *what, const char *path,
							 enum probe_verdict verdict,
							 const char *fmt, ...)
{
	cJSON *item = cJSON_CreateObject();
	char text[640];
	va_list ap;

	va_start(ap, fmt);
	fault_format(text, sizeof(text), fmt, ap);
	va_end(ap);
	cJSON_AddStringToObject(item, "gate", gate);
	cJSON_AddStringToObject(item, "check", what);
	json_put_string(item, "path", path[0] ? path : NULL);
	if (verdict == PROBE_SKIPPED)
		cJSON_AddNullToObject(item, "ok");
	else
		cJSON_AddBoolToObject(item, "ok", verdict == PROBE_PASSED);
	cJSON_AddStringToObject(item, "text", text);
	cJSON_AddItemToArray(check->results, item);
	check->ok &= verdict != PROBE_FAILED;
}

static bool is_expected(const struct check *check, const struct gate_entry *entry,
			enum gate_hook hook)
{
	if (hook == HOOK_LEDGER)
		return entry->cgroup || node_features(check->job.agent->node)->tracing;
	if (hook == HOOK_HOST || hook == HOOK_BIND)
		return entry->cgroup;
	if (hook == HOOK_SHIELD)
		return false; /* opt-in */
	return !entry->cgroup || hook == HOOK_EGRESS;
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
			char text[384];

			overtaken++;
			rival_text(at->hook, at->interface, &at->rival, text, sizeof(text));
			result(check, entry->name, gate_hook_word(at->hook), "", PROBE_FAILED, "%s",
			       text);
		}
		if (at->present)
			continue;
		missing++;
		result(check, entry->name, gate_hook_word(at->hook), "", PROBE_FAILED,
		       "%s is missing on %s", at->kind,
		       at->interface[0] ? at->interface
		       : entry->cgroup	? entry->cgroup
					: "the namespace");
	}
	for (i = 0; i < GATE_N_HOOKS; i++) {
		if (seen[i] || !is_expected(check, entry, i))
			continue;
		missing++;
		result(check, entry->name, gate_hook_word(i), "", PROBE_FAILED,
		       "it isn't attached");
	}
	if (!missing && !overtaken)
		result(check, entry->name, "hooks", "", PROBE_PASSED,
		       "all %zu attachments are there", entry->n_attachments);
	if (entry->cgroup)
		result(check, entry->name, "host", "", PROBE_PASSED,
		       "host: it can only drop: whom it denies isn't told, but waits until a "
		       "time-out");
	if (removable)
		result(check, entry->name, "wire", "", PROBE_PASSED,
		       "wire: removable: from inside the pod with CAP_NET_ADMIN (clsact; kernels "
		       "from 6.6 on have links); it is put back within 1 s");
}

/* ---- probes, one gate at a time, so that other kernel work gets its turn ---- */

static void check_work(struct job *job)
{
	struct check *check = (struct check *)job;

	probes_send(check->probes, check->entry->gate);
}

static void told(void *arg, const char *what, const char *path, enum probe_verdict verdict,
		 const char *text)
{
	struct check *check = arg;

	result(check, check->entry->name, what, path, verdict, "%s", text);
}

static void next_gate(struct check *check);

static void check_done(struct job *job)
{
	struct check *check = (struct check *)job;

	if (!check->entry->removed)
		probes_report(check->probes, told, check);
	probes_free(check->probes);
	check->probes = NULL;
	next_gate(check);
}

/* Reports what needs no probe. true: probes are to be sent. */
static bool check_gate(struct check *check, struct gate_entry *entry)
{
	enum plic_mode mode = rules_mode(check->job.agent, entry);

	check->entry = entry;
	if (entry->state != GATE_ATTACHED) {
		result(check, entry->name, "state", "",
		       entry->state == GATE_WAITING ? PROBE_PASSED : PROBE_FAILED, "%s: %s",
		       gate_state_word(entry->state), entry->error.text);
		return false;
	}
	if (mode != PLIC_ENFORCE)
		result(check, entry->name, "mode", "", PROBE_PASSED,
		       "it isn't enforced: its mode is %s", mode == PLIC_OFF ? "off" : "audit");
	check_hooks(check, entry);
	check->probes = probes_new(entry, check->job.agent->probing.told == PLIC_TOLD_GUESS);
	if (!check->probes)
		result(check, entry->name, "listeners", "", PROBE_FAILED,
		       "no memory to probe them");
	return check->probes;
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

	list_gates(check, api_gate(check->request));
	next_gate(check);
}

void api_check(struct agent *agent, struct http_request *request, const char *unused)
{
	const char *gate = api_gate(request);
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
