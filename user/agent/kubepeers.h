/* SPDX-License-Identifier: MIT */
/*
 * kubepeers.h - pods of the cluster that policies admit ("from" by podSelector): one watch of the API server
 * for each selection that sets name, and the addresses of these pods in the kernel's sets.
 *
 * The last known addresses hold as long as the API server is away, over a restart too: STATE_DIR/k8s-peers.json.
 */
#ifndef PORTLIC_AGENT_KUBEPEERS_H
#define PORTLIC_AGENT_KUBEPEERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cjson/cJSON.h>
#include <uv.h>

#include "fault.h"
#include "from.h"
#include "peerset.h"

struct agent;

struct kubepeers {
	struct peerset *set;
	uv_timer_t timer;      /* what changed meanwhile goes to the kernel in one job */
	bool started, waiting; /* the timer is there; it runs */
	unsigned int telling;  /* jobs under way that write there */
	bool looking;	       /* one reads what is there, and nobody writes meanwhile */
	bool lost_track;       /* what it has has to be looked up again */
	struct fault trouble;  /* of the last job, "" if it went well */
	uint64_t began_ns;     /* boot clock */

	char *path;
	bool changed, saving;
	uint64_t save_ns;	 /* boot clock: not before */
	struct fault unread;	 /* the file couldn't be read at the start, "" if it could */
	struct fault unwritable; /* it can't be written, "" if it can */
};

int kubepeers_open(struct agent *agent);   /* reads the file; -ENOMEM */
void kubepeers_start(struct agent *agent); /* the node is open */
void kubepeers_stop(struct agent *agent);
void kubepeers_close(struct kubepeers *peers);

/* Rules of a gate of that namespace (NULL: of none) are about to name from's set under this id. -ENOMEM. */
int kubepeers_add(struct agent *agent, uint32_t id, const struct from *from, const char *namespace);

/* Now, ahead of rules that name sets: what is known of their pods. */
void kubepeers_tell(struct agent *agent);

/* All other sets are being dropped from the kernel, by the job that is submitted now. */
void kubepeers_keep(struct agent *agent, const uint32_t *ids, size_t n);

/* The sets in the kernel may not be what they were thought to be. */
void kubepeers_look_again(struct agent *agent);

/* What the watch of namespaces (pods_watch.c) shows. */
void kubepeers_namespaces_begin(struct agent *agent);
void kubepeers_namespace(struct agent *agent, const cJSON *object);
void kubepeers_namespace_gone(struct agent *agent, const cJSON *object);
void kubepeers_namespaces_end(struct agent *agent);

/* A pod that runs on this node: an address that it has is nobody else's. */
void kubepeers_claim(struct agent *agent, const struct pod *pod);

void kubepeers_tick(struct agent *agent); /* once a second */
void kubepeers_save(struct agent *agent); /* now, if anything changed: at the end */
void kubepeers_warn(const struct agent *agent, cJSON *warnings);

#endif
