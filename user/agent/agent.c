/* SPDX-License-Identifier: MIT */
/* agent.c - the life of the agent: start, events of the loop, end. */
#include "agent.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "adopt.h"
#include "api.h"
#include "cleanup.h"
#include "file.h"
#include "gatefile.h"
#include "interim.h"
#include "listen.h"
#include "log.h"
#include "manager.h"
#include "netns.h"
#include "node.h"
#include "pods.h"
#include "sweep.h"

#define TICK_MS 1000

void agent_rescan(struct agent *agent)
{
	int64_t now = clock_now(&agent->clock);
	bool trust = vendors_scan(&agent->vendors);
	bool licenses = licenses_scan(&agent->licenses, agent->vendors.trust, trust, now);
	bool policies = policies_scan(&agent->policies, agent->vendors.trust, trust);

	if (timekeeper_learn(agent))
		licenses |= licenses_tick(&agent->licenses, agent->vendors.trust,
					  clock_now(&agent->clock));
	if (trust)
		pull_trust_changed(agent);
	if (trust)
		gates_reread_policies(&agent->gates, agent->vendors.trust);
	trial_rescanned(agent, trust);
	kube_listed_scanned(agent);
	if (trust || policies)
		pods_select(agent);
	if (trust || licenses || policies)
		rules_changed(agent);
}

static void on_change(void *arg)
{
	agent_rescan(arg);
}

/* A disk that was full may have room again. */
static void keep_again(struct agent *agent)
{
	source_keep_again(&agent->vendors.source);
	source_keep_again(&agent->policies.source);
	source_keep_again(&agent->licenses.source);
	source_keep_again(&agent->licenses.lists);
	gatefile_save_again(agent);
	kube_listed_tick(agent);
}

/* Time passes for licenses, holds and the clock; what failed is tried again. */
static void look_around(struct agent *agent)
{
	bool changed = timekeeper_look(agent);

	glass_tick(agent);
	trial_tick(agent);
	drill_tick(agent);
	interim_tick(agent);
	if (source_any_over(&agent->vendors.source) || source_any_over(&agent->policies.source))
		agent_rescan(agent);
	changed |= licenses_tick(&agent->licenses, agent->vendors.trust, clock_now(&agent->clock));
	changed |= timekeeper_learn(agent);
	if (changed || agent->gates.failed)
		rules_changed(agent);
	cuts_check(agent);
	probing_tick(agent);
	shield_tick(agent);
	entitlements_write(agent);
	kubepeers_tick(agent);
	kubenodes_tick(agent);
	memory_tick(agent);
	notify_tick(agent);
}

static void on_tick(uv_timer_t *timer)
{
	look_around(timer->data);
	keep_again(timer->data);
	adopt_watch(timer->data);
	kube_taint_tick(timer->data);
	pods_tick(timer->data);
	kube_sync_tick(timer->data);
}

static void on_watchdog(uv_timer_t *timer)
{
	manager_tell("WATCHDOG=1");
}

struct ready_waiter {
	struct ready_waiter *next;
	void (*done)(void *arg);
	void *arg;
};

static void wake_ready_waiters(struct agent *agent)
{
	while (agent->ready_waiters) {
		struct ready_waiter *waiter = agent->ready_waiters;

		agent->ready_waiters = waiter->next;
		waiter->done(waiter->arg);
		free(waiter);
	}
}

void agent_when_ready(struct agent *agent, void (*done)(void *arg), void *arg)
{
	struct ready_waiter *waiter = agent->ready ? NULL : malloc(sizeof(*waiter));

	if (!waiter)
		return done(arg);
	*waiter = (struct ready_waiter){.next = agent->ready_waiters, .done = done, .arg = arg};
	agent->ready_waiters = waiter;
}

void agent_ready_if_tried(struct agent *agent)
{
	size_t i;

	if (agent->ready || !agent->node || agent->stopping)
		return;
	for (i = 0; i < agent->gates.n_entries; i++)
		if (agent->gates.entries[i]->opening || !agent->gates.entries[i]->tried)
			return;
	agent->ready = true;
	observe_start(agent); /* not before: events name their gates by number */
	manager_tell("READY=1");
	log_event(LOG_INFO, "ready",
		  LOG_FIELDS("socket", agent->config.socket, "metrics",
			     agent->config.metrics ? agent->config.metrics_text : "none"),
		  "%zu gates, %zu licenses", agent->gates.n_entries, agent->licenses.n_views);
	wake_ready_waiters(agent);
}

static void on_sweep(uv_timer_t *timer)
{
	struct agent *agent = timer->data;

	sweep(agent);
	agent_ready_if_tried(agent);
}

static void on_signal(uv_signal_t *handle, int number)
{
	struct agent *agent = handle->data;

	if (number == SIGHUP) {
		log_event(LOG_INFO, "rescan", LOG_NO_FIELDS, "asked for by SIGHUP");
		agent_rescan(agent);
		pull_now(agent, NULL);
		return;
	}
	agent_stop(agent, 0);
}

static void found(struct agent *agent, void *arg, int err, const struct fault *f)
{
	if (err) {
		log_event(LOG_ERROR, "start_failed", LOG_FIELDS("bpffs", agent->config.bpffs), "%s",
			  f->text[0] ? f->text : strerror(-err));
		agent_stop(agent, 1);
		return;
	}
	if (agent->stopping)
		return;
	kubepeers_start(agent);
	kubenodes_start(agent);
	agent->origins.support = cgroups_support();
	origins_look(agent, NULL);
	probing_tick(agent);
	pods_adopted(agent);
	uv_timer_start(&agent->tick, on_tick, TICK_MS, TICK_MS);
	timekeeper_watch(agent, look_around);
	uv_timer_start(&agent->sweep, on_sweep, 0, SWEEP_MS);
}

static void start_signal(struct agent *agent, uv_signal_t *handle, int number)
{
	uv_signal_init(&agent->loop, handle);
	handle->data = agent;
	uv_signal_start(handle, on_signal, number);
}

static void start_timers(struct agent *agent)
{
	uint64_t watchdog_ms = manager_watchdog_ms();

	uv_timer_init(&agent->loop, &agent->tick);
	uv_timer_init(&agent->loop, &agent->sweep);
	uv_timer_init(&agent->loop, &agent->watchdog);
	cuts_start(agent);
	agent->tick.data = agent;
	agent->sweep.data = agent;
	if (watchdog_ms)
		uv_timer_start(&agent->watchdog, on_watchdog, 0, watchdog_ms);
	start_signal(agent, &agent->term, SIGTERM);
	start_signal(agent, &agent->interrupt, SIGINT);
	start_signal(agent, &agent->hangup, SIGHUP);
}

/* One agent for one state directory; the lock goes with the process. */
static int lock_state(const char *state_dir, int *lock, struct fault *f)
{
	_free_ char *path = NULL;
	int err;

	if (mkdir(state_dir, 0700) && errno != EEXIST)
		return fault_set(f, errno, "can't make state_dir \"%s\": %s", state_dir,
				 strerror(errno));
	if (asprintf(&path, "%s/lock", state_dir) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	*lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (*lock < 0)
		return fault_set(f, errno, "can't open \"%s\": %s", path, strerror(errno));
	err = file_lock(*lock);
	if (err)
		return fault_set(f, -err,
				 "another agent uses state_dir \"%s\": stop it, or give this one a "
				 "\"state_dir\", \"socket\" and \"bpffs\" of its own",
				 state_dir);
	return 0;
}

static int start_http(struct agent *agent, struct fault *f)
{
	const struct config *config = &agent->config;
	int fd, err;

	if (config->metrics) {
		fd = listen_tcp((const struct sockaddr *)&config->metrics_addr, config->metrics_len,
				config->metrics_text, f);
		err = fd < 0 ? fd : http_start(&agent->metrics, agent, fd, api_metrics, f);
		if (err)
			return err;
	}
	fd = listen_unix(config->socket, f);
	return fd < 0 ? fd : http_start(&agent->local, agent, fd, api_local, f);
}

static int open_sources(struct agent *agent, struct fault *f)
{
	const struct config *config = &agent->config;
	int err;

	err = vendors_open(&agent->vendors, config->trust_dir, config->state_dir, f);
	if (!err)
		err = licenses_open(&agent->licenses, config->license_dir, config->audience,
				    config->state_dir, f);
	agent->licenses.borrows = kube_sync_configured(agent);
	if (!err)
		err = policies_open(&agent->policies, config->policy_dir, config->state_dir, f);
	if (!err)
		err = memory_open(agent);
	if (!err)
		err = quotafile_open(agent);
	if (!err)
		err = kubepeers_open(agent);
	if (!err)
		err = kubenodes_open(agent);
	if (!err)
		err = kube_listed_open(agent);
	if (!err && asprintf(&agent->gates.path, "%s/gates.json", config->state_dir) < 0) {
		agent->gates.path = NULL;
		err = -ENOMEM;
	}
	return err;
}

static int start(struct agent *agent, int *lock, struct fault *f)
{
	const struct config *config = &agent->config;
	const char *dirs[] = {config->trust_dir, config->license_dir, config->policy_dir};
	int err = lock_state(config->state_dir, lock, f);

	if (!err)
		err = open_sources(agent, f);
	if (!err)
		err = start_http(agent, f);
	if (err)
		return err;
	err = transfers_start(&agent->transfers, &agent->loop);
	if (err)
		return fault_set(f, -err, "libcurl can't be started");
	vendors_scan(&agent->vendors); /* the gates' own policies are held against it */
	timekeeper_start(agent);
	agent->started = clock_now(&agent->clock);
	agent->gates.began_ns = clock_boot_ns();
	netns_inode("/proc/self/ns/net", &agent->own_netns, NULL);
	start_timers(agent);
	notify_start(agent);
	pull_start(agent);
	kube_start(agent);
	kube_sync_start(agent);
	watch_start(&agent->watch, &agent->loop, dirs, ARRAY_SIZE(dirs), on_change, agent);
	pods_start(agent);
	gatefile_load(agent);
	agent_rescan(agent);
	err = cnifile_start(agent);
	if (err)
		return err;
	adopt_pins(agent, found);
	return 0;
}

void agent_stop(struct agent *agent, int exit_code)
{
	if (agent->stopping)
		return;
	agent->stopping = true;
	agent->exit_code = exit_code;
	manager_tell("STOPPING=1");
	timekeeper_stop(agent);
	uv_close((uv_handle_t *)&agent->tick, NULL);
	uv_close((uv_handle_t *)&agent->sweep, NULL);
	uv_close((uv_handle_t *)&agent->watchdog, NULL);
	uv_close((uv_handle_t *)&agent->term, NULL);
	uv_close((uv_handle_t *)&agent->interrupt, NULL);
	uv_close((uv_handle_t *)&agent->hangup, NULL);
	cuts_stop(agent);
	watch_stop(&agent->watch);
	pull_stop(agent);
	notify_stop(agent);
	pods_stop(agent);
	cnifile_stop(agent);
	kubepeers_stop(agent);
	kubenodes_stop(agent);
	kube_sync_stop(agent);
	kube_taint_stop(agent);
	kube_stop(agent);
	observe_stop(agent);
	transfers_stop(&agent->transfers);
	wake_ready_waiters(agent);
	agent_stop_if_idle(agent);
}

void agent_stop_if_idle(struct agent *agent)
{
	if (!agent->stopping || agent->jobs.unfinished)
		return;
	http_stop(&agent->local);
	http_stop(&agent->metrics);
}

static void finish(struct agent *agent)
{
	memory_save(agent);
	quotafile_finish(agent);
	quotafile_close(&agent->quotas);
	pods_free(agent);
	cnifile_free(&agent->cnifile);
	gates_close(&agent->gates);
	kubepeers_save(agent);
	kubepeers_close(&agent->kubepeers);
	kubenodes_close(&agent->kubenodes);
	kube_listed_close(&agent->kube_listed);
	source_table_free(&agent->sources);
	free(agent->origins.networks);
	kubelet_place_free(&agent->probing.place);
	node_close(agent->node);
	cleanup_close(&agent->pins_lock);
	vendors_close(&agent->vendors);
	licenses_close(&agent->licenses);
	memory_close(&agent->memory);
	policies_close(&agent->policies);
	trial_free(&agent->trial);
	unlink(agent->config.socket);
	config_free(&agent->config);
	uv_loop_close(&agent->loop);
}

int agent_run(struct config *config)
{
	static struct agent agent;
	_close_ int lock = -1;
	struct fault f = {0};
	int err;

	agent.config = *config;
	agent.pins_lock = agent.timekeeper.fd = -1;
	uv_loop_init(&agent.loop);
	jobs_init(&agent.jobs);
	log_event(LOG_INFO, "starting", LOG_FIELDS("audience", config->audience),
		  "portlicd " PORTLIC_VERSION);
	err = start(&agent, &lock, &f);
	if (err) {
		log_event(LOG_ERROR, "start_failed", LOG_NO_FIELDS, "%s",
			  f.text[0] ? f.text : strerror(-err));
		return 1;
	}
	uv_run(&agent.loop, UV_RUN_DEFAULT);
	finish(&agent);
	log_event(LOG_INFO, "stopped", LOG_NO_FIELDS,
		  agent.exit_code ? "it can't work here" : "the gates stay in force");
	return agent.exit_code;
}
