/* SPDX-License-Identifier: MIT */
/* api_status.c - GET /v1/status: how the agent is, and everything that needs the operator. */
#include "api.h"

#include <microhttpd.h>
#include <stdio.h>

#include "agent.h"
#include "clockview.h"
#include "kube_view.h"
#include "node.h"
#include "notify_view.h"
#include "overlap.h"
#include "pods.h"
#include "pull_view.h"
#include "reply.h"
#include "rivals.h"
#include "stamp.h"
#include "trialview.h"
#include "unheld.h"

static void warn_source(cJSON *warnings, const struct source *source)
{
	size_t i;

	if (source->trouble.text[0])
		json_warn(warnings, "%s", source->trouble.text);
	if (source->left_out.text[0])
		json_warn(warnings, "%s", source->left_out.text);
	if (source->unwritable.text[0])
		json_warn(warnings,
			  "good copies can't be kept and a restart won't find them: %s; make room",
			  source->unwritable.text);
	for (i = 0; i < source->n_files; i++) {
		const struct source_file *file = source->files[i];

		if (file->refusal.text[0])
			json_warn(warnings, "\"%s\" is refused: %s%s", file->name,
				  file->refusal.text,
				  file->good ? "; its last good copy stays in force" : "");
		if (file->gone_ns && !file->forever && !source->trouble.text[0])
			json_warn(warnings,
				  "\"%s\" is gone from \"%s\": what it gave is withdrawn soon",
				  file->name, source->dir);
	}
}

/* What the license gives is near its end, or past it and given all the same. */
static void warn_end(cJSON *warnings, const char *file, const struct license_entry *entry)
{
	const struct license *lic = entry->lic;
	char end[STAMP_LEN], until[STAMP_LEN] = "never";

	stamp_format(lic->exp, end);
	if (entry->deadlines.new_until <= LICENSE_TIME_MAX)
		stamp_format(entry->deadlines.new_until, until);
	if (entry->warn)
		json_warn(warnings, "license \"%s\" (%s) ends soon: %s", file, lic->lid, end);
	else if (entry->state == STATE_GRACE)
		json_warn(warnings,
			  "license \"%s\" (%s) HAS ENDED, %s; its grace ends %s: load a renewal "
			  "before",
			  file, lic->lid, end, until);
	else if (entry->state == STATE_STALE)
		json_warn(
			warnings,
			"license \"%s\" (%s): the newest revocation list of its vendor is too old; "
			"its rights end %s: load a newer list before",
			file, lic->lid, until);
	else if (entry->state == STATE_LAPSED && lic->lapse == PLIC_REPORT)
		json_warn(warnings,
			  "license \"%s\" (%s) HAS LAPSED, %s: by its \"report\" its ports are let "
			  "through and counted as audit",
			  file, lic->lid, until);
}

static void warn_license(cJSON *warnings, const struct licenses *all,
			 const struct source_file *file)
{
	const struct license_entry *entry = file->value;
	char limits[256], overlap[512];

	if (entry->reason)
		json_warn(warnings, "license \"%s\" is rejected (%s): %s%s", file->name,
			  licenses_reason_word(entry->reason), entry->detail.text,
			  entry->lic ? "; its last good copy stays in force" : "");
	if (!entry->lic)
		return;
	if (license_unenforced(all, entry->lic, limits, sizeof(limits)))
		json_warn(warnings, "license \"%s\" (%s): %s", file->name, entry->lic->lid, limits);
	if (license_overlaps_clients(entry->lic, overlap, sizeof(overlap)))
		json_warn(warnings, "license \"%s\" (%s): %s", file->name, entry->lic->lid,
			  overlap);
	warn_end(warnings, file->name, entry);
	if (entry->without_effect.text[0])
		json_warn(warnings, "license \"%s\" (%s) has no effect: %s", file->name,
			  entry->lic->lid, entry->without_effect.text);
	if (entry->equivocation)
		json_warn(warnings,
			  "license \"%s\" (%s): another file has the same seq and other content",
			  file->name, entry->lic->lid);
}

static void warn_gate(cJSON *warnings, const struct agent *agent, const struct gate_entry *entry)
{
	const struct policy *also = NULL;
	char until[STAMP_LEN];

	if (entry->error.text[0])
		json_warn(warnings, "gate \"%s\": %s", entry->name, entry->error.text);
	rivals_warn(warnings, entry);
	unheld_warn(warnings, entry);
	if (glass_holds(entry, clock_boot_ns()))
		json_warn(
			warnings,
			"BREAK-GLASS: gate \"%s\" is in mode %s until %s: %s; `portlic gate set %s "
			"--mode enforce` ends it",
			entry->name, mode_word(entry->glass.mode),
			stamp_format(entry->glass.until, until), entry->glass.why, entry->name);
	else if (rules_mode(agent, entry) != PLIC_ENFORCE)
		json_warn(warnings, "gate \"%s\" isn't enforced: its mode is %s", entry->name,
			  rules_mode(agent, entry) == PLIC_OFF ? "off" : "audit");
	if (entry->shield.up && entry->shield.setting == SHIELD_AUTO)
		json_warn(warnings,
			  "gate \"%s\": a flood of denied packets; its shield drops them, and bulk "
			  "traffic is slower meanwhile",
			  entry->name);
	if (entry->policy_text && !entry->policy)
		json_warn(warnings, "gate \"%s\": its own policy is refused and has no effect",
			  entry->name);
	if (entry->n_reserved)
		json_warn(
			warnings,
			"gate \"%s\": %zu opens of its own policy are reserved by a trust file now "
			"and left out",
			entry->name, entry->n_reserved);
	also = rules_shadowed(agent, entry);
	if (also)
		json_warn(warnings,
			  "gate \"%s\": policy \"%s\" matches too and has no effect, the first "
			  "in order of file names holds",
			  entry->name, also->name);
}

static void warn_policy(cJSON *warnings, const struct source_file *file)
{
	const struct policy *policy = file->value;

	if (policy && !policy->n_gates && !policy_has_pods(policy))
		json_warn(warnings, "policy \"%s\" has no \"match\" and holds for no gate",
			  file->name);
}

static cJSON *warnings_json(const struct agent *agent)
{
	const struct source *licenses = &agent->licenses.source;
	const struct source *policies = &agent->policies.source;
	cJSON *warnings = cJSON_CreateArray();
	size_t i;

	clock_warn(warnings, agent);
	warn_source(warnings, &agent->vendors.source);
	warn_source(warnings, licenses);
	warn_source(warnings, &agent->licenses.lists);
	warn_source(warnings, policies);
	for (i = 0; i < policies->n_files; i++)
		warn_policy(warnings, policies->files[i]);
	for (i = 0; i < licenses->n_files; i++)
		warn_license(warnings, &agent->licenses, licenses->files[i]);
	for (i = 0; i < agent->gates.n_entries; i++)
		warn_gate(warnings, agent, agent->gates.entries[i]);
	trial_warn(warnings, agent);
	pull_warn(agent, warnings);
	notify_warn(agent, warnings);
	kube_warn(agent, warnings);
	kube_listed_warn(agent, warnings);
	kube_seats_warn(agent, warnings);
	kubenodes_warn(agent, warnings);
	kubepeers_warn(agent, warnings);
	if (agent->gates.lost.text[0])
		json_warn(warnings, "%s", agent->gates.lost.text);
	if (agent->gates.trouble.text[0])
		json_warn(warnings, "%s", agent->gates.trouble.text);
	if (agent->quotas.lost.text[0])
		json_warn(warnings, "%s", agent->quotas.lost.text);
	if (agent->quotas.trouble.text[0])
		json_warn(warnings, "%s", agent->quotas.trouble.text);
	if (agent->pins_trouble.text[0])
		json_warn(warnings, "%s", agent->pins_trouble.text);
	if (agent->entitlements.trouble.text[0])
		json_warn(warnings, "applications read old entitlements: %s",
			  agent->entitlements.trouble.text);
	if (agent->cnifile.trouble.text[0])
		json_warn(warnings, "portlic-cni goes by what was selected before: %s",
			  agent->cnifile.trouble.text);
	origins_warn(agent, warnings);
	probing_warn(agent, warnings);
	pods_warn(agent, warnings);
	if (agent->node && !node_features(agent->node)->tcx)
		json_warn(warnings,
			  "wire: removable: this kernel has no tcx links (6.6), so a pod with "
			  "CAP_NET_ADMIN can remove the hook; it is put back within 1 s");
	if (agent->node && !node_features(agent->node)->tracing)
		json_warn(warnings, "ledger: this kernel has no BTF tracing: TCP connections "
				    "aren't counted, and seats "
				    "are given and freed by the agent, once a second");
	return warnings;
}

static void put_licenses(cJSON *root, const struct licenses *licenses)
{
	cJSON *object = cJSON_AddObjectToObject(root, "licenses");
	unsigned int n[STATE_COUNT] = {0};
	size_t i;

	for (i = 0; i < licenses->source.n_files; i++)
		n[((struct license_entry *)licenses->source.files[i]->value)->state]++;
	for (i = 0; i < STATE_COUNT; i++)
		cJSON_AddNumberToObject(object, license_state_word(i), n[i]);
}

static void put_gates(cJSON *root, const struct agent *agent)
{
	cJSON *object = cJSON_AddObjectToObject(root, "gates");
	unsigned int modes[3] = {0}, waiting = 0, failed = 0;
	size_t i;

	for (i = 0; i < agent->gates.n_entries; i++) {
		const struct gate_entry *entry = agent->gates.entries[i];

		if (entry->state == GATE_ATTACHED)
			modes[rules_mode(agent, entry)]++;
		else if (entry->state == GATE_WAITING)
			waiting++;
		else
			failed++;
	}
	cJSON_AddNumberToObject(object, "enforce", modes[PLIC_ENFORCE]);
	cJSON_AddNumberToObject(object, "audit", modes[PLIC_AUDIT_MODE]);
	cJSON_AddNumberToObject(object, "off", modes[PLIC_OFF]);
	cJSON_AddNumberToObject(object, "waiting", waiting);
	cJSON_AddNumberToObject(object, "failed", failed);
}

void api_status(struct agent *agent, struct http_request *request, const char *name)
{
	cJSON *root = cJSON_CreateObject(), *object;

	cJSON_AddStringToObject(root, "version", PORTLIC_VERSION);
	cJSON_AddStringToObject(root, "audience", agent->config.audience);
	json_put_time(root, "started", agent->started);
	json_put_u64(root, "generation", agent->gates.generation);
	object = cJSON_AddObjectToObject(root, "features");
	cJSON_AddBoolToObject(object, "tcx", agent->node && node_features(agent->node)->tcx);
	cJSON_AddBoolToObject(object, "tracing",
			      agent->node && node_features(agent->node)->tracing);
	object = cJSON_AddObjectToObject(root, "trust");
	cJSON_AddNumberToObject(object, "vendors", trust_n_vendors(agent->vendors.trust));
	cJSON_AddNumberToObject(object, "keys", trust_n_keys(agent->vendors.trust));
	put_licenses(root, &agent->licenses);
	put_gates(root, agent);
	cJSON_AddItemToObject(root, "clock", clock_json(agent));
	cJSON_AddItemToObject(root, "pull", pull_json(agent));
	cJSON_AddItemToObject(root, "notify", notify_json(agent));
	cJSON_AddItemToObject(root, "kubernetes", kube_status(agent));
	cJSON_AddItemToObject(root, "cluster_seats", kube_seats_json(agent));
	cJSON_AddItemToObject(root, "pods", pods_status(agent));
	cJSON_AddItemToObject(root, "trial", trial_json(agent));
	cJSON_AddItemToObject(root, "probes", probing_json(agent));
	cJSON_AddItemToObject(root, "warnings", warnings_json(agent));
	reply_json(request, MHD_HTTP_OK, root);
}
