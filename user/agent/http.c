/* SPDX-License-Identifier: MIT */
/* http.c - libmicrohttpd in external epoll mode, driven by libuv. */
#include "http.h"

#include <errno.h>
#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>

#include "agent.h"

#define HTTP_MAX_CONNECTIONS 64
#define HTTP_MAX_OF_ONE_IP 16 /* so that no peer takes all places; the local socket has no IP */
#define HTTP_TIMEOUT_S 30
#define HTTP_RUN_MS 1000 /* at least so often, see on_timer */

/*
 * Serves what is ready, and comes back when libmicrohttpd wants to (its timeouts). At its limit of
 * connections it listens no more until one of its runs finds room, and no event tells of that run:
 * so there is always a next one.
 */
static void on_timer(uv_timer_t *timer)
{
	struct http *http = timer->data;
	MHD_UNSIGNED_LONG_LONG ms;

	MHD_run(http->daemon);
	if (MHD_get_timeout(http->daemon, &ms) != MHD_YES || ms > HTTP_RUN_MS)
		ms = HTTP_RUN_MS;
	uv_timer_start(timer, on_timer, ms, 0);
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
	struct http *http = poll->data;

	on_timer(&http->timer);
}

static enum MHD_Result send_reply(struct http_request *request)
{
	struct MHD_Response *response;
	enum MHD_Result queued;

	response = MHD_create_response_from_buffer(request->reply_len, request->reply,
						   MHD_RESPMEM_MUST_COPY);
	if (!response)
		return MHD_NO;
	if (request->type)
		MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, request->type);
	queued = MHD_queue_response(request->connection, request->status, response);
	MHD_destroy_response(response);
	return queued;
}

static void take_body(struct http_request *request, const char *data, size_t *len)
{
	char *grown;

	if (request->body_len + *len > HTTP_MAX_BODY) {
		request->too_large = true;
	} else {
		grown = realloc(request->body, request->body_len + *len + 1);
		if (grown) {
			memcpy(grown + request->body_len, data, *len);
			request->body = grown;
			request->body_len += *len;
			grown[request->body_len] = '\0';
		} else {
			request->too_large = true;
		}
	}
	*len = 0;
}

/* libmicrohttpd calls this for the headers, for each piece of the body, and for the answer. */
static enum MHD_Result on_request(void *arg, struct MHD_Connection *connection, const char *url,
				  const char *method, const char *version, const char *data,
				  size_t *data_len, void **state)
{
	struct http_request *request = *state;
	struct http *http = arg;

	if (!request) {
		request = calloc(1, sizeof(*request));
		if (!request || !(request->path = strdup(url))) {
			free(request);
			return MHD_NO;
		}
		request->http = http;
		request->connection = connection;
		request->method = method;
		*state = request;
		return MHD_YES;
	}
	if (*data_len) {
		take_body(request, data, data_len);
		return MHD_YES;
	}
	if (!request->answered) {
		if (request->too_large)
			http_reply(request, MHD_HTTP_CONTENT_TOO_LARGE, "application/json",
				   strdup("{\"error\":\"the request's body is too large\"}"));
		else
			http->handler(http->agent, request);
	}
	if (request->answered)
		return send_reply(request);
	request->suspended = true;
	MHD_suspend_connection(connection);
	return MHD_YES;
}

static void on_completed(void *arg, struct MHD_Connection *connection, void **state,
			 enum MHD_RequestTerminationCode why)
{
	struct http_request *request = *state;

	if (!request)
		return;
	free(request->path);
	free(request->body);
	free(request->reply);
	free(request);
	*state = NULL;
}

void http_reply(struct http_request *request, unsigned int status, const char *type, char *text)
{
	request->status = status;
	request->type = type;
	request->reply = text;
	request->reply_len = text ? strlen(text) : 0;
	request->answered = true;
	if (!request->suspended)
		return;
	request->suspended = false;
	MHD_resume_connection(request->connection);
	uv_timer_start(&request->http->timer, on_timer, 0, 0);
}

const char *http_query(const struct http_request *request, const char *name)
{
	return MHD_lookup_connection_value(request->connection, MHD_GET_ARGUMENT_KIND, name);
}

int http_start(struct http *http, struct agent *agent, int fd, http_handler *handler,
	       struct fault *f)
{
	const union MHD_DaemonInfo *info;

	*http = (struct http){.agent = agent, .handler = handler};
	http->daemon = MHD_start_daemon(
		MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, on_request, http,
		MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_NOTIFY_COMPLETED, on_completed, NULL,
		MHD_OPTION_CONNECTION_LIMIT, HTTP_MAX_CONNECTIONS,
		MHD_OPTION_PER_IP_CONNECTION_LIMIT, HTTP_MAX_OF_ONE_IP,
		MHD_OPTION_CONNECTION_TIMEOUT, HTTP_TIMEOUT_S, MHD_OPTION_END);
	info = http->daemon ? MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_EPOLL_FD) : NULL;
	if (!info)
		return fault_set(f, EIO, "the HTTP server can't be started");
	uv_poll_init(&agent->loop, &http->poll, info->epoll_fd);
	uv_timer_init(&agent->loop, &http->timer);
	http->poll.data = http;
	http->timer.data = http;
	uv_poll_start(&http->poll, UV_READABLE, on_readable);
	return 0;
}

void http_stop(struct http *http)
{
	if (!http->daemon)
		return;
	uv_poll_stop(&http->poll);
	uv_close((uv_handle_t *)&http->poll, NULL);
	uv_close((uv_handle_t *)&http->timer, NULL);
	MHD_run(http->daemon); /* the last answers */
	MHD_stop_daemon(http->daemon);
	http->daemon = NULL;
}
