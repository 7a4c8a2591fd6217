/* SPDX-License-Identifier: MIT */
/*
 * kubestream.h - cuts what the Kubernetes API server sends into JSON values, however it was split. Pure.
 *
 * A watch is one object after another, each an event. A list is one object, and what its "items" holds is cut
 * out of it one by one, so that a list of thousands needs the memory of its largest object. Whether a value is
 * good JSON is left to who parses it: kube_json(), kube_event_read(), kube_list_read().
 */
#ifndef PORTLIC_KUBESTREAM_H
#define PORTLIC_KUBESTREAM_H

#include <stdbool.h>
#include <stddef.h>

#include "fault.h"

/*
 * etcd takes objects of 1.5 MiB, the API server requests of 3; as JSON each byte may become six ("<" in an argument).
 * Nobody who may create a pod must be able to make one that ends the watch.
 */
#define KUBE_VALUE_MAX_BYTES (32U << 20)

enum kube_stream_kind { KUBE_STREAM_WATCH, KUBE_STREAM_LIST };

/* One value, without the blanks around it. Its bytes may be written to. */
typedef int kube_stream_take(void *arg, char *json, size_t len, struct fault *f);

struct kube_bytes {
	char *at;
	size_t n, room;
};

struct kube_stream {
	enum kube_stream_kind kind;
	size_t depth; /* of brackets at the present byte */
	bool in_string, escaped;
	bool is_name;  /* LIST, depth 1: the string that is read is, or may be, a member's name */
	bool in_items; /* LIST: between the brackets of "items" */
	bool began, complete; /* LIST: the object has begun, has ended */
	char name[8];	      /* LIST: the last name at depth 1, cut: long enough for "items" */
	size_t name_len;
	struct kube_bytes value;    /* the event or the item that is being read */
	struct kube_bytes envelope; /* LIST: all but the items */
};

void kube_stream_begin(struct kube_stream *stream,
		       enum kube_stream_kind kind); /* of a zeroed or freed one */
void kube_stream_free(struct kube_stream *stream);

/*
 * The next bytes. Calls take() for each value that is complete; what take() returns but 0 ends it and is
 * returned. -EFBIG: a value is larger than KUBE_VALUE_MAX_BYTES; -EBADMSG: brackets that don't match, or
 * something between the values; -ENOMEM.
 */
int kube_stream_feed(struct kube_stream *stream, const char *bytes, size_t len,
		     kube_stream_take *take, void *arg, struct fault *f);

/* No more bytes come. -EPIPE: in the middle of a value; of a list also: before its end. */
int kube_stream_end(const struct kube_stream *stream, struct fault *f);

#endif
