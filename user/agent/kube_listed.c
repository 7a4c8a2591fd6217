/* SPDX-License-Identifier: MIT */
/* kube_listed.c - a file without content: the PortPolicies were listed once. */
#include "kube_listed.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent.h"
#include "file.h"
#include "log.h"
#include "reply.h"

#define MARKER "portpolicies-listed"

/* Not before copies of all policies are kept: a file without content finds room where those don't. */
static void write_it(struct agent *agent)
{
	struct kube_listed *listed = &agent->kube_listed;
	struct fault f = {0};

	listed->unwritten = true;
	if (agent->policies.source.unwritable.text[0])
		return;
	listed->unwritten = file_replace(listed->path, "", 0, 0600, &f);
	if (listed->unwritten && !listed->trouble.text[0])
		log_event(LOG_ERROR, "portpolicies_unwritable", LOG_FIELDS("file", listed->path),
			  "after a restart without the API server pods would wait for it: %s",
			  f.text);
	listed->trouble = f;
}

int kube_listed_open(struct agent *agent)
{
	struct kube_listed *listed = &agent->kube_listed;

	if (asprintf(&listed->path, "%s/" MARKER, agent->config.state_dir) < 0) {
		listed->path = NULL;
		return -ENOMEM;
	}
	listed->listed = !access(listed->path, F_OK);
	return 0;
}

void kube_listed_close(struct kube_listed *listed)
{
	free(listed->path);
}

void kube_listed_note(struct agent *agent)
{
	struct kube_listed *listed = &agent->kube_listed;

	if (listed->listed || listed->due)
		return;
	listed->due = true;
	kube_sync_soon(agent);
}

void kube_listed_scanned(struct agent *agent)
{
	struct kube_listed *listed = &agent->kube_listed;

	if (!listed->due)
		return;
	listed->due = false;
	listed->listed = true;
	log_event(LOG_INFO, "portpolicies_listed", LOG_NO_FIELDS,
		  "all PortPolicies are known: pods may start through portlic-cni");
	write_it(agent);
	cnifile_changed(agent);
}

void kube_listed_forget(struct agent *agent)
{
	struct kube_listed *listed = &agent->kube_listed;

	if (listed->listed && unlink(listed->path) && errno != ENOENT)
		log_event(LOG_WARN, "portpolicies_unwritable", LOG_FIELDS("file", listed->path),
			  "it can't be removed: %s", strerror(errno));
	listed->listed = listed->due = listed->unwritten = false;
}

void kube_listed_tick(struct agent *agent)
{
	if (agent->kube_listed.unwritten)
		write_it(agent);
}

bool kube_listed_wanting(const struct agent *agent)
{
	return kube_sync_configured(agent) && !agent->kube_listed.listed;
}

const char *kube_listed_why(const struct agent *agent)
{
	const struct kube_watch *watch = agent->kube_sync.policies.watch;
	const char *error = watch ? kube_watch_error(watch) : NULL;

	return error ? error : "the API server hasn't answered yet";
}

void kube_listed_warn(const struct agent *agent, cJSON *warnings)
{
	const struct kube_listed *listed = &agent->kube_listed;

	if (kube_listed_wanting(agent))
		json_warn(warnings,
			  "Kubernetes: the PortPolicies were never listed on this node, so "
			  "portlic-cni starts no pods but those of the system's namespaces: %s",
			  kube_listed_why(agent));
	if (listed->trouble.text[0])
		json_warn(warnings, "\"%s\" can't be written: %s", listed->path,
			  listed->trouble.text);
}
