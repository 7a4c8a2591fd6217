/* SPDX-License-Identifier: MIT */
/*
 * cni_selection.h - STATE_DIR/cni-selection.json: what the agent leaves for the CNI plugin, so that a pod which
 * nothing selects starts without asking, whether the agent runs or not. Pure.
 *
 * {"version":1,"gates":false,"unknown":"asked","globs":["prod-*"],"never":["kube-system"],"asked":["prod-9"],"may":["shop"]}
 *
 * A namespace that isn't listed is one that the agent doesn't know, a new one, or one for which that what
 * holds for those is right: `may` if a glob fits, else `unknown`. Lists, not an object with a member each: with
 * thousands of namespaces the plugin has a millisecond to read them.
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
	CNI_N_SELECTED,
};

struct cni_names {
	char **list; /* sorted once they were printed */
	size_t n, room;
};

/* Namespaces of Kubernetes' own, gated only by a policy that spells them out. */
#define CNI_N_SYSTEM 3
extern const char *const cni_system_namespaces[CNI_N_SYSTEM];

/* What is written. */
struct cni_selection {
	bool gates;		   /* a policy names gates: what is no pod may be selected */
	enum cni_selected unknown; /* of namespaces that aren't listed and that no glob fits */
	struct cni_names
		globs; /* fnmatch(3); namespaces that they fit and that aren't listed: CNI_MAY */
	struct cni_names namespaces[CNI_N_SELECTED];
};

int cni_names_add(struct cni_names *names, const char *name); /* -ENOMEM */

/* Adds one, unless it holds without an entry: so globs and unknown have to be set before. -ENOMEM. */
int cni_selection_add(struct cni_selection *selection, const char *namespace,
		      enum cni_selected selected);

/* The text of the file, malloc; the same for what is equal. NULL: no memory. Sorts the names. */
char *cni_selection_print(struct cni_selection *selection);
void cni_selection_free(struct cni_selection *selection);

/* What it says of one namespace. */
struct cni_said {
	bool gates;
	enum cni_selected selected; /* of the namespace */
};

/* The bytes of the file; namespace may be NULL. -EBADMSG with member and reason; -ENOMEM. */
int cni_selection_read(const char *text, size_t len, const char *namespace, struct cni_said *out,
		       struct fault *f);

#endif
