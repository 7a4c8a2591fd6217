/* SPDX-License-Identifier: MIT */
/*
 * cni_selection.h - STATE_DIR/cni-selection.json: what the agent leaves for the CNI plugin, so that a pod which
 * nothing selects starts without asking, whether the agent runs or not. Pure.
 *
 * {"version":1,"gates":false,"unknown":"asked","globs":["prod-*"],"namespaces":{"shop":"may","kube-system":"never"}}
 *
 * A namespace that isn't listed is one that the agent doesn't know, a new one, or one for which that what
 * holds for those is right: `may` if a glob fits, else `unknown`.
 */
#ifndef PORTLIC_CNI_SELECTION_H
#define PORTLIC_CNI_SELECTION_H

#include <stdbool.h>
#include <stddef.h>

#include "fault.h"

#define CNI_SELECTION_FILE "cni-selection.json"
#define CNI_SELECTION_MAX_BYTES (8 << 20)

enum cni_selected {
	CNI_NEVER, /* no pod of it is selected */
	CNI_ASKED, /* only pods that ask for a gate by an annotation */
	CNI_WATCHED, /* its pods may be, but by policies that refuse nothing: they wait for no agent */
	CNI_MAY,     /* its pods may be */
};

struct cni_namespace {
	char *name;
	enum cni_selected selected;
};

struct cni_selection {
	bool gates;		   /* a policy names gates: what is no pod may be selected */
	enum cni_selected unknown; /* of namespaces that aren't listed and that no glob fits */
	char **globs; /* fnmatch(3); namespaces that they fit and that aren't listed: CNI_MAY */
	size_t n_globs;
	struct cni_namespace *namespaces; /* sorted by name once it was read */
	size_t n_namespaces;
};

/* The bytes of the file. -EBADMSG with member and reason; -ENOMEM. */
int cni_selection_read(const char *text, size_t len, struct cni_selection *out, struct fault *f);

/* The text of the file, malloc; the same for what is equal. NULL: no memory. Sorts the namespaces. */
char *cni_selection_print(struct cni_selection *selection);

/* Adds one, unless it holds without an entry: so globs and unknown have to be set before. -ENOMEM. */
int cni_selection_add(struct cni_selection *selection, const char *namespace,
		      enum cni_selected selected);

enum cni_selected cni_selection_of(const struct cni_selection *selection, const char *namespace);

void cni_selection_free(struct cni_selection *selection);

#endif
