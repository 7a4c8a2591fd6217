/* SPDX-License-Identifier: MIT */
/* agent.h - what the parts of portlicd share: one loop, one of each. */
#ifndef PORTLIC_AGENT_AGENT_H
#define PORTLIC_AGENT_AGENT_H

#include <stdbool.h>
#include <uv.h>

#include "clock.h"
#include "cnifile.h"
#include "config.h"
#include "cuts.h"
#include "entitlements.h"
#include "gates.h"
#include "http.h"
#include "jobs.h"
#include "kube.h"
#include "kube_items.h"
#include "kube_listed.h"
#include "kube_seats.h"
#include "kube_taint.h"
#include "kubenodes.h"
#include "kubepeers.h"
#include "licenses.h"
#include "memory.h"
#include "notify.h"
#include "origins.h"
#include "observe.h"
#include "policies.h"
#include "probing.h"
#include "pull.h"
#include "quotafile.h"
#include "sourcetable.h"
#include "timekeeper.h"
#include "trial.h"
#include "transfer.h"
#include "vendors.h"
#include "watch.h"

struct node;
struct pods;

struct agent {
	uv_loop_t loop;
	struct config config;
	struct clock clock;
	struct timekeeper timekeeper;
	struct memory memory;
	struct vendors vendors;
	struct licenses licenses;
	struct policies policies;
	struct gates gates;
	struct quotafile quotas;
	struct source_table sources;
	struct kubepeers kubepeers;
	struct kubenodes kubenodes;
	struct origins origins;
	struct probing probing;
	struct trial trial;
	struct watch watch;
	struct cuts cuts;
	struct entitlements entitlements;
	struct transfers transfers;
	struct pull pull;
	struct notify notify;
	struct observe observe;
	struct pods *pods; /* NULL before the start */
	struct cnifile cnifile;
	struct kube kube;
	struct kube_taint kube_taint;
	struct kube_sync kube_sync;
	struct kube_listed kube_listed;
	struct kube_seats kube_seats;
	struct node *node; /* opened by the first job; NULL before */
	struct http local, metrics;
	uv_timer_t tick, sweep, watchdog;
	uv_signal_t term, interrupt, hangup;
	struct jobs jobs;
	uint64_t own_netns;	    /* inode; gating it would cut the node off */
	int pins_lock;		    /* descriptor of the pins' directory, -1: none yet */
	struct fault pins_trouble;  /* it is no longer there, "" if it is */
	int64_t started;	    /* effective time */
	bool explaining;	    /* a job asks a gate what it would say */
	bool sweeping;		    /* a sweep is queued or runs */
	bool ushering;		    /* a round over the seats is queued or runs */
	struct fault seats_trouble; /* of the last one, "" if it went well */
	bool ready;		    /* all gates were tried once */
	struct ready_waiter *ready_waiters;
	struct http_request *explains; /* that wait for the one that is asked */
	bool stopping;
	int exit_code;
};

/* The whole life; takes the configuration over. Returns the exit code. */
int agent_run(struct config *config);

/* Reads the three directories again and applies what changed. */
void agent_rescan(struct agent *agent);

/* To be called when a gate was tried: the last one at the start makes the agent ready. */
void agent_ready_if_tried(struct agent *agent);

/* Calls done(arg) once the agent is ready; also when it stops before. */
void agent_when_ready(struct agent *agent, void (*done)(void *arg), void *arg);

/* Begins the end: nothing new starts; the pins stay and go on enforcing. */
void agent_stop(struct agent *agent, int exit_code);

/* Closes the rest once agent_stop was called and the last job is done. */
void agent_stop_if_idle(struct agent *agent);

#endif
