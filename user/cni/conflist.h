/* SPDX-License-Identifier: MIT */
/* conflist.h - portlic-cni's place in a CNI configuration. Pure. */
#ifndef PORTLIC_CNI_CONFLIST_H
#define PORTLIC_CNI_CONFLIST_H

#include <stdbool.h>

#include "fault.h"
#include "json.h"

#define CNI_TYPE "portlic-cni"
#define CONFLIST_MAX_BYTES (1 << 20)
#define CONFLIST_ORIGIN "portlic.dev/wraps" /* in a conflist of ours: the file that it stands for */

/* What the entry says; NULL: nothing, so the plugin's default holds. */
struct conflist_entry {
	const char *socket, *selection, *fail;
};

/* A configuration's text. name: its file, for messages. -EBADMSG, -ENOMEM. */
int conflist_read(const char *name, const char *text, size_t len, cJSON **out, struct fault *f);

/* Our entry is in it, at the end if it wasn't, with what `entry` says and all else as it was. -EBADMSG. */
int conflist_chain(cJSON *list, const struct conflist_entry *entry, struct fault *f);

/* A configuration of one plugin becomes a list with ours behind; origin: its file's name. -EBADMSG. */
int conflist_wrap(const cJSON *single, const char *origin, const struct conflist_entry *entry,
		  cJSON **out, struct fault *f);

/* The file that a list of ours stands for; NULL: it is none. */
const char *conflist_wraps(const cJSON *list);

bool conflist_has(const cJSON *list);
void conflist_unchain(cJSON *list); /* without our entries */

/* Runtimes take it for a configuration: .conf, .conflist, .json. */
bool conflist_is_name(const char *name);
bool conflist_is_list(const char *name); /* .conflist */

/* A name for our list that comes before `first` in order; NULL: there is none. */
const char *conflist_name_before(const char *first);
bool conflist_is_ours(const char *name); /* one of those names */

#endif
