/* SPDX-License-Identifier: MIT */
/*
 * fuzz_cni.c - libFuzzer target over what portlic-cni reads: environment and stdin of a call, the agent's file
 * of selected namespaces, configurations of others. The first byte says which.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "call.h"
#include "cni_selection.h"
#include "conf.h"
#include "conflist.h"
#include "decide.h"
#include "result.h"
#include "version.h"

#define MUST(condition)                                                                            \
	do {                                                                                       \
		if (!(condition))                                                                  \
			abort();                                                                   \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Lines NAME=VALUE, each ended by a NUL for the time being. */
static const char *in_lines(void *arg, const char *name)
{
	size_t len = strlen(name);

	for (const char *line = arg; *line; line += strlen(line) + 1)
		if (!strncmp(line, name, len) && line[len] == '=')
			return line + len + 1;
	return NULL;
}

static void must_explain(const struct cni_error *error)
{
	char *text = cni_error_text(error, NULL);
	struct fault f;
	cJSON *root = NULL;

	MUST(error->code && error->message.text[0] && text);
	MUST(!json_parse_object("error", text, strlen(text), &root, &f));
	cJSON_Delete(root);
	free(text);
}

static void read_call(char *text, size_t len)
{
	struct cni_error error = {0};
	struct cni_call call = {0};

	for (size_t i = 0; i < len; i++)
		if (text[i] == '\n')
			text[i] = '\0';
	if (cni_call_read(in_lines, text, &call, &error)) {
		MUST(error.code == CNI_BAD_ENVIRONMENT);
		must_explain(&error);
		MUST(!call.container && !call.name);
		return;
	}
	MUST(call.command != CNI_ADD || (call.container && call.netns && call.ifname));
	MUST(!call.namespace ||
	     (strlen(call.namespace) <= CNI_NAMESPACE_MAX && !strchr(call.namespace, '/')));
	MUST(!call.netns || call.netns[0] == '/');
	cni_call_free(&call);
}

static void read_conf(const char *text, size_t len)
{
	static const enum cni_command commands[] = {CNI_ADD, CNI_DEL, CNI_GC};
	const struct cni_call call = {.namespace = "shop"};

	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++) {
		struct cni_error error = {0};
		struct cni_conf conf;

		if (cni_conf_read(commands[i], text, len, &conf, &error)) {
			must_explain(&error);
			cni_conf_free(&conf);
			continue;
		}
		MUST(conf.socket[0] == '/' && conf.selection[0] == '/');
		cni_may_be_selected(&call, &conf, NULL);
		for (size_t v = 0; conf.previous && cni_versions[v]; v++) {
			char *result = cni_result_text(conf.previous, cni_versions[v]);
			struct fault f;
			cJSON *root = NULL;

			MUST(result);
			MUST(!conflist_read("result", result, strlen(result), &root, &f));
			MUST(!strcmp(json_get(root, "cniVersion")->valuestring, cni_versions[v]));
			cJSON_Delete(root);
			free(result);
		}
		cni_conf_free(&conf);
	}
}

/* Whatever it says of a namespace, a list that says more says the same. */
static void read_selection(const char *text, size_t len)
{
	struct cni_said said, none;
	struct fault f = {0};

	if (cni_selection_read(text, len, "shop", &said, &f)) {
		MUST(f.text[0]);
		return;
	}
	MUST(said.selected < CNI_N_SELECTED);
	MUST(!cni_selection_read(text, len, NULL, &none, &f) && none.gates == said.gates);
}

/* In and out again is as it was, unless an entry of ours was there. */
static void read_conflist(const char *text, size_t len)
{
	const struct conflist_entry entry = {.fail = "closed"};
	cJSON *root = NULL, *before, *list = NULL;
	struct fault f = {0};
	bool had;

	if (conflist_read("fuzz", text, len, &root, &f)) {
		MUST(f.text[0] && !root);
		return;
	}
	had = conflist_has(root);
	before = cJSON_Duplicate(root, 1);
	if (!conflist_chain(root, &entry, &f)) {
		MUST(conflist_has(root));
		conflist_unchain(root);
		MUST(!conflist_has(root));
	}
	MUST(had || cJSON_Compare(before, root, 1));
	if (!conflist_wrap(before, "10-x.conf", &entry, &list, &f))
		MUST(conflist_has(list) && conflist_wraps(list));
	cJSON_Delete(list);
	cJSON_Delete(before);
	cJSON_Delete(root);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t len = size ? size - 1 : 0;
	char *rest;

	if (!size || !strchr("ECSL", data[0]) || !data[0])
		return -1;
	/* A copy of the exact size: a read past the end is ASan's. An environment ends with two NULs. */
	rest = calloc(len + (data[0] == 'E' ? 2 : !len), 1);
	MUST(rest);
	memcpy(rest, data + 1, len);
	switch (data[0]) {
	case 'E':
		read_call(rest, len);
		break;
	case 'C':
		read_conf(rest, len);
		break;
	case 'S':
		read_selection(rest, len);
		break;
	case 'L':
		read_conflist(rest, len);
		break;
	}
	free(rest);
	return 0;
}
