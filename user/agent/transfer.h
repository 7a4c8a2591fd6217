/* SPDX-License-Identifier: MIT */
/*
 * transfer.h - HTTP requests that the agent makes, on its loop and never in its way.
 *
 * HTTPS with a checked certificate; no environment, no cookies, no compression, no connection kept;
 * redirects to HTTPS only. The body is held in memory, up to the cap, or handed on as it comes.
 */
#ifndef PORTLIC_AGENT_TRANSFER_H
#define PORTLIC_AGENT_TRANSFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "fault.h"
#include "transfers.h"

#define TRANSFER_MAX_REDIRECTS 3
#define TRANSFER_CONNECT_S 10 /* until the connection stands, TLS included */
#define TRANSFER_STALL_S 15   /* without a byte */
#define TRANSFER_DEAD_S 45    /* a peer that doesn't even acknowledge */

/*
 * From the loop: anything may be done there, transfer_cancel() too. The first call tells that the answer began,
 * and may have no bytes.
 */
typedef void transfer_part(void *arg, const char *bytes, size_t len);

/* Strings are copied; NULL: not given. */
struct transfer_request {
	const char *url;
	const char *json;   /* is POSTed, redirects aren't followed; NULL: GET */
	const char *method; /* another one; redirects aren't followed */
	const char *type;   /* of json, NULL: application/json */
	bool plain_http;    /* the URL is http:// */
	bool http2;	    /* may be spoken if the server wants to (ALPN) */
	const char *ca, *proxy, *token;
	const char *etag, *modified; /* makes the request conditional */
	size_t max_bytes;
	int64_t timeout_s, stall_s; /* in all; without a byte, 0: TRANSFER_STALL_S */
	transfer_part *part;	    /* takes the body of a 200 as it comes, without a cap */
};

struct transfer_result {
	int err; /* 0: an answer came, whatever its status */
	struct fault why;
	unsigned int status;
	int64_t retry_after_s;
	const char *etag, *modified; /* of the last answer, NULL: not given */
	const void *body;
	size_t len;
};

struct transfer;
typedef void transfer_done(void *arg, const struct transfer_result *result);

/* Calls done(arg) once, from the loop; NULL and a fault if it can't even begin. */
struct transfer *transfer_start(struct transfers *transfers, const struct transfer_request *request,
				transfer_done *done, void *arg, struct fault *f);
void transfer_cancel(struct transfer *transfer); /* done isn't called any more; NULL-safe */

#endif
