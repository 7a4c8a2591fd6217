/* SPDX-License-Identifier: MIT */
/* pods.h - the pods of this node: which are selected, and the gates of those. */
#ifndef PORTLIC_AGENT_PODS_H
#define PORTLIC_AGENT_PODS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "fault.h"
#include "pod.h"
#include "policy.h"

struct agent;
struct gate_entry;

void pods_start(struct agent *agent);
void pods_stop(struct agent *agent);

/* Policies, namespaces or pods changed: selects anew, puts gates up and takes them down. Soon, not at once. */
void pods_select(struct agent *agent);

/* Time passes: pods whose gate couldn't come up, or whose namespace has gone. To be called every second. */
void pods_tick(struct agent *agent);

/*
 * How policies see a gate: a pod's by its namespace and labels, any other by its name. Valid until the loop
 * goes on.
 */
struct policy_subject pods_subject(const struct agent *agent, const struct gate_entry *entry);
bool pods_policy_matches(const struct agent *agent, const struct policy *policy,
			 const struct gate_entry *entry);

/* What a runtime says of a pod that it is about to start (CNI). Strings may be NULL where it doesn't say. */
struct pods_sandbox {
	const char *namespace, *name, *uid;
	const char *container; /* id of the sandbox */
	const char *netns;     /* path */
};

enum pods_answer { PODS_UNSELECTED, PODS_GATED, PODS_REFUSED };
typedef void pods_done(void *arg, enum pods_answer answer, const struct gate_entry *gate,
		       const struct fault *f);

/*
 * Puts the gate up if the pod is selected, and calls done() once its rules are in force. Asks the API server
 * for the pod if its labels matter and no watch has shown it. PODS_REFUSED: it is selected, or might be, and
 * no gate could come up: why says so in a sentence for `kubectl describe pod`.
 */
void pods_sandbox_add(struct agent *agent, const struct pods_sandbox *sandbox, pods_done *done,
		      void *arg);
/* CHECK: the gate stands, whole. */
void pods_sandbox_check(struct agent *agent, const struct pods_sandbox *sandbox, pods_done *done,
			void *arg);
/* DEL: idempotent, in any order, netns and uid may be NULL. Its gate goes. */
void pods_sandbox_del(struct agent *agent, const struct pods_sandbox *sandbox, pods_done *done,
		      void *arg);

/* GET /v1/pods: see docs/api.md. */
cJSON *pods_json(const struct agent *agent);

/* The labels of a namespace (struct labels), NULL: not known. */
const struct labels *pods_namespace(const struct agent *agent, const char *name);

#endif
