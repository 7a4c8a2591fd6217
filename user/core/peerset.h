/* SPDX-License-Identifier: MIT */
/*
 * peerset.h - pods of the cluster by the sets that name them: whose addresses are in which set, and what has
 * to change in the kernel for that. Pure.
 *
 * A feed is what one watch of the API server shows: the pods of one namespace, or of all, with certain labels.
 * A set (an id that rules name) takes from feeds, some only pods of certain namespaces. Of a pod nothing is
 * kept but its UID, namespace and addresses. An address belongs to the pod that came to have it last.
 */
#ifndef PORTLIC_PEERSET_H
#define PORTLIC_PEERSET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fault.h"
#include "from.h"
#include "pod.h"
#include "portlic.h"
#include "selector.h"
#include "sourceset.h"

/* Addresses of pods in sets, all together: the rest of the trie is for networks, without which no rules go in. */
#define PEERSET_MAX (PLIC_MAX_SOURCES - 8192)
#define PEERSET_MAX_BYTES (64 << 20) /* of the text that is kept */

struct peer_feed {
	char *namespace;	   /* NULL: all */
	char *text;		   /* selector_text() */
	struct selector *selector; /* NULL: remembered, and no set has asked for it yet */
	bool known;		   /* whole, as a list showed it or as it was remembered */
	size_t n_pods;
	void *watch; /* the caller's own */

	/* For peerset*.c. */
	struct peer_use **uses;
	size_t n_uses;
	uint32_t round;
	bool listing;
};

struct peerset;

struct peerset *peerset_new(void); /* NULL: no memory */
void peerset_free(struct peerset *ps);

/*
 * A set that is about to be named by a gate of this namespace (NULL: of none, whose own pods are nobody). One
 * that is there is left alone. Its feeds come, if they aren't there. -ENOMEM: nothing changed.
 */
int peerset_add(struct peerset *ps, uint32_t id, const struct from_pods *pods, size_t n,
		const char *namespace);

/* All other sets are gone, from the kernel too. */
void peerset_keep(struct peerset *ps, const uint32_t *ids, size_t n);

size_t peerset_n_feeds(const struct peerset *ps);
struct peer_feed *peerset_feed(const struct peerset *ps, size_t i);
bool peerset_is_used(const struct peer_feed *feed);		 /* by a set */
void peerset_forget(struct peerset *ps, struct peer_feed *feed); /* unless it is used */
bool peerset_knows(const struct peerset *ps,
		   uint32_t id); /* all that the set takes from is known */

/* What a watch shows. A pod that the feed doesn't select, has no address of its own or has ended is gone. */
void peerset_begin(struct peerset *ps, struct peer_feed *feed);
int peerset_pod(struct peerset *ps, struct peer_feed *feed, const struct pod *pod); /* -ENOMEM */
void peerset_gone(struct peerset *ps, struct peer_feed *feed, const char *uid);
void peerset_end(struct peerset *ps, struct peer_feed *feed);

/* A pod that no feed may show, younger than who has its addresses: they are no longer theirs. */
void peerset_claim(struct peerset *ps, const struct pod *pod);

/* Labels of namespaces; NULL: it is gone. Until an end of a list a namespace that isn't known is no match. */
void peerset_begin_namespaces(struct peerset *ps);
int peerset_namespace(struct peerset *ps, const char *name,
		      const struct labels *labels); /* -ENOMEM */
void peerset_end_namespaces(struct peerset *ps);

/*
 * What the kernel has to be told now, those that go first, in a new array (NULL: nothing). Taken for told.
 * Who was found in a set stays there until all of what the set takes from is known. -ENOMEM: later.
 */
int peerset_changes(struct peerset *ps, struct source_change **out, size_t *n);
bool peerset_is_dirty(const struct peerset *ps);

/* It couldn't be told that one: the next peerset_changes() has it again. */
void peerset_untold(struct peerset *ps, const struct source_change *change);

/* What the kernel really has, whatever it was told. -ENOMEM: half of it. */
int peerset_found(struct peerset *ps, const struct source_change *in_force, size_t n);

struct peerset_size {
	size_t pods, addresses, in_force;
	size_t lacking; /* have no room */
	size_t bytes;	/* about */
};
struct peerset_size peerset_size(const struct peerset *ps);

/* What has to outlive a restart without the API server: known feeds, and labels of namespaces. */
char *peerset_print(const struct peerset *ps); /* NULL: no memory */
bool peerset_changed(struct peerset *ps); /* it would print something else than when last asked */
/* Into a new one. -EBADMSG, -ENOMEM. */
int peerset_parse(const char *buf, size_t len, struct peerset **out, struct fault *f);

#endif
