/* SPDX-License-Identifier: MIT */
/* pods_sandbox_end.c - what a runtime asks of gates that stand: CHECK and DEL. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent.h"
#include "attach.h"
#include "cleanup.h"
#include "inspect.h"
#include "netns.h"
#include "pods_priv.h"

static bool same(const char *a, const char *b)
{
	return a && *a && b && !strcmp(a, b);
}

/* The namespace's inode, 0: there is none, or no more. */
static uint64_t inode_of(const char *netns)
{
	uint64_t inode = 0;

	if (!netns || netns[0] != '/' || netns_inode(netns, &inode, NULL))
		return 0;
	return inode;
}

/* ---- CHECK ---- */

struct sandbox_check {
	struct agent *agent;
	char gate[GATE_NAME_MAX + 1];
	pods_done *done;
	void *arg;
};

static const struct fault nothing;

static void inspected(void *arg)
{
	struct sandbox_check *check = arg;
	const struct gate_entry *gate = gates_find(&check->agent->gates, check->gate);
	enum pods_answer what = PODS_GATED;
	struct fault why = {0};

	if (!gate || gate->state != GATE_ATTACHED) {
		what = PODS_REFUSED;
		fault_set(&why, 0, "portlic: gate \"%s\" isn't up: %s", check->gate,
			  gate && gate->error.text[0] ? gate->error.text
						      : "it was removed meanwhile");
	}
	for (size_t i = 0; what == PODS_GATED && i < gate->n_attachments; i++) {
		const struct gate_attachment *at = &gate->attachments[i];

		if (at->present)
			continue;
		what = PODS_REFUSED;
		fault_set(&why, 0, "portlic: gate \"%s\": hook %s is gone from \"%s\"", gate->name,
			  gate_hook_word(at->hook),
			  at->interface[0] ? at->interface : "its namespace");
	}
	check->done(check->arg, what, what == PODS_GATED ? gate : NULL, &why);
	free(check);
}

static struct gate_entry *find_gate(const struct agent *agent, const struct pods_sandbox *sandbox)
{
	uint64_t id = inode_of(sandbox->netns);

	for (size_t i = 0; i < agent->gates.n_entries; i++) {
		struct gate_entry *entry = agent->gates.entries[i];

		if (entry->pod && sandbox->uid
			    ? same(sandbox->uid, entry->pod->uid) && (!id || entry->place == id)
			    : same(sandbox->container, entry->sandbox))
			return entry;
	}
	return NULL;
}

static bool is_selected(const struct agent *agent, const struct pods_sandbox *sandbox)
{
	const struct pod_entry *pod = sandbox->uid ? pods_find(agent->pods, sandbox->uid) : NULL;
	struct pod_view view;

	if (!pod)
		return false;
	pods_view(agent, &pod->pod, "", &view);
	return view.selected;
}

void pods_sandbox_check(struct agent *agent, const struct pods_sandbox *sandbox, pods_done *done,
			void *arg)
{
	const struct gate_entry *gate = find_gate(agent, sandbox);
	struct sandbox_check *check = gate ? calloc(1, sizeof(*check)) : NULL;
	struct fault why = {0};

	if (check) {
		*check = (struct sandbox_check){.agent = agent, .done = done, .arg = arg};
		strncpy(check->gate, gate->name, GATE_NAME_MAX);
		inspect_gates(agent, check->gate, INSPECT_ATTACHMENTS | INSPECT_AHEAD, inspected,
			      check);
		return;
	}
	if (!agent->pods || gate || is_selected(agent, sandbox)) {
		fault_set(&why, 0, "portlic: pod \"%s/%s\" is selected and has no gate",
			  sandbox->namespace ? sandbox->namespace : "",
			  sandbox->name ? sandbox->name : "?");
		done(arg, PODS_REFUSED, NULL, &why);
		return;
	}
	done(arg, PODS_UNSELECTED, NULL, &nothing);
}

/* ---- DEL ---- */

struct sandbox_del {
	size_t waiting; /* removals under way, and one of our own */
	struct fault why;
	pods_done *done;
	void *arg;
};

static void one_less(struct sandbox_del *del)
{
	if (--del->waiting)
		return;
	del->done(del->arg, del->why.text[0] ? PODS_REFUSED : PODS_UNSELECTED, NULL, &del->why);
	free(del);
}

static void removed(struct agent *agent, void *arg, int err, const struct fault *f)
{
	struct sandbox_del *del = arg;

	if (err)
		fault_set(&del->why, -err, "portlic: its gate can't be removed: %s",
			  f->text[0] ? f->text : strerror(-err));
	one_less(del);
}

/*
 * The gate of this sandbox, not of one that the same pod has had since: the second DEL of a sandbox may come
 * when the next one runs.
 */
static bool is_of(const struct gate_entry *entry, const struct pods_sandbox *sandbox, uint64_t id)
{
	if (same(sandbox->container, entry->sandbox))
		return true;
	return entry->pod && same(sandbox->uid, entry->pod->uid) &&
	       ((id && entry->place == id) || pods_gate_lost(entry));
}

void pods_sandbox_del(struct agent *agent, const struct pods_sandbox *sandbox, pods_done *done,
		      void *arg)
{
	struct sandbox_del *del = calloc(1, sizeof(*del));
	uint64_t id = inode_of(sandbox->netns);

	if (!del) {
		done(arg, PODS_REFUSED, NULL, &(struct fault){"portlic: out of memory"});
		return;
	}
	*del = (struct sandbox_del){.waiting = 1, .done = done, .arg = arg};
	for (size_t i = agent->gates.n_entries; i-- > 0;) {
		struct gate_entry *entry = agent->gates.entries[i];

		if (!is_of(entry, sandbox, id))
			continue;
		del->waiting++;
		if (entry->pod)
			pods_remove(agent, entry, "its runtime has ended its sandbox", removed,
				    del);
		else
			attach_remove(agent, entry, removed, del);
	}
	one_less(del);
}
