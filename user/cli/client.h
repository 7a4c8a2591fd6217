/* SPDX-License-Identifier: MIT */
/* client.h - the agent's API over its Unix socket (docs/api.md). No library type but cJSON's. */
#ifndef PORTLIC_CLIENT_H
#define PORTLIC_CLIENT_H

#include <cjson/cJSON.h>

#include "cli.h"

/* What the agent answered with a status of 2xx. */
struct reply {
	char *text;  /* the body as it came, "" if there was none */
	cJSON *json; /* parsed; NULL if there was no body */
};

/*
 * One request. path: with the parts that others named percent-encoded (client_path).
 * body: len bytes or NULL. 0 and *out, or an exit status with a message: EXIT_NO_AGENT when nobody
 * answers, EXIT_REFUSED on 422, EXIT_USAGE on other mistakes, when the agent itself failed or its answer is
 * no JSON.
 */
int client_call(const struct args *args, const char *method, const char *path, const void *body,
		size_t len, struct reply *out, struct failure *why);
/* GET, and the answer is to be an array (or an object). */
int client_get(const struct args *args, const char *path, bool array, struct reply *out,
	       struct failure *why);
/* DELETE of prefix and name, percent-encoded. */
int client_delete(const struct args *args, const char *prefix, const char *name, struct reply *out,
		  struct failure *why);
void reply_free(struct reply *reply);

/* prefix, and text percent-encoded; to be freed. NULL: out of memory. */
char *client_path(const char *prefix, const char *text);

#define _reply_ __attribute__((cleanup(reply_free)))

#endif
