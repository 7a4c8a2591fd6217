/* SPDX-License-Identifier: MIT */
/* cnifile.c - policies and namespaces, as far as somebody has to know them who can't ask. */
#include "cnifile.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent.h"
#include "cleanup.h"
#include "cni_selection.h"
#include "file.h"
#include "log.h"
#include "pods_priv.h"

#define AGAIN_MS 1000 /* a disk that was full may have room again */

/* A namespace of whose labels nothing is known may be any. */
static bool goes_by_labels(const struct policy *policy)
{
	return policy->namespace_selector || (policy_has_pods(policy) && !policy->n_namespaces);
}

static int add_globs(struct cni_selection *selection, const struct policy *policy)
{
	int err = 0;

	for (size_t i = 0; i < policy->n_namespaces && !err; i++)
		err = cni_names_add(&selection->globs, policy->namespaces[i]);
	return err;
}

/* What holds for namespaces that nobody has seen. */
static int put_unknown(const struct agent *agent, struct cni_selection *selection)
{
	const struct source *source = &agent->policies.source;
	int err = 0;

	selection->unknown = kube_listed_wanting(agent) ? CNI_MAY : CNI_ASKED;
	for (size_t i = 0; i < source->n_files && !err; i++) {
		const struct policy *policy = source->files[i]->value;

		if (!policy)
			continue;
		selection->gates |= policy->n_gates > 0;
		if (goes_by_labels(policy))
			selection->unknown = CNI_MAY;
		err = add_globs(selection, policy);
	}
	return err;
}

static bool refuses(const struct policy *policy)
{
	bool refuses = policy->mode == PLIC_ENFORCE;

	for (size_t i = 0; i < policy->n_ports; i++)
		refuses |= policy->ports[i].mode == PLIC_ENFORCE;
	return refuses;
}

/* binding: by one that refuses anything. */
static bool any_may_match(const struct agent *agent, const char *namespace,
			  const struct labels *labels, bool system, bool binding)
{
	const struct source *source = &agent->policies.source;

	for (size_t i = 0; i < source->n_files; i++) {
		const struct policy *policy = source->files[i]->value;

		if (policy && (!binding || refuses(policy)) &&
		    policy_may_match(policy, namespace, labels, system))
			return true;
	}
	return false;
}

/* Its annotations ask for gates of all its pods. */
static bool asks(const struct pod_namespace *namespace)
{
	struct pod_wish wish;

	pod_wish_read(NULL, &namespace->annotations, false, &wish);
	return wish.asks;
}

static int put_namespace(const struct agent *agent, const struct pod_namespace *namespace,
			 struct cni_selection *selection)
{
	enum cni_selected selected = CNI_ASKED;

	if (!namespace->text || pods_is_system(agent, namespace->name))
		return 0;
	if (asks(namespace) || kube_listed_wanting(agent) ||
	    any_may_match(agent, namespace->name, &namespace->labels, false, true))
		selected = CNI_MAY;
	else if (any_may_match(agent, namespace->name, &namespace->labels, false, false))
		selected = CNI_WATCHED;
	if (selected != CNI_MAY && namespace->remembered)
		return 0; /* it may be another by now */
	return cni_selection_add(selection, namespace->name, selected);
}

static int put_namespaces(const struct agent *agent, struct cni_selection *selection)
{
	const struct pods *pods = agent->pods;
	int err = 0;

	if (!pods || !agent->config.kubernetes.on)
		return 0;
	if (!pods->namespaces_watch || !kube_watch_synced(pods->namespaces_watch))
		selection->unknown = CNI_MAY; /* nobody has seen any yet */
	/* Where namespaces ask by annotation, a new one may, too. */
	for (size_t i = 0; i < pods->n_namespaces; i++)
		if (!pods_is_system(agent, pods->namespaces[i]->name) && asks(pods->namespaces[i]))
			selection->unknown = CNI_MAY;
	for (size_t i = 0; i < pods->n_namespaces && !err; i++)
		err = put_namespace(agent, pods->namespaces[i], selection);
	return err;
}

/* Selected by policies that spell them out, known or not. */
static int put_system(const struct agent *agent, struct cni_selection *selection)
{
	const char *name;
	int err = 0;

	for (size_t i = 0; !err && (name = pods_system_namespace(agent, i)); i++)
		err = cni_selection_add(selection, name,
					any_may_match(agent, name, NULL, true, false) ? CNI_MAY
										      : CNI_NEVER);
	return err;
}

/* NULL: no memory. */
static char *print(const struct agent *agent)
{
	struct cni_selection selection = {0};
	char *text = NULL;

	if (!put_unknown(agent, &selection) && !put_namespaces(agent, &selection) &&
	    !put_system(agent, &selection))
		text = cni_selection_print(&selection);
	cni_selection_free(&selection);
	return text;
}

static int write_it(struct cnifile *file, const char *text)
{
	struct fault f = {0};
	int err = file_replace(file->path, text, strlen(text), 0600, &f);

	if (!err) {
		if (file->trouble.text[0])
			log_event(LOG_INFO, "cni_selection_writable",
				  LOG_FIELDS("file", file->path),
				  "portlic-cni goes by what holds now again");
		file->trouble = (struct fault){0};
		return 0;
	}
	if (!file->trouble.text[0])
		log_event(LOG_ERROR, "cni_selection_unwritable", LOG_FIELDS("file", file->path),
			  "portlic-cni goes by what was selected before: %s", f.text);
	file->trouble = f;
	return err;
}

static void on_soon(uv_timer_t *timer)
{
	struct agent *agent = timer->data;
	struct cnifile *file = &agent->cnifile;
	_free_ char *text = print(agent);

	if (text && file->written && !strcmp(text, file->written))
		return;
	if (!text || write_it(file, text)) {
		uv_timer_start(timer, on_soon, AGAIN_MS, 0);
		return;
	}
	free(file->written);
	file->written = TAKE_PTR(text);
}

void cnifile_changed(struct agent *agent)
{
	struct cnifile *file = &agent->cnifile;

	if (file->running && !uv_is_active((uv_handle_t *)&file->soon))
		uv_timer_start(&file->soon, on_soon, 0, 0);
}

int cnifile_start(struct agent *agent)
{
	struct cnifile *file = &agent->cnifile;

	if (asprintf(&file->path, "%s/" CNI_SELECTION_FILE, agent->config.state_dir) < 0) {
		file->path = NULL;
		return -ENOMEM;
	}
	uv_timer_init(&agent->loop, &file->soon);
	file->soon.data = agent;
	file->running = true;
	on_soon(&file->soon);
	return 0;
}

void cnifile_stop(struct agent *agent)
{
	struct cnifile *file = &agent->cnifile;

	if (file->running)
		uv_close((uv_handle_t *)&file->soon, NULL);
	file->running = false;
}

void cnifile_free(struct cnifile *file)
{
	free(file->path);
	free(file->written);
	*file = (struct cnifile){0};
}
