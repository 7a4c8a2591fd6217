/* SPDX-License-Identifier: MIT */
/* peerset_names.c - namespaces, of which pods are. */
#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "peerset_priv.h"

static int by_name(const void *a, const void *b)
{
	const struct peer_namespace *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static struct peer_namespace *find(const struct peerset *ps, const char *name)
{
	const struct peer_namespace key = {.name = (char *)name};
	struct peer_namespace **found = tfind(&key, &ps->namespaces_by_name, by_name);

	return found ? *found : NULL;
}

static struct peer_namespace *namespace_new(struct peerset *ps, const char *name)
{
	struct peer_namespace *ns = NULL;

	if (array_grow(&ps->namespaces, ps->n_namespaces, &ps->namespaces_room,
		       sizeof(struct peer_namespace *)))
		return NULL;
	ns = calloc(1, sizeof(*ns));
	if (ns)
		ns->name = strdup(name);
	if (!ns || !ns->name || !tsearch(ns, &ps->namespaces_by_name, by_name)) {
		if (ns)
			free(ns->name);
		free(ns);
		return NULL;
	}
	ps->namespaces[ps->n_namespaces++] = ns;
	return ns;
}

static void namespace_free(struct peerset *ps, struct peer_namespace *ns)
{
	tdelete(ns, &ps->namespaces_by_name, by_name);
	labels_free(&ns->labels);
	free(ns->name);
	free(ns);
}

static void drop_if_unneeded(struct peerset *ps, struct peer_namespace *ns)
{
	if (ns->refs || ns->known)
		return;
	for (size_t i = 0; i < ps->n_namespaces; i++)
		if (ps->namespaces[i] == ns)
			ps->namespaces[i--] = ps->namespaces[--ps->n_namespaces];
	namespace_free(ps, ns);
}

struct peer_namespace *peerset_namespace_ref(struct peerset *ps, const char *name)
{
	struct peer_namespace *ns = find(ps, name);

	if (!ns)
		ns = namespace_new(ps, name);
	if (ns)
		ns->refs++;
	return ns;
}

void peerset_namespace_put(struct peerset *ps, struct peer_namespace *ns)
{
	ns->refs--;
	drop_if_unneeded(ps, ns);
}

static void mark_pods_of(struct peerset *ps, const struct peer_namespace *ns)
{
	for (size_t i = 0; ns->refs && i < ps->n_peers; i++)
		if (ps->peers[i]->namespace == ns)
			peerset_mark_pod(ps, ps->peers[i]);
}

static void forget_labels(struct peerset *ps, struct peer_namespace *ns)
{
	labels_free(&ns->labels);
	ns->labels = (struct labels){0};
	ns->known = false;
	ps->changed = true;
	mark_pods_of(ps, ns);
	drop_if_unneeded(ps, ns);
}

void peerset_begin_namespaces(struct peerset *ps)
{
	ps->namespaces_round++;
	ps->namespaces_listing = true;
}

int peerset_namespace(struct peerset *ps, const char *name, const struct labels *labels)
{
	struct peer_namespace *ns = find(ps, name);
	struct labels copy = {0};

	if (!labels) {
		if (ns && ns->known)
			forget_labels(ps, ns);
		return 0;
	}
	if (!ns)
		ns = namespace_new(ps, name);
	if (!ns)
		return -ENOMEM;
	ns->round = ps->namespaces_round;
	if (ns->known && labels_equal(&ns->labels, labels))
		return 0;
	if (labels_copy(labels, &copy)) {
		drop_if_unneeded(ps, ns);
		return -ENOMEM;
	}
	labels_free(&ns->labels);
	ns->labels = copy;
	ns->known = ps->changed = true;
	mark_pods_of(ps, ns);
	return 0;
}

void peerset_end_namespaces(struct peerset *ps)
{
	if (!ps->namespaces_listing)
		return;
	ps->namespaces_listing = false;
	for (size_t i = ps->n_namespaces; i-- > 0;)
		if (ps->namespaces[i]->known && ps->namespaces[i]->round != ps->namespaces_round)
			forget_labels(ps, ps->namespaces[i]);
	if (ps->namespaces_known)
		return;
	ps->namespaces_known = ps->changed = true;
	for (size_t i = 0; i < ps->n_addresses; i++)
		peerset_mark(ps, ps->addresses[i]);
}

void peerset_drop_namespaces(struct peerset *ps)
{
	for (size_t i = 0; i < ps->n_namespaces; i++)
		namespace_free(ps, ps->namespaces[i]);
	free(ps->namespaces);
}
