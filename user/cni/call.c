/* SPDX-License-Identifier: MIT */
/* call.c - CNI_COMMAND, CNI_CONTAINERID, CNI_NETNS, CNI_IFNAME and CNI_ARGS. */
#include "call.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"

#define IFNAME_MAX 15 /* the kernel's IFNAMSIZ - 1 */
#define ARGS_MAX 65536

const char *const cni_commands[] = {"ADD", "CHECK", "DEL", "VERSION", "GC", "STATUS", NULL};

static int no_memory(struct cni_error *error)
{
	return cni_fail(error, CNI_IO, "", "out of memory");
}

static int bad(struct cni_error *error, const char *variable, const char *why)
{
	return cni_fail(error, CNI_BAD_ENVIRONMENT, "this is for the runtime to mend", "%s %s",
			variable, why);
}

/* Letters, digits and what `others` has; a letter or digit first. */
static bool is_word(const char *text, const char *others, size_t max)
{
	size_t len = strlen(text);

	if (!len || len > max || !isalnum((unsigned char)*text))
		return false;
	for (; *text; text++)
		if (!isalnum((unsigned char)*text) && !strchr(others, *text))
			return false;
	return true;
}

static bool is_id(const char *text)
{
	return is_word(text, "_.-", CNI_ID_MAX);
}

static bool is_ifname(const char *text)
{
	size_t len = strlen(text);

	if (!len || len > IFNAME_MAX || !strcmp(text, ".") || !strcmp(text, ".."))
		return false;
	for (; *text; text++)
		if (*text == '/' || *text == ':' || !isgraph((unsigned char)*text))
			return false;
	return true;
}

static bool is_netns(const char *text)
{
	size_t len = strlen(text);

	if (*text != '/' || len > CNI_PATH_MAX)
		return false;
	for (; *text; text++)
		if (iscntrl((unsigned char)*text))
			return false;
	return true;
}

static bool is_namespace(const char *text)
{
	return is_word(text, "-", CNI_NAMESPACE_MAX);
}

static bool is_name(const char *text)
{
	return is_word(text, "_.-", CNI_NAME_MAX);
}

static bool is_uid(const char *text)
{
	return is_word(text, "_.-", CNI_UID_MAX);
}

static int keep(char **out, const char *text, struct cni_error *error)
{
	*out = strdup(text);
	return *out ? 0 : no_memory(error);
}

/* Pods' names come from elsewhere than those of variables: what they are may differ. */
static const struct pair_kind {
	const char *key;
	bool (*good)(const char *text);
	size_t at; /* in struct cni_call; 0: checked and not kept */
} pair_kinds[] = {
	{"K8S_POD_NAMESPACE", is_namespace, offsetof(struct cni_call, namespace)},
	{"K8S_POD_NAME", is_name, offsetof(struct cni_call, name)},
	{"K8S_POD_UID", is_uid, offsetof(struct cni_call, uid)},
	{"K8S_POD_INFRA_CONTAINER_ID", is_id, 0},
};

struct pairs {
	bool ignore_unknown, ignore_said;
	unsigned int seen; /* a bit for each of pair_kinds */
	const char *unknown;
};

static int take_ignore(const char *value, struct pairs *pairs, struct cni_error *error)
{
	if (pairs->ignore_said)
		return bad(error, "CNI_ARGS", "has IgnoreUnknown twice");
	pairs->ignore_said = true;
	pairs->ignore_unknown = !strcasecmp(value, "1") || !strcasecmp(value, "true");
	if (!pairs->ignore_unknown && strcasecmp(value, "0") != 0 &&
	    strcasecmp(value, "false") != 0)
		return bad(error, "CNI_ARGS", "has an IgnoreUnknown that is neither 1 nor 0");
	return 0;
}

static int take_pair(const char *key, const char *value, struct pairs *pairs, struct cni_call *call,
		     struct cni_error *error)
{
	if (!strcmp(key, "IgnoreUnknown"))
		return take_ignore(value, pairs, error);
	for (size_t i = 0; i < ARRAY_SIZE(pair_kinds); i++) {
		const struct pair_kind *kind = &pair_kinds[i];

		if (strcmp(key, kind->key) != 0)
			continue;
		if (pairs->seen & 1U << i)
			return cni_fail(error, CNI_BAD_ENVIRONMENT,
					"this is for the runtime to mend", "CNI_ARGS has %s twice",
					key);
		pairs->seen |= 1U << i;
		if (!*value)
			return 0; /* not said */
		if (!kind->good(value))
			return cni_fail(error, CNI_BAD_ENVIRONMENT,
					"this is for the runtime to mend",
					"CNI_ARGS has a bad %s, \"%.64s\"", key, value);
		return kind->at ? keep((char **)((char *)call + kind->at), value, error) : 0;
	}
	pairs->unknown = key;
	return 0;
}

static int read_args(const char *text, struct cni_call *call, struct cni_error *error)
{
	_free_ char *copy = NULL;
	struct pairs pairs = {0};
	char *rest, *pair, *value;

	if (!text || !*text)
		return 0;
	if (strlen(text) > ARGS_MAX)
		return bad(error, "CNI_ARGS", "is too long");
	copy = strdup(text);
	if (!copy)
		return no_memory(error);
	rest = copy;
	while ((pair = strsep(&rest, ";"))) {
		value = strchr(pair, '=');
		if (!*pair)
			continue; /* a semicolon at the end */
		if (!value || value == pair)
			return cni_fail(error, CNI_BAD_ENVIRONMENT,
					"this is for the runtime to mend",
					"CNI_ARGS has \"%.64s\", which is no KEY=VALUE", pair);
		*value++ = '\0';
		if (take_pair(pair, value, &pairs, call, error))
			return -1;
	}
	if (pairs.unknown && !pairs.ignore_unknown)
		return cni_fail(error, CNI_BAD_ENVIRONMENT, "this is for the runtime to mend",
				"CNI_ARGS has the unknown key \"%.64s\" without IgnoreUnknown=1",
				pairs.unknown);
	return 0;
}

/* The parameters, and which commands can't do without (a bit each). */
static const struct variable {
	const char *name;
	bool (*good)(const char *text);
	size_t at;
	unsigned int needed;
	const char *want;
} variables[] = {
	{"CNI_CONTAINERID", is_id, offsetof(struct cni_call, container),
	 1U << CNI_ADD | 1U << CNI_CHECK | 1U << CNI_DEL,
	 "must be letters, digits, '_', '.' and '-', a letter or digit first"},
	{"CNI_NETNS", is_netns, offsetof(struct cni_call, netns), 1U << CNI_ADD | 1U << CNI_CHECK,
	 "must be an absolute path"},
	{"CNI_IFNAME", is_ifname, offsetof(struct cni_call, ifname),
	 1U << CNI_ADD | 1U << CNI_CHECK | 1U << CNI_DEL, "must be the name of an interface"},
};

static int read_variable(const struct variable *variable, const char *value, struct cni_call *call,
			 struct cni_error *error)
{
	if (!value || !*value) {
		if (variable->needed & 1U << call->command)
			return bad(error, variable->name, "is missing");
		return 0;
	}
	if (!variable->good(value))
		return bad(error, variable->name, variable->want);
	return keep((char **)((char *)call + variable->at), value, error);
}

static int read_command(const char *word, struct cni_call *call, struct cni_error *error)
{
	if (!word || !*word)
		return bad(error, "CNI_COMMAND", "is missing");
	for (int i = 0; cni_commands[i]; i++) {
		if (strcmp(word, cni_commands[i]) != 0)
			continue;
		call->command = i;
		return 0;
	}
	return cni_fail(error, CNI_BAD_ENVIRONMENT, "this is for the runtime to mend",
			"CNI_COMMAND is \"%.32s\", which is no command of CNI 1.1", word);
}

int cni_call_read(cni_getenv *get, void *arg, struct cni_call *out, struct cni_error *error)
{
	struct cni_call call = {0};
	int r = read_command(get(arg, "CNI_COMMAND"), &call, error);

	/* The others have no parameters that matter here, and podman's VERSION has "dummy" for each. */
	if (!r && call.command <= CNI_DEL) {
		for (size_t i = 0; i < ARRAY_SIZE(variables) && !r; i++)
			r = read_variable(&variables[i], get(arg, variables[i].name), &call, error);
		if (!r)
			r = read_args(get(arg, "CNI_ARGS"), &call, error);
	}
	if (r)
		cni_call_free(&call);
	else
		*out = call;
	return r;
}

void cni_call_free(struct cni_call *call)
{
	free(call->container);
	free(call->netns);
	free(call->ifname);
	free(call->namespace);
	free(call->name);
	free(call->uid);
	*call = (struct cni_call){0};
}
