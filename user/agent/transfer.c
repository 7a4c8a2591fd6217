/* SPDX-License-Identifier: MIT */
/* transfer.c - one HTTP request. */
#include "transfer.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <curl/curl.h>

#include "cleanup.h"
#include "transfer_priv.h"

#define HTTP_OK 200
#define HEADERS_MAX_BYTES 65536 /* all that one transfer may be told, redirects included */

struct transfer {
	struct transfers *transfers;
	CURL *easy;
	struct curl_slist *headers;
	char *json;
	size_t max_bytes, headers_len;
	void *body; /* or the part that wasn't handed on yet */
	size_t len;
	bool too_large;
	char error[CURL_ERROR_SIZE];
	transfer_part *part;
	bool fed; /* is in transfers->fed */
	struct transfer *next_fed;
	transfer_done *done;
	void *arg;
};

/* Not inherited by what the agent starts; a peer that is gone without a word is noticed. */
static int on_opened(void *arg, curl_socket_t fd, curlsocktype purpose)
{
	unsigned int dead_ms = TRANSFER_DEAD_S * 1000;

	fcntl(fd, F_SETFD, FD_CLOEXEC);
	setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &dead_ms, sizeof(dead_ms));
	return CURL_SOCKOPT_OK;
}

/* A body that is handed on: of a 200 only, what else is said is short. */
static bool in_parts(const struct transfer *transfer)
{
	long status = 0;

	if (transfer->part)
		curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
	return status == HTTP_OK;
}

static void feed(struct transfer *transfer)
{
	if (transfer->fed)
		return;
	transfer->fed = true;
	transfer->next_fed = transfer->transfers->fed;
	transfer->transfers->fed = transfer;
}

static void unfeed(struct transfer *transfer)
{
	struct transfer **at = &transfer->transfers->fed;

	if (!transfer->fed)
		return;
	while (*at != transfer)
		at = &(*at)->next_fed;
	*at = transfer->next_fed;
	transfer->fed = false;
}

void transfer_deliver(struct transfer *transfer)
{
	_free_ char *bytes = transfer->body;
	size_t len = transfer->len;

	unfeed(transfer);
	transfer->body = NULL;
	transfer->len = 0;
	transfer->part(transfer->arg, bytes ? bytes : "", len);
}

static size_t on_body(char *bytes, size_t size, size_t n, void *arg)
{
	struct transfer *transfer = arg;
	bool parts = in_parts(transfer);
	void *grown;

	n *= size;
	if (!parts && transfer->len + n > transfer->max_bytes) {
		transfer->too_large = true;
		return 0;
	}
	grown = realloc(transfer->body, transfer->len + n + 1);
	if (!grown)
		return 0;
	memcpy((char *)grown + transfer->len, bytes, n);
	transfer->body = grown;
	transfer->len += n;
	if (parts && n)
		feed(transfer);
	return n;
}

static size_t on_header(char *bytes, size_t size, size_t n, void *arg)
{
	struct transfer *transfer = arg;

	/* An answer that is silent for a while is one, too. */
	if (n == 2 && in_parts(transfer))
		feed(transfer);
	transfer->headers_len += size * n;
	return transfer->headers_len > HEADERS_MAX_BYTES ? 0 : size * n;
}

static void transfer_free(struct transfer *transfer)
{
	unfeed(transfer);
	if (transfer->easy)
		curl_easy_cleanup(transfer->easy);
	curl_slist_free_all(transfer->headers);
	free(transfer->json);
	free(transfer->body);
	free(transfer);
}

static const char *header_of(CURL *easy, const char *name)
{
	struct curl_header *header;

	return curl_easy_header(easy, name, 0, CURLH_HEADER, -1, &header) ? NULL : header->value;
}

static void set_error(const struct transfer *transfer, CURLcode code,
		      struct transfer_result *result)
{
	if (transfer->too_large || code == CURLE_FILESIZE_EXCEEDED)
		result->err = fault_set(&result->why, EFBIG, "the answer has more than %zu bytes",
					transfer->max_bytes);
	else
		result->err =
			fault_set(&result->why, EIO, "%s%s",
				  transfer->error[0] ? transfer->error : curl_easy_strerror(code),
				  code == CURLE_SSL_CACERT_BADFILE
					  ? "; it must be there and hold certificates in PEM"
					  : "");
}

void transfer_finish(struct transfer *transfer, CURLcode code)
{
	struct transfer_result result = {0};
	CURL *easy = transfer->easy;
	curl_off_t after = 0;
	long status = 0;

	curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(easy, CURLINFO_RETRY_AFTER, &after);
	result.status = (unsigned int)status;
	result.retry_after_s = after > 0 ? after : 0;
	if (code)
		set_error(transfer, code, &result);
	result.body = transfer->body ? transfer->body : "";
	result.len = transfer->len;
	result.etag = header_of(easy, "ETag");
	result.modified = header_of(easy, "Last-Modified");
	curl_multi_remove_handle(transfer->transfers->multi, easy);
	transfer->done(transfer->arg, &result);
	transfer_free(transfer);
}

static bool add_header(struct transfer *transfer, const char *name, const char *value)
{
	_free_ char *line = NULL;
	struct curl_slist *longer;

	if (asprintf(&line, "%s: %s", name, value) < 0) {
		line = NULL;
		return false;
	}
	longer = curl_slist_append(transfer->headers, line);
	if (longer)
		transfer->headers = longer;
	return longer;
}

static bool add_headers(struct transfer *transfer, const struct transfer_request *request)
{
	return (!request->etag || add_header(transfer, "If-None-Match", request->etag)) &&
	       (!request->modified ||
		add_header(transfer, "If-Modified-Since", request->modified)) &&
	       (!request->json || add_header(transfer, "Content-Type",
					     request->type ? request->type : "application/json")) &&
	       /* No "Expect: 100-continue", which costs a second with servers that don't know it. */
	       (!request->json || add_header(transfer, "Expect", ""));
}

static CURLcode set_tls(CURL *easy, const struct transfer_request *request)
{
	CURLcode r = curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);

	/* A CA file that was renewed counts from the next request on, not a day later. */
	r = r ? r : curl_easy_setopt(easy, CURLOPT_CA_CACHE_TIMEOUT, 0L);
	if (!request->ca)
		return r;
	/* That file alone: without this the system's directory would count, too. */
	r = r ? r : curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
	return r ? r : curl_easy_setopt(easy, CURLOPT_CAINFO, request->ca);
}

static CURLcode set_limits(CURL *easy, const struct transfer_request *request)
{
	int64_t stall = request->stall_s ? request->stall_s : TRANSFER_STALL_S;
	CURLcode r = curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT, (long)TRANSFER_CONNECT_S);

	r = r ? r : curl_easy_setopt(easy, CURLOPT_TIMEOUT, (long)request->timeout_s);
	r = r ? r : curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
	r = r ? r
	      : curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME,
				 (long)(request->timeout_s < stall ? request->timeout_s : stall));
	r = r ? r : curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
	r = r ? r : curl_easy_setopt(easy, CURLOPT_TCP_KEEPIDLE, TRANSFER_DEAD_S / 3L);
	r = r ? r : curl_easy_setopt(easy, CURLOPT_TCP_KEEPINTVL, TRANSFER_DEAD_S / 3L);
	if (!request->part)
		r = r ? r
		      : curl_easy_setopt(easy, CURLOPT_MAXFILESIZE_LARGE,
					 (curl_off_t)request->max_bytes);
	r = r ? r : curl_easy_setopt(easy, CURLOPT_MAXREDIRS, (long)TRANSFER_MAX_REDIRECTS);
	return r;
}

/* Of the proxy and of no_proxy the environment says nothing here. */
static CURLcode set_way(CURL *easy, const struct transfer_request *request)
{
	const char *protocols = request->plain_http ? "http" : "https";
	CURLcode r = curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, protocols);

	r = r ? r : curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR, "https");
	r = r ? r
	      : curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION,
				 request->json || request->method ? 0L : 1L);
	r = r ? r : curl_easy_setopt(easy, CURLOPT_PROXY, request->proxy ? request->proxy : "");
	r = r ? r : curl_easy_setopt(easy, CURLOPT_NOPROXY, "");
	if (request->token) {
		/* Unlike a header of our own it isn't sent on to where a redirect leads. */
		r = r ? r : curl_easy_setopt(easy, CURLOPT_HTTPAUTH, (long)CURLAUTH_BEARER);
		r = r ? r : curl_easy_setopt(easy, CURLOPT_XOAUTH2_BEARER, request->token);
	}
	return r;
}

static CURLcode set_callbacks(CURL *easy, struct transfer *transfer)
{
	CURLcode r = curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer);

	r = r ? r : curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->error);
	r = r ? r : curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
	r = r ? r : curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
	r = r ? r : curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
	r = r ? r : curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer);
	r = r ? r : curl_easy_setopt(easy, CURLOPT_SOCKOPTFUNCTION, on_opened);
	return r;
}

static CURLcode set_request(struct transfer *transfer, const struct transfer_request *request)
{
	CURL *easy = transfer->easy;
	CURLcode r = curl_easy_setopt(easy, CURLOPT_URL, request->url);

	r = r ? r : curl_easy_setopt(easy, CURLOPT_HTTPHEADER, transfer->headers);
	r = r ? r : curl_easy_setopt(easy, CURLOPT_USERAGENT, "portlicd/" PORTLIC_VERSION);
	r = r ? r
	      : curl_easy_setopt(
			easy, CURLOPT_HTTP_VERSION,
			(long)(request->http2 ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_1_1));
	r = r ? r : curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
	r = r ? r : curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
	r = r ? r : curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	/* To end a transfer must not wait for a resolver that doesn't answer. */
	r = r ? r : curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
	if (transfer->json)
		r = r ? r : curl_easy_setopt(easy, CURLOPT_POSTFIELDS, transfer->json);
	if (request->method)
		r = r ? r : curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method);
	r = r ? r : set_tls(easy, request);
	r = r ? r : set_limits(easy, request);
	r = r ? r : set_way(easy, request);
	return r ? r : set_callbacks(easy, transfer);
}

struct transfer *transfer_start(struct transfers *transfers, const struct transfer_request *request,
				transfer_done *done, void *arg, struct fault *f)
{
	struct transfer *transfer = transfers->on ? calloc(1, sizeof(*transfer)) : NULL;

	if (!transfer) {
		fault_set(f, ENOMEM, "out of memory");
		return NULL;
	}
	*transfer = (struct transfer){.transfers = transfers,
				      .easy = curl_easy_init(),
				      .max_bytes = request->max_bytes,
				      .json = request->json ? strdup(request->json) : NULL,
				      .part = request->part,
				      .done = done,
				      .arg = arg};
	if (!transfer->easy || (request->json && !transfer->json) ||
	    !add_headers(transfer, request) || set_request(transfer, request) ||
	    curl_multi_add_handle(transfers->multi, transfer->easy)) {
		fault_set(f, EIO, "libcurl doesn't take the request");
		transfer_free(transfer);
		return NULL;
	}
	return transfer;
}

void transfer_cancel(struct transfer *transfer)
{
	if (!transfer)
		return;
	curl_multi_remove_handle(transfer->transfers->multi, transfer->easy);
	transfer_free(transfer);
}
