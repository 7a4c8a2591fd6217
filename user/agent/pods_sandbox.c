/* SPDX-License-Identifier: MIT */
/* pods_sandbox.c - a runtime is about to start a pod: its gate stands before the first process, or it fails. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent.h"
#include "attach.h"
#include "cleanup.h"
#include "gatefile.h"
#include "netns.h"
#include "pods_priv.h"

#define HTTP_OK 200

/* One ADD, until it is answered. */
struct sandbox_add {
	struct sandbox_add *next;
	struct agent *agent;
	char *namespace, *name, *uid, *container, *netns;
	uint64_t began_ns;
	uint64_t id;	       /* of its network namespace */
	struct fault no_netns; /* why there is none, "" if there is */
	struct kube_request *request;
	bool asked_pod, asked_namespace;
	struct fault api;	      /* what the API server couldn't tell, "" if it could */
	struct pod pod;		      /* from its answer; without a UID: there was none */
	char gate[GATE_NAME_MAX + 1]; /* waits for this one, "" before */
	bool applying;		      /* it stands, and its rules are on their way */
	pods_done *done;
	void *arg;
};

static void free_add(struct sandbox_add *add)
{
	free(add->namespace);
	free(add->name);
	free(add->uid);
	free(add->container);
	free(add->netns);
	pod_free(&add->pod);
	free(add);
}

static void answer(struct sandbox_add *add, enum pods_answer what, const struct gate_entry *gate,
		   const struct fault *f)
{
	struct sandbox_add **at = &add->agent->pods->adds;
	static const struct fault none;

	while (*at && *at != add)
		at = &(*at)->next;
	if (*at)
		*at = add->next;
	kube_cancel(add->request);
	add->done(add->arg, what, gate, f ? f : &none);
	free_add(add);
}

__attribute__((format(printf, 2, 3))) static void refuse(struct sandbox_add *add, const char *fmt,
							 ...)
{
	struct fault f;
	va_list ap;

	va_start(ap, fmt);
	fault_format(f.text, sizeof(f.text), fmt, ap);
	va_end(ap);
	answer(add, PODS_REFUSED, NULL, &f);
}

/* ---- the gate comes up ---- */

static void applied(void *arg)
{
	struct sandbox_add *add = arg;
	const struct gate_entry *gate = gates_find(&add->agent->gates, add->gate);

	if (gate && gate->state == GATE_ATTACHED)
		answer(add, PODS_GATED, gate, NULL);
	else
		refuse(add, "portlic: gate \"%s\" was removed meanwhile", add->gate);
}

static void await(struct sandbox_add *add)
{
	const struct gate_entry *gate = gates_find(&add->agent->gates, add->gate);

	if (!gate) {
		refuse(add, "portlic: gate \"%s\" was removed meanwhile", add->gate);
	} else if (gate->opening) {
		return; /* told when it has come up */
	} else if (gate->state == GATE_ATTACHED) {
		add->applying = true;
		rules_when_applied(add->agent, applied, add);
	} else {
		refuse(add, "portlic: gate \"%s\" can't come up: %s", gate->name, gate->error.text);
	}
}

/* That waits for a gate which has come up, or hasn't. */
static struct sandbox_add *find_due(const struct pods *pods)
{
	for (struct sandbox_add *add = pods->adds; add; add = add->next) {
		const struct gate_entry *gate;

		if (!add->gate[0] || add->applying)
			continue;
		gate = gates_find(&pods->agent->gates, add->gate);
		if (!gate || !gate->opening)
			return add;
	}
	return NULL;
}

/* One answer may lead to others: the list is looked at anew for each. */
void pods_sandbox_wake(struct pods *pods)
{
	struct sandbox_add *add;

	while ((add = find_due(pods)))
		await(add);
}

static void place(struct sandbox_add *add, const struct pod *pod, bool partial)
{
	const struct pods_site site = {.netns = add->netns,
				       .id = add->id,
				       .sandbox = add->container,
				       .born_ns = add->began_ns,
				       .partial = partial};
	struct gate_entry *gate;
	struct fault f = {0};

	if (add->no_netns.text[0]) {
		refuse(add, "portlic: pod \"%s/%s\" can't be gated: %s", add->namespace, add->name,
		       add->no_netns.text);
		return;
	}
	gate = pods_place(add->agent, pod, &site, &f);
	if (!gate) {
		refuse(add, "portlic: pod \"%s/%s\" can't be gated: %s", add->namespace, add->name,
		       f.text);
		return;
	}
	snprintf(add->gate, sizeof(add->gate), "%s", gate->name);
	await(add);
}

/* ---- is it selected? ---- */

static void decide(struct sandbox_add *add);

static void pod_answered(struct sandbox_add *add, const struct kube_answer *from)
{
	struct fault why = {0};

	if (from->err) {
		add->api = from->why;
	} else if (from->status != HTTP_OK) {
		fault_set(&add->api, 0, "the API server answers %u for the pod", from->status);
	} else if (!from->body || pod_read(from->body, &add->pod, &why)) {
		fault_set(&add->api, 0, "the API server's pod can't be read: %s", why.text);
	} else if (add->uid && strcmp(add->pod.uid, add->uid) != 0) {
		pod_free(&add->pod);
		fault_set(&add->api, 0,
			  "the API server has another pod of that name by now (its UID isn't %s)",
			  add->uid);
	}
}

static void namespace_answered(struct sandbox_add *add, const struct kube_answer *from)
{
	const cJSON *metadata = json_get(from->body, "metadata");
	struct pod_namespace *namespace;
	bool changed;

	if (from->err)
		add->api = from->why;
	else if (from->status != HTTP_OK)
		fault_set(&add->api, 0, "the API server answers %u for the namespace",
			  from->status);
	if (from->err || from->status != HTTP_OK || !metadata)
		return;
	namespace = pods_namespace_add(add->agent->pods, add->namespace);
	if (namespace && !namespace->text)
		pods_namespace_set(namespace, metadata, &changed, &add->api);
}

static void answered(void *arg, const struct kube_answer *from)
{
	struct sandbox_add *add = arg;

	add->request = NULL;
	if (add->asked_namespace)
		namespace_answered(add, from);
	else
		pod_answered(add, from);
	decide(add);
}

/* false: it can't be asked. */
static bool ask(struct sandbox_add *add, bool pod)
{
	_free_ char *path = NULL;
	int n = pod ? asprintf(&path, "/api/v1/namespaces/%s/pods/%s", add->namespace, add->name)
		    : asprintf(&path, "/api/v1/namespaces/%s", add->namespace);

	if (n < 0) {
		path = NULL;
		return false;
	}
	add->asked_pod = true;
	add->asked_namespace = !pod;
	add->request =
		kube_request(add->agent, &(struct kube_request_spec){.method = "GET", .path = path},
			     answered, add, &add->api);
	return add->request;
}

/*
 * As the watch, a gate of it that gates.json remembers, or an answer has it; NULL: nobody does. Where a runtime tells
 * no UID only the answer is sure to be of this pod and not of the one before it.
 */
static const struct pod *known_pod(const struct sandbox_add *add)
{
	const struct pod_entry *shown = add->uid ? pods_find(add->agent->pods, add->uid) : NULL;
	const struct pod named = {.namespace = add->namespace, .name = add->name};
	const struct gates *gates = &add->agent->gates;

	if (!add->uid)
		return add->pod.uid ? &add->pod : NULL;
	if (shown && !pod_is_other(&shown->pod, &named))
		return &shown->pod;
	for (size_t i = 0; i < gates->n_entries; i++)
		if (gates->entries[i]->pod && !gates->entries[i]->pod_partial &&
		    !strcmp(gates->entries[i]->pod->uid, add->uid))
			return gates->entries[i]->pod;
	return add->pod.uid ? &add->pod : NULL;
}

/*
 * By what is known of the pod, which is no label: does a policy hold for sure, or may one? The first in
 * order that may decides.
 */
static bool may_be_selected(const struct sandbox_add *add, const struct pod_view *view,
			    bool *surely)
{
	const struct source *source = &add->agent->policies.source;

	*surely = false;
	for (size_t i = 0; i < source->n_files; i++) {
		const struct policy *policy = source->files[i]->value;

		if (!policy ||
		    !policy_may_match(policy, add->namespace, view->subject.namespace_labels,
				      view->subject.by_name_only))
			continue;
		*surely = policy_matches(policy, &view->subject) &&
			  !(policy->pod_selector && policy->pod_selector->n_terms);
		return true;
	}
	return false;
}

/* The API server couldn't tell. */
static void decide_blindly(struct sandbox_add *add, const struct pod *known,
			   const struct pod_view *view)
{
	bool surely, may = may_be_selected(add, view, &surely);
	struct pod pod = {.uid = add->uid, .namespace = add->namespace, .name = add->name};

	if ((surely || view->wish.asks) && (known || add->uid))
		place(add, known ? known : &pod, !known);
	else if (surely || view->wish.asks)
		refuse(add,
		       "portlic: pod \"%s/%s\" is to be gated, and which it is nobody says: the "
		       "runtime gives no K8S_POD_UID, and %s",
		       add->namespace, add->name,
		       add->api.text[0] ? add->api.text : "the API server isn't configured");
	else if (!may)
		answer(add, PODS_UNSELECTED, NULL, NULL);
	else
		refuse(add,
		       "portlic: whether pod \"%s/%s\" is to be gated depends on labels that "
		       "nobody knows now: %s; the kubelet tries again by itself",
		       add->namespace, add->name,
		       add->api.text[0] ? add->api.text : "the API server isn't configured");
}

/*
 * Any policy may be among them, and the first that matches decides. The system's namespaces don't wait: what the
 * way to the API server needs may be there, and a policy for them is one that spells them out.
 */
static void refuse_unlisted(struct sandbox_add *add)
{
	refuse(add,
	       "portlic: whether pod \"%.63s/%.100s\" is to be gated nobody knows yet: the "
	       "PortPolicies were never listed on this node (%.120s). It starts once they are; "
	       "what the API server needs to come up has to be in kube-system",
	       add->namespace, add->name, kube_listed_why(add->agent));
}

static void decide(struct sandbox_add *add)
{
	struct pod minimal = {.uid = add->uid, .namespace = add->namespace, .name = add->name};
	const struct agent *agent = add->agent;
	const struct pod *pod = known_pod(add);
	struct pod_view view;
	bool surely, may;

	if (kube_listed_wanting(agent) && !pods_is_system(agent, add->namespace)) {
		refuse_unlisted(add);
		return;
	}
	pods_view(agent, pod ? pod : &minimal, "", &view);
	may = may_be_selected(add, &view, &surely);
	/* An API server that is away would take its time for pods that no policy can mean. */
	if (agent->config.kubernetes.on && (may || agent->kube.connected)) {
		if (!pod && !add->asked_pod && ask(add, true))
			return;
		if (!view.namespace && !add->asked_namespace && ask(add, false))
			return;
	}
	if (pod && (view.namespace || view.selected)) {
		if (view.selected)
			place(add, pod, false);
		else
			answer(add, PODS_UNSELECTED, NULL, NULL);
		return;
	}
	decide_blindly(add, pod, &view);
}

/* ---- containers that are no pod's (podman): a plain gate of their name ---- */

static void plain_up(struct agent *agent, void *arg, int err, const struct fault *f)
{
	pods_sandbox_wake(agent->pods);
}

static struct gate_entry *plain_entry(struct sandbox_add *add)
{
	const struct place place = {.netns = add->netns};
	struct gates *gates = &add->agent->gates;
	struct gate_entry *gate = gates_find(gates, add->name);
	const struct gate_entry *there = gates_on(gates, &place, add->id);

	if (there && there != gate) {
		refuse(add, "portlic: the network namespace \"%s\" has the gate \"%s\" already",
		       add->netns, there->name);
		return NULL;
	}
	if (gate && !there && (gate->pod || !gate->sandbox || !pods_gate_lost(gate))) {
		refuse(add,
		       "portlic: there is a gate \"%s\" elsewhere: take another name for the "
		       "container, or delete that gate",
		       gate->name);
		return NULL;
	}
	if (!gate)
		gate = gates_add(gates, add->name, &place);
	if (!gate) {
		refuse(add, "portlic: no room for gate \"%s\": the most is %d", add->name,
		       PLIC_MAX_GATES);
		return NULL;
	}
	return gate;
}

static void add_plain(struct sandbox_add *add)
{
	const struct policy_subject subject = {.gate = add->name};
	struct gate_entry *gate;
	struct fault f = add->no_netns;

	if (!add->name || !policies_find(&add->agent->policies, &subject, NULL)) {
		answer(add, PODS_UNSELECTED, NULL, NULL);
		return;
	}
	if (!f.text[0] && !gate_name_ok(add->name))
		fault_set(&f, 0, "its name is no gate's: 1 to %d letters, digits, '.', '_' and '-'",
			  GATE_NAME_MAX);
	if (!f.text[0])
		place_check(add->agent, &(struct place){.netns = add->netns}, add->id, &f);
	if (f.text[0]) {
		refuse(add, "portlic: container \"%s\" can't be gated: %s", add->name, f.text);
		return;
	}
	gate = plain_entry(add);
	if (!gate)
		return;
	snprintf(add->gate, sizeof(add->gate), "%s", gate->name);
	if (!gate->opening && gate->state != GATE_ATTACHED) {
		free(gate->netns);
		free(gate->sandbox);
		gate->netns = strdup(add->netns);
		gate->sandbox = strdup(add->container ? add->container : "");
		if (!gate->netns || !gate->sandbox)
			abort();
		attach_open(add->agent, gate, add->id, plain_up, NULL);
		gatefile_save(add->agent);
		return;
	}
	await(add);
}

/* ---- ADD ---- */

/* /var/run may be no link to /run where the agent is. */
static void find_netns(struct sandbox_add *add)
{
	static const char other[] = "/var/run/netns/";
	size_t skip = strlen("/var");

	if (!add->netns || add->netns[0] != '/') {
		fault_set(&add->no_netns, 0, "the runtime names no network namespace");
		return;
	}
	if (!netns_inode(add->netns, &add->id, &add->no_netns) ||
	    strncmp(add->netns, other, strlen(other)) != 0 ||
	    netns_inode(add->netns + skip, &add->id, NULL))
		return;
	memmove(add->netns, add->netns + skip, strlen(add->netns) - skip + 1);
	add->no_netns = (struct fault){0};
}

static void begin(void *arg)
{
	struct sandbox_add *add = arg;

	add->next = add->agent->pods->adds;
	add->agent->pods->adds = add;
	if (add->agent->stopping) {
		refuse(add, "portlic: the agent is stopping");
		return;
	}
	find_netns(add);
	if (add->namespace && add->name)
		decide(add);
	else if (add->namespace)
		refuse(add, "portlic: the runtime names no pod of namespace \"%s\"",
		       add->namespace);
	else
		add_plain(add);
}

static char *copy(const char *text)
{
	return text && *text ? strdup(text) : NULL;
}

void pods_sandbox_add(struct agent *agent, const struct pods_sandbox *sandbox, pods_done *done,
		      void *arg)
{
	struct sandbox_add *add = agent->pods ? calloc(1, sizeof(*add)) : NULL;

	if (!add) {
		done(arg, PODS_REFUSED, NULL, &(struct fault){"portlic: out of memory"});
		return;
	}
	*add = (struct sandbox_add){.agent = agent,
				    .namespace = copy(sandbox->namespace),
				    .name = copy(sandbox->name),
				    .uid = copy(sandbox->uid),
				    .container = copy(sandbox->container),
				    .netns = copy(sandbox->netns),
				    .began_ns = clock_boot_ns(),
				    .done = done,
				    .arg = arg};
	agent_when_ready(agent, begin, add);
}

void pods_sandbox_stop(struct pods *pods)
{
	while (pods->adds) {
		struct sandbox_add *add = pods->adds;

		if (add->applying) { /* answered by its callback */
			pods->adds = add->next;
			continue;
		}
		refuse(add, "portlic: the agent is stopping");
	}
}
