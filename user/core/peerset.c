/* SPDX-License-Identifier: MIT */
/* peerset.c - the sets and their feeds. */
#include "peerset.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "peerset_priv.h"

/* Each namespace has it, from Kubernetes 1.21 on: its name. */
#define NAME_LABEL "kubernetes.io/metadata.name"

struct peerset *peerset_new(void)
{
	return calloc(1, sizeof(struct peerset));
}

static void selector_delete(struct selector *selector)
{
	if (selector)
		selector_free(selector);
	free(selector);
}

static struct selector *selector_new(const struct selector *from)
{
	struct selector *copy = calloc(1, sizeof(*copy));

	if (copy && selector_copy(from, copy)) {
		free(copy);
		return NULL;
	}
	return copy;
}

static void feed_free(struct peer_feed *feed)
{
	free(feed->namespace);
	free(feed->text);
	selector_delete(feed->selector);
	free(feed->uses);
	free(feed);
}

static void set_free(struct peer_set *set)
{
	for (size_t i = 0; i < set->n_uses; i++) {
		selector_delete(set->uses[i]->namespaces);
		free(set->uses[i]);
	}
	free(set->uses);
	free(set);
}

void peerset_free(struct peerset *ps)
{
	if (!ps)
		return;
	peerset_drop_pods(ps);
	peerset_drop_namespaces(ps);
	for (size_t i = 0; i < ps->n_sets; i++)
		set_free(ps->sets[i]);
	for (size_t i = 0; i < ps->n_feeds; i++)
		feed_free(ps->feeds[i]);
	free(ps->sets);
	free(ps->feeds);
	free(ps);
}

/* One more pointer behind n others. */
static int append(void *list, size_t *n, void *pointer)
{
	void **now, **grown;

	memcpy(&now, list, sizeof(now));
	grown = reallocarray(now, *n + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	memcpy(list, &grown, sizeof(grown));
	grown[(*n)++] = pointer;
	return 0;
}

static bool same_namespace(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

static struct peer_feed *feed_new(const char *namespace, const char *text)
{
	struct peer_feed *feed = calloc(1, sizeof(*feed));

	if (!feed)
		return NULL;
	feed->namespace = namespace ? strdup(namespace) : NULL;
	feed->text = strdup(text);
	if (feed->text && (feed->namespace || !namespace))
		return feed;
	feed_free(feed);
	return NULL;
}

struct peer_feed *peerset_feed_of(struct peerset *ps, const char *namespace, const char *text,
				  const struct selector *selector)
{
	struct peer_feed *feed = NULL;

	for (size_t i = 0; i < ps->n_feeds && !feed; i++)
		if (!strcmp(ps->feeds[i]->text, text) &&
		    same_namespace(ps->feeds[i]->namespace, namespace))
			feed = ps->feeds[i];
	if (!feed) {
		feed = feed_new(namespace, text);
		if (feed && append(&ps->feeds, &ps->n_feeds, feed)) {
			feed_free(feed);
			feed = NULL;
		}
	}
	if (feed && selector && !feed->selector && !(feed->selector = selector_new(selector)))
		return NULL;
	return feed;
}

/* The one namespace that a selector means by name, NULL: it isn't of that kind. */
static const char *named(const struct selector *selector)
{
	const struct selector_term *term = selector->terms;

	return selector->n_terms == 1 && term->op == SELECTOR_IN && term->n_values == 1 &&
			       !strcmp(term->key, NAME_LABEL)
		       ? term->values[0]
		       : NULL;
}

static int add_use(struct peerset *ps, struct peer_set *set, const struct from_pods *pods,
		   const char *own)
{
	const struct selector *namespaces = pods->namespaces;
	const char *one = namespaces ? named(namespaces) : own;
	_free_ char *text = NULL;
	struct peer_use *use;

	if (!namespaces && !own)
		return 0;
	text = selector_text(&pods->pods);
	use = calloc(1, sizeof(*use));
	if (!text || !use || append(&set->uses, &set->n_uses, use)) {
		free(use);
		return -ENOMEM;
	}
	use->set = set;
	if (!one && namespaces->n_terms && !(use->namespaces = selector_new(namespaces)))
		return -ENOMEM;
	use->feed = peerset_feed_of(ps, one, text, &pods->pods);
	return use->feed ? 0 : -ENOMEM;
}

static void unlink_use(struct peer_use *use)
{
	struct peer_feed *feed = use->feed;

	for (size_t i = 0; feed && i < feed->n_uses; i++)
		if (feed->uses[i] == use)
			feed->uses[i--] = feed->uses[--feed->n_uses];
}

static void set_drop(struct peer_set *set)
{
	for (size_t i = 0; i < set->n_uses; i++)
		unlink_use(set->uses[i]);
	set_free(set);
}

static const struct peer_set *find_set(const struct peerset *ps, uint32_t id)
{
	for (size_t i = 0; i < ps->n_sets; i++)
		if (ps->sets[i]->id == id)
			return ps->sets[i];
	return NULL;
}

int peerset_add(struct peerset *ps, uint32_t id, const struct from_pods *pods, size_t n,
		const char *namespace)
{
	struct peer_set *set = find_set(ps, id) ? NULL : calloc(1, sizeof(*set));
	int err = 0;

	if (!set)
		return find_set(ps, id) ? 0 : -ENOMEM;
	set->id = id;
	for (size_t i = 0; i < n && !err; i++)
		err = add_use(ps, set, &pods[i], namespace);
	for (size_t i = 0; i < set->n_uses && !err; i++)
		err = append(&set->uses[i]->feed->uses, &set->uses[i]->feed->n_uses, set->uses[i]);
	if (!err)
		err = append(&ps->sets, &ps->n_sets, set);
	if (err) {
		set_drop(set);
		return err;
	}
	for (size_t i = 0; i < set->n_uses; i++)
		peerset_mark_feed(ps, set->uses[i]->feed);
	return 0;
}

static bool listed(const uint32_t *ids, size_t n, uint32_t id)
{
	for (size_t i = 0; i < n; i++)
		if (ids[i] == id)
			return true;
	return false;
}

void peerset_keep(struct peerset *ps, const uint32_t *ids, size_t n)
{
	size_t before = ps->n_sets;

	for (size_t i = ps->n_sets = 0; i < before; i++) {
		if (listed(ids, n, ps->sets[i]->id))
			ps->sets[ps->n_sets++] = ps->sets[i];
		else
			set_drop(ps->sets[i]);
	}
	for (size_t i = 0; i < ps->n_addresses; i++) {
		struct peer_address *a = ps->addresses[i];
		size_t was = a->n_sets;

		for (size_t j = a->n_sets = 0; j < was; j++)
			if (listed(ids, n, a->sets[j]))
				a->sets[a->n_sets++] = a->sets[j];
		ps->in_force -= was - a->n_sets;
		if (was != a->n_sets)
			peerset_mark(ps, a);
	}
}

size_t peerset_n_feeds(const struct peerset *ps)
{
	return ps->n_feeds;
}

struct peer_feed *peerset_feed(const struct peerset *ps, size_t i)
{
	return ps->feeds[i];
}

bool peerset_is_used(const struct peer_feed *feed)
{
	return feed->n_uses > 0;
}

void peerset_forget(struct peerset *ps, struct peer_feed *feed)
{
	if (peerset_is_used(feed))
		return;
	/* An empty list: all its pods are gone. */
	peerset_begin(ps, feed);
	peerset_end(ps, feed);
	for (size_t i = 0; i < ps->n_feeds; i++)
		if (ps->feeds[i] == feed)
			ps->feeds[i--] = ps->feeds[--ps->n_feeds];
	feed_free(feed);
	ps->changed = true;
}

bool peerset_knows(const struct peerset *ps, uint32_t id)
{
	const struct peer_set *set = find_set(ps, id);
	bool knows = set != NULL;

	for (size_t i = 0; knows && i < set->n_uses; i++)
		knows = set->uses[i]->feed->known &&
			(!set->uses[i]->namespaces || ps->namespaces_known);
	return knows;
}
