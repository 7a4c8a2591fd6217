/* SPDX-License-Identifier: MIT */
/* kubeevent.h - reads what kubestream.h cut: objects, events of a watch, the frame of a list, a Status. Pure. */
#ifndef PORTLIC_KUBEEVENT_H
#define PORTLIC_KUBEEVENT_H

#include "fault.h"
#include "json.h"

#define KUBE_VERSION_MAX 128   /* bytes of a resourceVersion, an opaque word */
#define KUBE_CONTINUE_MAX 8192 /* of a list's "continue" */

/*
 * Strict JSON (json.h) with two differences. Anybody who may create a pod can write \u0000 into an annotation,
 * and the API server passes it on: it becomes U+FFFD, in json itself, or one pod could keep all the others from
 * being seen. And objects may be deep and large. Returns 0, -EBADMSG or -ENOMEM; *out is the caller's.
 */
int kube_json(char *json, size_t len, cJSON **out, struct fault *f);

enum kube_event_type { KUBE_ADDED, KUBE_MODIFIED, KUBE_DELETED, KUBE_BOOKMARK, KUBE_ERROR };

struct kube_event {
	cJSON *tree; /* owns all of it */
	enum kube_event_type type;
	const cJSON *object;
	const char *version; /* metadata.resourceVersion; NULL with KUBE_ERROR */
	int code;	     /* of KUBE_ERROR: as of HTTP, 0: not said */
};

/* -EBADMSG: it is none, with what is wrong. A BOOKMARK has nothing but its version. */
int kube_event_read(char *json, size_t len, struct kube_event *out, struct fault *f);
void kube_event_free(struct kube_event *event);

/* A list without its items. */
struct kube_list {
	cJSON *tree;
	const char *version;   /* of all of it: a watch goes on from there */
	const char *continued; /* for the next page; NULL: it was the last */
};

int kube_list_read(char *json, size_t len, struct kube_list *out, struct fault *f);
void kube_list_free(struct kube_list *list);

/* metadata.resourceVersion, NULL: none, or no word for a URL. */
const char *kube_version(const cJSON *object);

/* The message of a Status ("secrets is forbidden: User …"); NULL: it is none. */
const char *kube_status_text(const cJSON *body);

/* text as a part of a URL's query, percent-encoded; the caller's to free, NULL: no memory. */
char *kube_escape(const char *text);

#endif
