/* SPDX-License-Identifier: MIT */
/* pods.h - the pods of this node: which are selected, and the gates of those. */
#ifndef PORTLIC_AGENT_PODS_H
#define PORTLIC_AGENT_PODS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cjson/cJSON.h>

#include "fault.h"
#include "pod.h"
#include "policy.h"

struct agent;
struct gate_entry;
struct pods;

void pods_start(struct agent *agent);
void pods_stop(struct agent *agent);
void pods_free(struct agent *agent); /* at the end of the agent, when no job runs any more */

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
/* Its pod or namespace asks for it by name, which counts where no policy matches. */
bool pods_policy_asked(const struct agent *agent, const struct policy *policy,
		       const struct gate_entry *entry);

/* The mode in the place of that of `policy` (NULL: none), by the annotations of pod and namespace. */
enum plic_mode pods_mode(const struct agent *agent, const struct gate_entry *entry,
			 const struct policy *policy);

/* The pins of before have been looked at: a pod's gate without pins is on no place that can be trusted. */
void pods_adopted(struct agent *agent);

/*
 * May a gate come up at its path, where place_id() is `id` now? A pod's only in the namespace that a process
 * of the pod or its runtime has shown, for paths and inodes come to mean others.
 */
bool pods_may_open(const struct gate_entry *entry, uint64_t id, struct fault *f);

/* A pod's gate that would come back if it was removed: its pod is selected and hasn't ended. */
bool pods_hold(const struct agent *agent, const struct gate_entry *entry);

/* The sweep found a pod's namespace or cgroup gone. */
void pods_lost(struct gate_entry *entry);

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

/* The API server tells which pods come to this node. */
bool pods_followed(const struct agent *agent);

/* For the status: how many of the API server's are in each state; null without Kubernetes. */
cJSON *pods_status(const struct agent *agent);

/* The member "pod" of a gate's object: {"namespace","name","uid","workload"}, null: it is no pod's. */
cJSON *pods_gate_json(const struct gate_entry *entry);

/* Pods that have no gate and should, and annotations that are no good. */
void pods_warn(const struct agent *agent, cJSON *warnings);

void pods_metrics(FILE *out, const struct agent *agent);

/* Of two gates of pods that have the same namespace and name one after another: this is the later pod's. */
bool pods_is_latest(const struct agent *agent, const struct gate_entry *entry);

/* What gates.json has of a pod's gate, and of the namespaces of those. -EBADMSG, -ENOMEM. */
void pods_file_put(const struct gate_entry *entry, cJSON *item);
int pods_file_take(const cJSON *item, struct gate_entry *entry, struct fault *f);
void pods_file_put_namespaces(const struct agent *agent, cJSON *root);
int pods_file_take_namespaces(struct agent *agent, const cJSON *root, struct fault *f);

/* Pods of these namespaces are gated by policies that spell their names out: the i-th, NULL: there are no more. */
const char *pods_system_namespace(const struct agent *agent, size_t i);
bool pods_is_system(const struct agent *agent, const char *namespace);

/* Whole lists of this node's pods and of the namespaces have come. */
bool pods_selection_known(const struct pods *pods);

#endif
