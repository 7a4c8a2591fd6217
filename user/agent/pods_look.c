/* SPDX-License-Identifier: MIT */
/* pods_look.c - finds out where pods without a gate are, by their processes. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "agent.h"
#include "cgrouptree.h"
#include "cleanup.h"
#include "jobs.h"
#include "pods_priv.h"

#define PAUSE_NS (SECOND_NS / 5) /* while a pod has just come or changed */
#define REST_NS (2 * SECOND_NS)	 /* else: some wait for long, for an image or for ever */
#define RESTLESS_NS (30 * SECOND_NS)
#define PAUSE_FACTOR                                                                               \
	10 /* of the processor time that a look takes; a busy node is no reason to wait */

/*
 * Gates that may be on their way up, JOBS_OPENING at once, each for some tenths of a second. Whoever starts a pod
 * waits behind them: a node with hundreds of pods gets its gates by and by.
 */
#define AT_ONCE 8

/* A pod whose place is looked for. */
struct wanted {
	char uid[POD_UID_MAX + 1];
	bool host_network;
};

/* Where processes of it are. */
struct found {
	struct podnet net; /* without its cgroup */
	char *path;  /* of its namespace or, on the host's network, cgroup; NULL: there is none */
	uint64_t id; /* place_id() there */
	struct fault why;
};

struct look_job {
	struct job job;
	struct wanted *wanted;
	size_t n_wanted;
	struct found *found;
	size_t n_found;
	bool restless; /* somebody came or changed just now */
	bool deferred; /* of those that were found, some have to wait for others */
	struct fault fault;
	uint64_t began_ns; /* boot clock: other jobs may have been ahead of it for long */
	uint64_t took_ns;
};

static const struct wanted *find_wanted(const struct look_job *look, const char *uid)
{
	for (size_t i = 0; i < look->n_wanted; i++)
		if (!strcmp(look->wanted[i].uid, uid))
			return &look->wanted[i];
	return NULL;
}

static void find_cgroup(const struct podnet *net, struct found *found)
{
	struct fault why = {0};

	if (!net->cgroup) {
		fault_set(&found->why, 0,
			  "it is on the host's network, and its processes are in no cgroup of "
			  "version 2 of their own, where its gate would be: boot the node with "
			  "systemd.unified_cgroup_hierarchy=1");
		return;
	}
	if (cgroup_resolve(net->cgroup + 1, &found->path, &why) ||
	    cgroup_id(found->path, &found->id, &why)) {
		free(found->path);
		found->path = NULL;
		fault_set(&found->why, 0, "it is on the host's network, and %s", why.text);
	}
}

static void find_netns(const struct podnet *net, struct found *found)
{
	char path[PATH_MAX];

	if (!podnet_path(net, path, sizeof(path)))
		found->path = strdup(path);
	found->id = net->netns;
}

static uint64_t thread_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return t.tv_sec * SECOND_NS + t.tv_nsec;
}

static void look_work(struct job *job)
{
	struct look_job *look = (struct look_job *)job;
	uint64_t began_ns = thread_ns();
	struct podnets nets = {0};

	look->began_ns = clock_boot_ns();
	if (!podnets_read(&nets, &look->fault))
		look->found = calloc(nets.n + 1, sizeof(*look->found));
	for (size_t i = 0; look->found && i < nets.n; i++) {
		const struct wanted *wanted = find_wanted(look, nets.list[i].uid);
		struct found *found = &look->found[look->n_found];
		bool own = nets.list[i].netns == job->agent->own_netns;

		/* A runtime's helper is in the cgroup of the pod before it enters its namespace. */
		if (!wanted || (own && !wanted->host_network))
			continue;
		look->n_found++;
		found->net = nets.list[i];
		found->net.cgroup = NULL;
		if (wanted->host_network)
			find_cgroup(&nets.list[i], found);
		else
			find_netns(&nets.list[i], found);
	}
	podnets_free(&nets);
	look->took_ns = thread_ns() - began_ns;
}

/* The pod that a found place is of, as the watch or else its gate has it; NULL: neither knows it any more. */
static const struct pod *pod_of(const struct agent *agent, const char *uid,
				struct pod_entry **shown)
{
	*shown = pods_find(agent->pods, uid);
	if (*shown)
		return &(*shown)->pod;
	for (size_t i = 0; i < agent->gates.n_entries; i++)
		if (agent->gates.entries[i]->pod && !strcmp(agent->gates.entries[i]->pod->uid, uid))
			return agent->gates.entries[i]->pod;
	return NULL;
}

/* A pod may make namespaces of its own: its gate stands where its oldest process is, which is found first. */
static bool is_settled(const struct agent *agent, const struct look_job *look, size_t i)
{
	const char *uid = look->found[i].net.uid;

	for (size_t j = 0; j < i; j++)
		if (look->found[j].path && !strcmp(look->found[j].net.uid, uid))
			return true;
	return pods_gate_on(agent, uid, 0); /* the runtime was faster */
}

static bool is_busy(const struct agent *agent)
{
	size_t n = 0;

	for (size_t i = 0; i < agent->gates.n_entries; i++)
		n += agent->gates.entries[i]->opening;
	return n >= AT_ONCE;
}

static void settle(struct agent *agent, struct look_job *look, size_t i)
{
	const struct found *found = &look->found[i];
	struct pod_entry *shown;
	const struct pod *pod = pod_of(agent, found->net.uid, &shown);
	struct fault why = {0};
	struct pods_site site = {
		.netns = pod && pod->host_network ? NULL : found->path,
		.cgroup = pod && pod->host_network ? found->path : NULL,
		.id = found->id,
		.sandbox = found->net.container,
		.born_ns = found->net.born_ns,
		.process = true,
	};

	if (!pod || (shown && !shown->selected_ns) || is_settled(agent, look, i))
		return;
	if (is_busy(agent)) {
		look->deferred = true;
		return;
	}
	if (!found->path)
		why = found->why; /* none: it has gone meanwhile */
	else if (pods_place(agent, pod, &site, &why))
		return;
	if (shown && why.text[0])
		pods_exclude(shown, why.text);
}

static void plan_next(struct pods *pods, const struct look_job *look)
{
	uint64_t pause_ns = look->restless ? PAUSE_NS : REST_NS;

	if (PAUSE_FACTOR * look->took_ns > pause_ns)
		pause_ns = PAUSE_FACTOR * look->took_ns;
	if (pause_ns > REST_NS) /* a pod that runs without a gate is worse */
		pause_ns = REST_NS;
	if (look->deferred) /* its job stands behind those of the gates */
		pause_ns = 0;
	pods->next_ns = clock_boot_ns() + pause_ns;
	if (look->restless || look->deferred)
		pods_round_in(pods, pause_ns / 1000000 + 1);
}

static void look_done(struct job *job)
{
	struct look_job *look = (struct look_job *)job;
	struct agent *agent = job->agent;
	struct pods *pods = agent->pods;

	pods->looking = false;
	pods->trouble = look->fault;
	for (size_t i = 0; i < look->n_found && !agent->stopping; i++)
		settle(agent, look, i);
	if (!look->deferred)
		pods->looked_ns = look->began_ns;
	plan_next(pods, look);
	for (size_t i = 0; i < look->n_found; i++)
		free(look->found[i].path);
	free(look->found);
	free(look->wanted);
	free(look);
}

static void want(struct look_job *look, const struct pod *pod)
{
	struct wanted *wanted = &look->wanted[look->n_wanted++];

	strncpy(wanted->uid, pod->uid, POD_UID_MAX);
	wanted->host_network = pod->host_network;
}

static void list_wanted(const struct agent *agent, struct look_job *look)
{
	const struct pods *pods = agent->pods;
	uint64_t now_ns = clock_boot_ns();

	for (size_t i = 0; i < pods->n; i++) {
		const struct pod_entry *pod = pods->list[i];

		if (!pod->selected_ns || pod->pod.ended || pods_gate_on(agent, pod->pod.uid, 0))
			continue;
		want(look, &pod->pod);
		look->restless |= now_ns - pod->changed_ns < RESTLESS_NS ||
				  now_ns - pod->selected_ns < RESTLESS_NS;
	}
	for (size_t i = 0; i < agent->gates.n_entries; i++) {
		const struct gate_entry *entry = agent->gates.entries[i];

		if (!entry->pod || !pods_gate_lost(entry) || find_wanted(look, entry->pod->uid))
			continue;
		want(look, entry->pod);
		look->restless |= now_ns - entry->lost_ns < RESTLESS_NS;
	}
}

void pods_look(struct pods *pods)
{
	struct agent *agent = pods->agent;
	struct look_job *look;

	if (pods->looking || clock_boot_ns() < pods->next_ns)
		return;
	look = calloc(1, sizeof(*look));
	if (look)
		look->wanted = calloc(pods->n + agent->gates.n_entries + 1, sizeof(*look->wanted));
	if (!look || !look->wanted) {
		free(look);
		return;
	}
	list_wanted(agent, look);
	look->job.work = look_work;
	look->job.done = look_done;
	pods->looking = true;
	job_submit(agent, &look->job);
}
