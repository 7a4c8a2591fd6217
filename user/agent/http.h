/* SPDX-License-Identifier: MIT */
/*
 * http.h - HTTP/1.1 on the agent's loop: a listening socket in, whole requests out.
 *
 * A handler answers at once or later, when the kernel work that it asked for is done; in between the
 * connection is suspended and the loop goes on.
 */
#ifndef PORTLIC_AGENT_HTTP_H
#define PORTLIC_AGENT_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

#include "fault.h"

#define HTTP_MAX_BODY ((1 << 20) + (1 << 16)) /* a policy in a request */

struct agent;
struct http_request;

/* Must lead to one http_reply(), now or later. */
typedef void http_handler(struct agent *agent, struct http_request *request);

struct MHD_Daemon;
struct MHD_Connection;

struct http {
	struct agent *agent;
	struct MHD_Daemon *daemon; /* NULL: not listening */
	http_handler *handler;
	uv_poll_t poll;
	uv_timer_t timer;
};

struct http_request {
	struct http *http;
	struct MHD_Connection *connection;
	const char *method;
	char *path;
	char *body; /* NUL-terminated */
	size_t body_len;
	bool too_large;
	void *arg; /* the handler's own, between its steps */

	bool suspended, answered;
	unsigned int status;
	char *reply;
	size_t reply_len;
	const char *type;
};

/* fd: a listening socket, which is taken over. */
int http_start(struct http *http, struct agent *agent, int fd, http_handler *handler,
	       struct fault *f);
void http_stop(struct http *http); /* every request must have been answered */

/* text is taken over (malloc); NULL: an empty body. type: "application/json", ... */
void http_reply(struct http_request *request, unsigned int status, const char *type, char *text);

/* A value of the query, NULL: not given. */
const char *http_query(const struct http_request *request, const char *name);

#endif
