/* SPDX-License-Identifier: MIT */
/*
 * kubewatch.c - the agent's client of the API server, alone: kubewatch CONFIG WHAT=PATH[?QUERY]... ; WHAT with a '?'
 * in front is optional. Prints what a consumer is told, a line each. Commands come by stdin, a line each: status,
 * metrics, warnings, unwatch, age SECONDS, METHOD PATH [BODY].
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sodium.h>

#include "agent.h"
#include "cleanup.h"
#include "file.h"
#include "json.h"
#include "kube_view.h"

#define WATCHES_MAX 8

static struct agent agent;
static struct kube_watch *watches[WATCHES_MAX];
static const char *names[WATCHES_MAX];
static unsigned int n_watches;
static uv_poll_t commands;

static void on_begin(void *arg)
{
	printf("%s begin\n", names[(size_t)arg]);
}

static const char *text_of(const cJSON *object, const char *name)
{
	const char *text = cJSON_GetStringValue(json_get(json_get(object, "metadata"), name));

	return text ? text : "-";
}

static void on_present(void *arg, const cJSON *object)
{
	printf("%s present %s %s\n", names[(size_t)arg], text_of(object, "name"),
	       text_of(object, "resourceVersion"));
	/* As a consumer would that has seen enough: the watch ends inside of its own call. */
	if (!strcmp(text_of(object, "name"), "unwatch-me")) {
		kube_unwatch(watches[(size_t)arg]);
		watches[(size_t)arg] = NULL;
		puts("unwatched");
	}
}

static void on_gone(void *arg, const cJSON *object)
{
	printf("%s gone %s\n", names[(size_t)arg], text_of(object, "name"));
}

static void on_end(void *arg)
{
	printf("%s end\n", names[(size_t)arg]);
}

static void on_answer(void *arg, const struct kube_answer *answer)
{
	_free_ char *body = answer->body ? cJSON_PrintUnformatted(answer->body) : NULL;

	if (answer->err)
		printf("answer error %s\n", answer->why.text);
	else
		printf("answer %u %s\n", answer->status, body ? body : "-");
}

static void ask(char *line)
{
	char *method = strtok(line, " "), *path = strtok(NULL, " "), *body = strtok(NULL, "");
	struct kube_request_spec spec = {.method = method, .path = path, .body = body};
	struct fault f = {0};

	if (!strcmp(method, "PATCH"))
		spec.content_type = "application/merge-patch+json";
	if (!kube_request(&agent, &spec, on_answer, NULL, &f))
		printf("answer none %s\n", f.text);
}

static void print_tree(cJSON *tree)
{
	_free_ char *text = cJSON_PrintUnformatted(tree);

	puts(text);
	cJSON_Delete(tree);
}

static void command(char *line)
{
	if (!strcmp(line, "status")) {
		print_tree(kube_status(&agent));
	} else if (!strcmp(line, "warnings")) {
		cJSON *warnings = cJSON_CreateArray();

		kube_warn(&agent, warnings);
		print_tree(warnings);
	} else if (!strncmp(line, "age ", 4)) { /* as if all had been so for as many seconds more */
		agent.kube.since_ns -= strtoull(line + 4, NULL, 10) * 1000000000ULL;
	} else if (!strcmp(line, "metrics")) {
		kube_metrics(stdout, &agent);
	} else if (!strcmp(line, "unwatch")) {
		while (n_watches) {
			kube_unwatch(watches[--n_watches]);
			watches[n_watches] = NULL;
		}
		puts("unwatched");
	} else {
		ask(line);
	}
}

static void on_command(uv_poll_t *poll, int status, int events)
{
	static char text[65536];
	static size_t len;
	ssize_t n = read(0, text + len, sizeof(text) - len - 1);
	char *end;

	if (n <= 0) {
		uv_poll_stop(poll);
		kube_stop(&agent);
		while (n_watches)
			kube_unwatch(watches[--n_watches]);
		transfers_stop(&agent.transfers);
		return;
	}
	len += (size_t)n;
	text[len] = '\0';
	while ((end = strchr(text, '\n'))) {
		*end = '\0';
		command(text);
		len -= (size_t)(end + 1 - text);
		memmove(text, end + 1, len + 1);
	}
}

static int configure(const char *file)
{
	_free_ void *bytes = NULL;
	_json_ cJSON *root = NULL;
	struct fault f = {0};
	size_t len = 0;
	int err = file_read(file, 65536, &bytes, &len, &f);

	if (!err)
		err = json_parse_object(file, bytes, len, &root, &f);
	if (!err)
		err = kube_config_read(root, &agent.config.kubernetes, &f);
	if (err)
		fprintf(stderr, "kubewatch: %s\n", f.text);
	return err;
}

static void watch(char *text)
{
	char *path = strchr(text, '='), *query;
	size_t i = n_watches++;
	struct kube_watch_spec spec = {.consumer = {on_begin, on_present, on_gone, on_end},
				       .arg = (void *)i};

	*path++ = '\0';
	query = strchr(path, '?');
	if (query)
		*query++ = '\0';
	if (*text == '?')
		spec.optional = text++;
	names[i] = text;
	spec.path = path;
	spec.query = query;
	spec.what = text;
	watches[i] = kube_watch(&agent, &spec);
	if (!watches[i])
		puts("no watch");
}

int main(int argc, char **argv)
{
	if (argc < 2 || argc > 2 + WATCHES_MAX || sodium_init() < 0) {
		fprintf(stderr, "usage: kubewatch CONFIG [?]WHAT=PATH[?QUERY]...\n");
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	uv_loop_init(&agent.loop);
	if (configure(argv[1]) || transfers_start(&agent.transfers, &agent.loop))
		return 2;
	kube_start(&agent);
	for (int i = 2; i < argc; i++)
		watch(argv[i]);
	uv_poll_init(&agent.loop, &commands, 0);
	uv_poll_start(&commands, UV_READABLE, on_command);
	uv_run(&agent.loop, UV_RUN_DEFAULT);
	kube_config_free(&agent.config.kubernetes);
	puts("stopped");
	return 0;
}
