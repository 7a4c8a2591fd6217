/* SPDX-License-Identifier: MIT */
/* transfers.c - libcurl's multi interface, driven by libuv. */
#include "transfers.h"

#include <errno.h>
#include <stdlib.h>

#include <curl/curl.h>

#include "transfer_priv.h"

/* One descriptor of libcurl's on the loop. */
struct watched {
	struct transfers *transfers;
	curl_socket_t fd;
	uv_poll_t poll;
};

static void finish_done(struct transfers *transfers)
{
	CURLMsg *message;
	int left;

	while (transfers->on && (message = curl_multi_info_read(transfers->multi, &left))) {
		CURLcode code = message->data.result;
		struct transfer *transfer = NULL;

		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&transfer);
		transfer_finish(transfer, code);
	}
}

/* libcurl forbids to start or end a transfer inside its callbacks: what they left is done here. */
static void act(struct transfers *transfers, curl_socket_t fd, int events)
{
	int running;

	curl_multi_socket_action(transfers->multi, fd, events, &running);
	while (transfers->on && transfers->fed)
		transfer_deliver(transfers->fed);
	finish_done(transfers);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
	struct watched *watched = poll->data;
	int what = status < 0 ? CURL_CSELECT_ERR : 0;

	what |= events & UV_READABLE ? CURL_CSELECT_IN : 0;
	what |= events & UV_WRITABLE ? CURL_CSELECT_OUT : 0;
	act(watched->transfers, watched->fd, what);
}

static void on_unwatched(uv_handle_t *handle)
{
	free(handle->data);
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *socket_arg)
{
	struct transfers *transfers = arg;
	struct watched *watched = socket_arg;
	int events =
		(what & CURL_POLL_IN ? UV_READABLE : 0) | (what & CURL_POLL_OUT ? UV_WRITABLE : 0);

	if (what == CURL_POLL_REMOVE) {
		if (watched) {
			uv_poll_stop(&watched->poll);
			uv_close((uv_handle_t *)&watched->poll, on_unwatched);
			curl_multi_assign(transfers->multi, fd, NULL);
		}
		return 0;
	}
	if (!watched) {
		watched = calloc(1, sizeof(*watched));
		if (!watched)
			return -1;
		*watched = (struct watched){.transfers = transfers, .fd = fd};
		if (uv_poll_init_socket(transfers->loop, &watched->poll, fd)) {
			free(watched);
			return -1;
		}
		watched->poll.data = watched;
		curl_multi_assign(transfers->multi, fd, watched);
	}
	uv_poll_start(&watched->poll, events, on_poll);
	return 0;
}

static void on_timeout(uv_timer_t *timer)
{
	act(timer->data, CURL_SOCKET_TIMEOUT, 0);
}

static int on_timer_wanted(CURLM *multi, long ms, void *arg)
{
	struct transfers *transfers = arg;

	if (ms < 0)
		uv_timer_stop(&transfers->timer);
	else
		uv_timer_start(&transfers->timer, on_timeout, ms ? ms : 1, 0);
	return 0;
}

int transfers_start(struct transfers *transfers, uv_loop_t *loop)
{
	*transfers = (struct transfers){.loop = loop};
	if (curl_global_init(CURL_GLOBAL_DEFAULT))
		return -ENOMEM;
	transfers->multi = curl_multi_init();
	if (!transfers->multi)
		return -ENOMEM;
	uv_timer_init(loop, &transfers->timer);
	transfers->timer.data = transfers;
	curl_multi_setopt(transfers->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
	curl_multi_setopt(transfers->multi, CURLMOPT_SOCKETDATA, transfers);
	curl_multi_setopt(transfers->multi, CURLMOPT_TIMERFUNCTION, on_timer_wanted);
	curl_multi_setopt(transfers->multi, CURLMOPT_TIMERDATA, transfers);
	transfers->on = true;
	return 0;
}

void transfers_stop(struct transfers *transfers)
{
	if (!transfers->on)
		return;
	transfers->on = false;
	curl_multi_cleanup(transfers->multi); /* closes what it watches by on_socket */
	uv_close((uv_handle_t *)&transfers->timer, NULL);
}
