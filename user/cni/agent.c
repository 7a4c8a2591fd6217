/* SPDX-License-Identifier: MIT */
/*
 * agent.c - HTTP by libcurl, which is loaded when there is something to ask: with the libraries that it needs
 * itself it would cost each start of a pod several milliseconds, selected or not.
 */
#include "agent.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include <curl/curl.h>

#include "cleanup.h"
#include "json.h"

#define CURL_LIBRARY "libcurl.so.4"
#define CONNECT_TIMEOUT_MS 3000L
#define ANSWER_TIMEOUT_MS 30000L /* the gate's rules are in force then */
#define DEL_TIMEOUT_MS 5000L	 /* the agent collects by itself what is gone */
#define ALIVE_TIMEOUT_MS 3000L
#define ANSWER_MAX (1U << 20) /* bytes */

#define HTTP_OK 200
#define HTTP_UNPROCESSABLE 422
#define HTTP_UNAVAILABLE 503

struct curl_calls {
	__typeof__(curl_global_init) *global_init;
	__typeof__(curl_easy_init) *init;
	__typeof__(curl_easy_setopt) *set;
	__typeof__(curl_easy_perform) *perform;
	__typeof__(curl_easy_getinfo) *info;
	__typeof__(curl_easy_strerror) *error;
	__typeof__(curl_slist_append) *append;
	__typeof__(curl_slist_free_all) *free_list;
	__typeof__(curl_easy_cleanup) *cleanup;
};

struct text {
	char *bytes;
	size_t len;
};

static int load(struct curl_calls *calls, struct fault *why)
{
	const struct {
		const char *name;
		void **at;
	} symbols[] = {
		{"curl_global_init", (void **)&calls->global_init},
		{"curl_easy_init", (void **)&calls->init},
		{"curl_easy_setopt", (void **)&calls->set},
		{"curl_easy_perform", (void **)&calls->perform},
		{"curl_easy_getinfo", (void **)&calls->info},
		{"curl_easy_strerror", (void **)&calls->error},
		{"curl_slist_append", (void **)&calls->append},
		{"curl_slist_free_all", (void **)&calls->free_list},
		{"curl_easy_cleanup", (void **)&calls->cleanup},
	};
	void *library = dlopen(CURL_LIBRARY, RTLD_LAZY | RTLD_LOCAL);

	if (!library)
		return fault_set(why, ENOENT, "portlic-cni needs " CURL_LIBRARY ": %s", dlerror());
	for (size_t i = 0; i < ARRAY_SIZE(symbols); i++) {
		*symbols[i].at = dlsym(library, symbols[i].name);
		if (!*symbols[i].at)
			return fault_set(why, ENOENT, CURL_LIBRARY " has no %s", symbols[i].name);
	}
	/* Neither TLS nor its configuration files: there is a Unix socket. */
	if (calls->global_init(CURL_GLOBAL_NOTHING))
		return fault_set(why, EIO, CURL_LIBRARY " can't be started");
	return 0;
}

static size_t take(char *data, size_t size, size_t n, void *arg)
{
	struct text *answer = arg;
	size_t more = size * n;
	char *grown;

	if (more > ANSWER_MAX - answer->len)
		return 0;
	grown = realloc(answer->bytes, answer->len + more + 1);
	if (!grown)
		return 0;
	memcpy(grown + answer->len, data, more);
	answer->bytes = grown;
	answer->len += more;
	return more;
}

static void set_up(const struct curl_calls *curl, CURL *easy, const char *socket,
		   struct text *answer)
{
	curl->set(easy, CURLOPT_UNIX_SOCKET_PATH, socket);
	curl->set(easy, CURLOPT_PROXY, ""); /* http_proxy of the environment is not for us */
	curl->set(easy, CURLOPT_NOSIGNAL, 1L);
	curl->set(easy, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_TIMEOUT_MS);
	curl->set(easy, CURLOPT_WRITEFUNCTION, take);
	curl->set(easy, CURLOPT_WRITEDATA, answer);
}

static int no_answer(const struct curl_calls *curl, CURL *easy, CURLcode code, const char *socket,
		     struct fault *why)
{
	long error = 0;

	curl->info(easy, CURLINFO_OS_ERRNO, &error);
	if (code == CURLE_COULDNT_CONNECT)
		return fault_set(why, ECONNREFUSED, "there is no agent at \"%s\"%s%s", socket,
				 error ? ": " : "", error ? strerror((int)error) : "");
	return fault_set(why, ETIMEDOUT, "the agent at \"%s\" did not answer: %s", socket,
			 curl->error(code));
}

/* body NULL: GET. */
static int perform(const struct curl_calls *curl, CURL *easy, const char *socket, const char *body,
		   struct curl_slist *headers, long *status, struct fault *why)
{
	CURLcode code;

	curl->set(easy, CURLOPT_HTTPHEADER, headers);
	if (body)
		curl->set(easy, CURLOPT_POSTFIELDS, body);
	code = curl->perform(easy);
	if (code != CURLE_OK)
		return no_answer(curl, easy, code, socket, why);
	curl->info(easy, CURLINFO_RESPONSE_CODE, status);
	return 0;
}

static int transfer(const char *socket, const char *url, const char *body, long timeout_ms,
		    struct text *answer, long *status, struct fault *why)
{
	struct curl_slist *headers, *more;
	struct curl_calls curl;
	CURL *easy;
	int err;

	if (strlen(socket) >= sizeof(((struct sockaddr_un *)NULL)->sun_path))
		return fault_set(why, ENAMETOOLONG,
				 "the socket's path \"%s\" is longer than 107 bytes", socket);
	if (load(&curl, why))
		return -EIO;
	easy = curl.init();
	headers = curl.append(NULL, "Expect:"); /* no 100-continue to wait for */
	more = headers ? curl.append(headers, "Content-Type: application/json") : NULL;
	if (easy && more) {
		set_up(&curl, easy, socket, answer);
		curl.set(easy, CURLOPT_URL, url);
		curl.set(easy, CURLOPT_TIMEOUT_MS, timeout_ms);
		err = perform(&curl, easy, socket, body, more, status, why);
	} else {
		err = fault_set(why, ENOMEM, "out of memory");
	}
	curl.free_list(headers);
	curl.cleanup(easy);
	return err;
}

static int put(cJSON *root, const char *name, const char *value)
{
	return !value || cJSON_AddStringToObject(root, name, value) ? 0 : -ENOMEM;
}

static char *question(const struct cni_call *call)
{
	_json_ cJSON *root = cJSON_CreateObject();

	if (!root || put(root, "command", cni_commands[call->command]) ||
	    put(root, "namespace", call->namespace) || put(root, "name", call->name) ||
	    put(root, "uid", call->uid) || put(root, "container", call->container) ||
	    put(root, "netns", call->netns) || put(root, "ifname", call->ifname))
		return NULL;
	return cJSON_PrintUnformatted(root);
}

static enum cni_answer unclear(long status, struct fault *why)
{
	fault_set(why, EBADMSG,
		  "the agent answered with HTTP status %ld and nothing that portlic-cni knows; are "
		  "they of one version?",
		  status);
	return CNI_UNCLEAR;
}

static enum cni_answer judge(long status, const struct text *text, struct fault *why)
{
	static const char *const results[] = {"gated", "unselected", NULL}; /* enum cni_answer */
	_json_ cJSON *root = NULL;
	struct fault f = {0};
	const char *said = NULL;
	int result = -1;

	if (!text->bytes || json_parse_object("answer", text->bytes, text->len, &root, &f))
		return unclear(status, why);
	if (status == HTTP_OK)
		return json_word(root, "result", results, &result, &f) || result < 0
			       ? unclear(status, why)
			       : (enum cni_answer)result;
	if (json_string(root, "error", 1, sizeof(why->text), &said, &f) || !said)
		return unclear(status, why);
	fault_set(why, EIO, "%s", said);
	return status == HTTP_UNPROCESSABLE ? CNI_REFUSAL
	       : status == HTTP_UNAVAILABLE ? CNI_AWAY
					    : CNI_UNCLEAR;
}

enum cni_answer cni_ask(const char *socket, const struct cni_call *call, struct fault *why)
{
	_free_ char *body = question(call);
	struct text answer = {0};
	enum cni_answer result;
	long status = 0;

	if (!body) {
		fault_set(why, ENOMEM, "out of memory");
		return CNI_AWAY;
	}
	if (transfer(socket, "http://portlic/v1/cni", body,
		     call->command == CNI_DEL ? DEL_TIMEOUT_MS : ANSWER_TIMEOUT_MS, &answer,
		     &status, why))
		result = CNI_AWAY;
	else
		result = judge(status, &answer, why);
	free(answer.bytes);
	return result;
}

enum cni_answer cni_agent_lives(const char *socket, struct fault *why)
{
	struct text answer = {0};
	long status = 0;
	int err = transfer(socket, "http://portlic/healthz", NULL, ALIVE_TIMEOUT_MS, &answer,
			   &status, why);

	free(answer.bytes);
	if (!err && status != HTTP_OK)
		err = fault_set(why, EIO, "the agent answered with HTTP status %ld", status);
	return err ? CNI_AWAY : CNI_GATED;
}
