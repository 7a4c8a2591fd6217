/* SPDX-License-Identifier: MIT */
/* pods_priv.h - what the files of pods share. */
#ifndef PORTLIC_AGENT_PODS_PRIV_H
#define PORTLIC_AGENT_PODS_PRIV_H

#include <uv.h>

#include "attach.h"
#include "kube.h"
#include "podnets.h"
#include "pods.h"
#include "podwish.h"

#define SECOND_NS 1000000000ULL

enum pod_state {
	POD_GATED,
	POD_WAITING,  /* selected, and its namespace isn't there yet */
	POD_EXCLUDED, /* selected, runs and has no gate: why says so */
	POD_UNSELECTED,
	POD_N_STATES
};

/* A namespace of the cluster, as the watch shows it or gates.json remembers it. */
struct pod_namespace {
	char *name;
	struct labels labels, annotations; /* annotations: those of POD_ANNOTATIONS */
	char *text;			   /* both, as JSON: another one tells a change */
	bool listed;			   /* named by the list under way */
	bool remembered;		   /* from gates.json, and no list has come yet */
};

/* A pod of this node, as the watch shows it. */
struct pod_entry {
	struct pod pod;
	char *text;  /* pod_json(): another one tells a change */
	bool listed; /* named by the list under way */
	bool judged; /* once at least */
	enum pod_state state;
	struct fault why;     /* of waiting and excluded, "" else */
	uint64_t selected_ns; /* boot clock: since when it is to have a gate, 0: it isn't */
	uint64_t running_ns; /* boot clock: since when its status names containers, 0: it doesn't */
	uint64_t changed_ns; /* boot clock: its status changed last */
};

/* A pod that was refused, for another one had its UID first. */
struct pod_refused {
	struct pod pod;
	bool listed; /* named by the list under way */
	uint64_t
		free_ns; /* boot clock: since when no pod that is shown has the UID, 0: one has it */
};

struct pods {
	struct agent *agent;
	struct kube_watch *watch, *namespaces_watch;
	struct pod_entry **list;
	size_t n, room;
	struct pod_refused *refused;
	size_t n_refused, refused_room;
	struct pod_namespace **namespaces;
	size_t n_namespaces, namespaces_room;
	uv_timer_t soon;
	bool looking;	      /* a job walks through /proc */
	uint64_t next_ns;     /* boot clock: no next look before */
	uint64_t looked_ns;   /* boot clock: when the last look that is done began to look */
	struct fault trouble; /* of the last look, "" if it went well */
	double delay_sum;     /* portlic_attach_delay_seconds */
	uint64_t delay_count;
	struct sandbox_add *adds; /* that wait for something */
};

/* ---- pods.c ---- */

/* How a pod's annotations and labels are seen now; pointers into pod and the namespaces. */
struct pod_view {
	const struct pod_namespace *namespace; /* NULL: not known */
	struct pod_wish wish;
	struct policy_subject subject;
	const struct policy *policy;
	bool selected;
};
void pods_view(const struct agent *agent, const struct pod *pod, const char *gate,
	       struct pod_view *out);

struct pod_entry *pods_find(const struct pods *pods, const char *uid);
/* Without what comes and goes: addresses and containers. -ENOMEM. */
int pods_copy(const struct pod *from, struct pod *out);
struct pod_namespace *pods_namespace_find(const struct pods *pods, const char *name);
struct pod_namespace *pods_namespace_add(struct pods *pods, const char *name);
/* From the API's object; NULL: neither labels nor annotations. true: it changed. -EINVAL, -ENOMEM. */
int pods_namespace_set(struct pod_namespace *namespace, const cJSON *metadata, bool *changed,
		       struct fault *f);
void pods_namespace_free(struct pod_namespace *namespace);

/* A round in so many ms, unless one comes before. */
void pods_round_in(struct pods *pods, uint64_t ms);

/* ---- pods_watch.c ---- */

void pods_watch_start(struct pods *pods);
void pods_watch_stop(struct pods *pods);
/* Who was refused for a UID that is free by now gets it. To be called every second. */
void pods_look_at_refused(struct pods *pods);
bool pods_known(const struct pods *pods); /* a whole list of this node's pods has come */

/* ---- pods_round.c ---- */

/* Judges all pods and their gates. */
void pods_round(struct agent *agent);

/* Selected, and it can't have a gate: logged once for each reason. */
void pods_exclude(struct pod_entry *pod, const char *why);

/* The gate of a pod's that is on a place (its place_id()), NULL: none. id 0: any that isn't lost. */
struct gate_entry *pods_gate_on(const struct agent *agent, const char *uid, uint64_t id);

/* A pod's gate that has no place any more. */
bool pods_gate_lost(const struct gate_entry *entry);

/* Takes it down. done may be NULL. */
void pods_remove(struct agent *agent, struct gate_entry *entry, const char *why, attach_done *done,
		 void *arg);

/* ---- pods_place.c ---- */

struct pods_site {
	const char *netns, *cgroup; /* paths, one of them NULL */
	uint64_t id;
	const char *sandbox; /* id of its container, "": not known */
	uint64_t born_ns;    /* boot clock: its first process, or the runtime's call */
	bool process;	     /* ... a process */
	bool partial;	     /* no more is known of the pod than its namespace, name and UID */
};

/*
 * Puts a pod's gate up, or back up, on a site; the entry, which is opening, stands or has failed. NULL: it
 * can't be there, and why.
 */
struct gate_entry *pods_place(struct agent *agent, const struct pod *pod,
			      const struct pods_site *site, struct fault *f);

/* ---- pods_look.c ---- */

/* Looks for the namespaces of pods without a gate, unless it just did or does; then comes a round. */
void pods_look(struct pods *pods);

/* ---- pods_sandbox.c ---- */

/* A gate has come up, or hasn't. */
void pods_sandbox_wake(struct pods *pods);
void pods_sandbox_stop(struct pods *pods);

#endif
