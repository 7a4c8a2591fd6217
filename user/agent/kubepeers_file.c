/* SPDX-License-Identifier: MIT */
/* kubepeers_file.c - the last known pods, for a restart without the API server. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent.h"
#include "cleanup.h"
#include "file.h"
#include "jobs.h"
#include "kubepeers_priv.h"
#include "log.h"

#define PAUSE_NS 5000000000ULL
#define PAUSE_FACTOR 50 /* of the time that it takes: a cluster may be very large */

struct save_job {
	struct job job;
	const char *path;
	char *text;
	struct fault fault;
};

static void unread(struct kubepeers *peers, const char *why)
{
	fault_set(&peers->unread, EBADMSG,
		  "\"%s\" couldn't be read (%s); %s \"%s.bad\": a gate that comes up anew "
		  "admits no pods by labels until the API server tells them",
		  peers->path, why, file_set_aside(peers->path), peers->path);
	log_event(LOG_ERROR, "state_lost", LOG_FIELDS("file", peers->path), "%s",
		  peers->unread.text);
}

int kubepeers_open(struct agent *agent)
{
	struct kubepeers *peers = &agent->kubepeers;
	_free_ void *bytes = NULL;
	struct fault why = {0};
	size_t len = 0;
	int err;

	if (asprintf(&peers->path, "%s/k8s-peers.json", agent->config.state_dir) < 0) {
		peers->path = NULL;
		return -ENOMEM;
	}
	err = file_read(peers->path, PEERSET_MAX_BYTES, &bytes, &len, &why);
	if (!err)
		err = peerset_parse(bytes, len, &peers->set, &why);
	if (err && err != -ENOENT)
		unread(peers, why.text[0] ? why.text : strerror(-err));
	if (!peers->set)
		peers->set = peerset_new();
	return peers->set ? 0 : -ENOMEM;
}

static void saved(struct kubepeers *peers, const struct fault *f)
{
	if (f->text[0] && strcmp(f->text, peers->unwritable.text))
		log_event(LOG_ERROR, "state_unwritable", LOG_FIELDS("file", peers->path),
			  "a restart without the API server won't know the pods of the cluster: %s",
			  f->text);
	peers->changed |= f->text[0] != '\0';
	peers->unwritable = *f;
}

static void write_out(const char *path, const char *text, struct fault *f)
{
	if (!text)
		fault_set(f, ENOMEM, "out of memory");
	else
		file_replace(path, text, strlen(text), 0600, f);
}

static void save_work(struct job *job)
{
	struct save_job *save = (struct save_job *)job;

	write_out(save->path, save->text, &save->fault);
}

static void save_done(struct job *job)
{
	struct save_job *save = (struct save_job *)job;
	struct kubepeers *peers = &job->agent->kubepeers;

	peers->saving = false;
	saved(peers, &save->fault);
	free(save->text);
	free(save);
}

void kubepeers_save_soon(struct agent *agent)
{
	struct kubepeers *peers = &agent->kubepeers;
	uint64_t began_ns = clock_boot_ns(), took_ns;
	struct save_job *save;

	peers->changed |= peerset_changed(peers->set);
	if (!peers->changed || peers->saving || agent->stopping || began_ns < peers->save_ns)
		return;
	save = calloc(1, sizeof(*save));
	if (!save)
		return;
	save->job.work = save_work;
	save->job.done = save_done;
	save->path = peers->path;
	save->text = peerset_print(peers->set);
	took_ns = clock_boot_ns() - began_ns;
	peers->save_ns = began_ns + PAUSE_NS + PAUSE_FACTOR * took_ns;
	peers->changed = false;
	peers->saving = true;
	job_submit(agent, &save->job);
}

void kubepeers_save(struct agent *agent)
{
	struct kubepeers *peers = &agent->kubepeers;
	_free_ char *text = NULL;
	struct fault f = {0};

	peers->changed |= peerset_changed(peers->set);
	if (!peers->changed)
		return;
	peers->changed = false;
	text = peerset_print(peers->set);
	write_out(peers->path, text, &f);
	saved(peers, &f);
}
