/* SPDX-License-Identifier: MIT */
/* client.c - the agent's API over its Unix socket, by libcurl. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include <curl/curl.h>

#include "cleanup.h"
#include "client.h"
#include "output.h"

#define DEFAULT_SOCKET "/run/portlic/portlicd.sock"
#define CONNECT_TIMEOUT_MS 3000L
#define ANSWER_TIMEOUT_MS                                                                          \
	30000L		       /* a gate takes tens of milliseconds, a check of all some seconds */
#define ANSWER_MAX (64U << 20) /* bytes */

struct answer {
	char *text;
	size_t len;
};

static void answer_free(struct answer *answer)
{
	free(answer->text);
}

static void easy_free(CURL **easy)
{
	curl_easy_cleanup(*easy);
}

static void headers_free(struct curl_slist **headers)
{
	curl_slist_free_all(*headers);
}

static const char *socket_path(const struct args *args)
{
	const char *env = getenv("PORTLIC_SOCKET");

	if (option_text(args, OPT_SOCKET))
		return option_text(args, OPT_SOCKET);
	return env && *env ? env : DEFAULT_SOCKET;
}

static size_t take(char *data, size_t size, size_t n, void *arg)
{
	struct answer *answer = arg;
	size_t more = size * n;
	char *grown;

	if (more > ANSWER_MAX - answer->len)
		return 0;
	grown = realloc(answer->text, answer->len + more + 1);
	if (!grown)
		return 0;
	memcpy(grown + answer->len, data, more);
	answer->text = grown;
	answer->len += more;
	grown[answer->len] = '\0';
	return more;
}

/* libcurl tells of a socket that can't be connected in its own words; errno says why. */
static int no_agent(CURL *easy, CURLcode code, const char *path, struct failure *why)
{
	long error = 0;

	curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &error);
	if (code != CURLE_COULDNT_CONNECT)
		return fail(why, EXIT_NO_AGENT,
			    "the agent at \"%s\" did not answer: %s; see its log (journalctl -u "
			    "portlicd)",
			    path, curl_easy_strerror(code));
	if (error == EACCES || error == EPERM)
		return fail(why, EXIT_NO_AGENT,
			    "no access to the agent's socket \"%s\": %s; run as root", path,
			    strerror(error));
	return fail(why, EXIT_NO_AGENT,
		    "no agent at \"%s\"%s%s; start portlicd (systemctl start portlicd) or name its "
		    "socket with --socket or PORTLIC_SOCKET",
		    path, error ? ": " : "", error ? strerror(error) : "");
}

#define HTTP_UNPROCESSABLE 422 /* a license or a policy that is refused; the rest are mistakes */

/* {"error","reason","detail"} of a refusal. */
static int refused(long status, const struct answer *answer, struct failure *why)
{
	cJSON *json = cJSON_Parse(answer->text ? answer->text : "");
	const char *error = member_text(json, "error");
	const char *reason = member_text(json, "reason");
	const char *detail = member_text(json, "detail");

	if (reason)
		snprintf(why->reason, sizeof(why->reason), "%s", reason);
	if (!error)
		fail(why, EXIT_USAGE, "the agent answered with HTTP status %ld and no reason",
		     status);
	else if (reason && detail && *detail && !strstr(error, detail))
		fail(why, EXIT_USAGE, "%s: %s: %s", error, reason, detail);
	else if (reason && *reason && !strstr(error, reason))
		fail(why, EXIT_USAGE, "%s: %s", error, reason);
	else
		fail(why, EXIT_USAGE, "%s", error);
	cJSON_Delete(json);
	return status == HTTP_UNPROCESSABLE ? EXIT_REFUSED : EXIT_USAGE;
}

static int judge_answer(long status, struct answer *answer, struct reply *out, struct failure *why)
{
	cJSON *json = NULL;

	if (status < 200 || status > 299)
		return refused(status, answer, why);
	if (answer->len) {
		json = cJSON_Parse(answer->text);
		if (!json)
			return fail(why, EXIT_USAGE,
				    "the agent's answer is no JSON; is another program behind the "
				    "socket?");
	}
	out->json = json;
	out->text = answer->text ? TAKE_PTR(answer->text) : strdup("");
	return out->text ? 0 : fail(why, EXIT_USAGE, "out of memory");
}

static void set_body(CURL *easy, const void *body, size_t len)
{
	curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body ? body : "");
	curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)len);
}

static void set_up(CURL *easy, const char *socket, const char *url, struct answer *answer)
{
	curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, socket);
	curl_easy_setopt(easy, CURLOPT_URL, url);
	curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L); /* "..": a name, not a way up */
	curl_easy_setopt(easy, CURLOPT_PROXY, ""); /* http_proxy of the environment is not for us */
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_TIMEOUT_MS);
	curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, ANSWER_TIMEOUT_MS);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, answer);
}

int client_call(const struct args *args, const char *method, const char *path, const void *body,
		size_t len, struct reply *out, struct failure *why)
{
	_cleanup_(answer_free) struct answer answer = {};
	_cleanup_(headers_free) struct curl_slist *headers = NULL;
	_cleanup_(easy_free) CURL *easy = NULL;
	_free_ char *url = NULL;
	const char *socket = socket_path(args);
	long status = 0;
	CURLcode code;

	if (strlen(socket) >= sizeof(((struct sockaddr_un *)NULL)->sun_path))
		return fail(why, EXIT_USAGE, "the socket's path \"%s\" is longer than 107 bytes",
			    socket);
	easy = curl_easy_init();
	if (!easy || asprintf(&url, "http://portlic%s", path) < 0)
		return fail(why, EXIT_USAGE, "out of memory");
	set_up(easy, socket, url, &answer);
	/* No "Expect: 100-continue": it would cost a second with a server that doesn't answer it. */
	headers = curl_slist_append(NULL, "Expect:");
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
	if (body || !strcmp(method, "POST"))
		set_body(easy, body, len);
	curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, method);
	code = curl_easy_perform(easy);
	if (code != CURLE_OK)
		return no_agent(easy, code, socket, why);
	curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
	return judge_answer(status, &answer, out, why);
}

int client_get(const struct args *args, const char *path, bool array, struct reply *out,
	       struct failure *why)
{
	int r = client_call(args, "GET", path, NULL, 0, out, why);

	if (!r && !(array ? cJSON_IsArray(out->json) : cJSON_IsObject(out->json)))
		return fail(why, EXIT_USAGE,
			    "the agent's answer to %s is no %s; is it of another version?", path,
			    array ? "array" : "object");
	return r;
}

char *client_path(const char *prefix, const char *text)
{
	char *escaped = curl_easy_escape(NULL, text, 0), *path = NULL;

	if (escaped && asprintf(&path, "%s%s", prefix, escaped) < 0)
		path = NULL;
	curl_free(escaped);
	return path;
}

void reply_free(struct reply *reply)
{
	free(reply->text);
	cJSON_Delete(reply->json);
	*reply = (struct reply){};
}

int client_delete(const struct args *args, const char *prefix, const char *name, struct reply *out,
		  struct failure *why)
{
	_free_ char *path = client_path(prefix, name);

	if (!path)
		return fail(why, EXIT_USAGE, "out of memory");
	return client_call(args, "DELETE", path, NULL, 0, out, why);
}
