/* SPDX-License-Identifier: MIT */
/* notify_target.c - reads `notify` strictly. */
#include "notify_target.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "url.h"

#define PATH_BYTES 4096
#define MAX_ARGUMENTS 64
#define MAX_EVENTS 64
#define EVENT_BYTES 64

static const char *const keys[] = {"exec",    "webhook", "ca",	   "token_file",
				   "timeout", "tries",	 "events", NULL};

/* What becomes of a right, and what the operator has to see to. */
static const char *const default_events[] = {
	"license_state",	"license_ends",
	"license_rejected",	"license_withdrawn",
	"license_equivocation", "license_renew_ahead",
	"clock_suspect",	"clock_reset",
	"state_lost",		"gate_mode",
	"break_glass*",		"trial_*",
	"rehearsal_*",		"pull_rejected",
	"attachment_lost",	"attachment_outranked",
	"gate_overridden",	"shield_*",
	"seats_lost",		"seats_exhausted",
};

static void free_members(struct notify_target *target)
{
	json_free_strings(target->argv, target->n_argv);
	json_free_strings(target->events, target->n_events);
	free(target->webhook);
	free(target->ca);
	free(target->token_file);
}

void notify_targets_free(struct notify_targets *targets)
{
	for (size_t i = 0; i < targets->n; i++)
		free_members(&targets->list[i]);
	free(targets->list);
	*targets = (struct notify_targets){0};
}

static bool matches(const char *pattern, const char *event)
{
	size_t len = strlen(pattern);

	if (len && pattern[len - 1] == '*')
		return !strncmp(pattern, event, len - 1);
	return !strcmp(pattern, event);
}

bool notify_target_hears(const struct notify_target *target, const char *event)
{
	size_t i;

	if (target->events) {
		for (i = 0; i < target->n_events; i++)
			if (matches(target->events[i], event))
				return true;
		return false;
	}
	for (i = 0; i < ARRAY_SIZE(default_events); i++)
		if (matches(default_events[i], event))
			return true;
	return false;
}

static int read_exec(const cJSON *item, struct notify_target *out, struct fault *f)
{
	int err = json_strings(item, "exec", 1, MAX_ARGUMENTS, 0, PATH_BYTES, &out->argv,
			       &out->n_argv, f);

	if (err)
		return err;
	if (out->argv[0][0] != '/')
		return fault_set(f, EINVAL,
				 "\"exec\" must begin with the absolute path of the executable, "
				 "not \"%.64s\"",
				 out->argv[0]);
	if (json_get(item, "ca") || json_get(item, "token_file"))
		return fault_set(f, EINVAL,
				 "\"ca\" and \"token_file\" belong to a \"webhook\"; remove them");
	return 0;
}

static int read_webhook(const cJSON *item, struct notify_target *out, struct fault *f)
{
	const char *text = NULL;
	struct fault why = {0};
	struct url url;
	int err = json_string(item, "webhook", 1, URL_MAX_BYTES, &text, f);

	if (err)
		return err;
	err = url_parse(text, &url, &why);
	if (err)
		return fault_set(f, EINVAL, "\"webhook\" %s", why.text);
	if (!url.https && !url.loopback)
		return fault_set(f, EINVAL,
				 "\"webhook\" must begin with https://; http:// is for 127.0.0.1, "
				 "[::1] and localhost only");
	out->plain_http = !url.https;
	out->webhook = strdup(text);
	if (!out->webhook)
		return fault_set(f, ENOMEM, "out of memory");
	err = json_path(item, "ca", &out->ca, f);
	return err ? err : json_path(item, "token_file", &out->token_file, f);
}

static int read_events(const cJSON *item, struct notify_target *out, struct fault *f)
{
	size_t i;
	int err = json_strings(item, "events", 1, MAX_EVENTS, 1, EVENT_BYTES, &out->events,
			       &out->n_events, f);

	if (err)
		return err;
	for (i = 0; i < out->n_events; i++) {
		const char *word = out->events[i];
		size_t n = strspn(word, "abcdefghijklmnopqrstuvwxyz0123456789_");

		if (strcmp(word + n, "") && strcmp(word + n, "*"))
			return fault_set(f, EINVAL,
					 "\"events\"[%zu] must be an event's name or a beginning "
					 "that ends with \"*\", not \"%s\"",
					 i, word);
	}
	return 0;
}

static int read_target(const cJSON *item, struct notify_target *out, struct fault *f)
{
	int err = json_keys(item, keys, f);

	if (err)
		return err;
	if (!json_get(item, "exec") == !json_get(item, "webhook"))
		return fault_set(f, EINVAL, "give either \"exec\" or \"webhook\"");
	err = json_get(item, "exec") ? read_exec(item, out, f) : read_webhook(item, out, f);
	out->timeout_s = NOTIFY_TIMEOUT_S;
	if (!err)
		err = json_int(item, "timeout", 1, 600, &out->timeout_s, f);
	out->tries = NOTIFY_TRIES;
	if (!err)
		err = json_int(item, "tries", 1, 1000, &out->tries, f);
	return err ? err : read_events(item, out, f);
}

static void set_label(struct notify_targets *targets, struct notify_target *target)
{
	struct url url;
	size_t i, same = 0, len;

	if (target->argv)
		snprintf(target->label, sizeof(target->label), "exec %.128s", target->argv[0]);
	else if (!url_parse(target->webhook, &url, NULL))
		snprintf(target->label, sizeof(target->label), "webhook %.*s",
			 url.origin < 128 ? (int)url.origin : 128, target->webhook);
	len = strlen(target->label);
	for (i = 0; i + 1 < targets->n; i++) {
		const char *other = targets->list[i].label;

		same += !strncmp(other, target->label, len) && strchr(" ", other[len]) != NULL;
	}
	if (same)
		snprintf(target->label + len, sizeof(target->label) - len, " #%zu", same + 1);
}

static int take_target(const cJSON *item, void *arg, struct fault *f)
{
	struct notify_targets *targets = arg;
	struct notify_target *target = &targets->list[targets->n++];
	int err = read_target(item, target, f);

	if (!err)
		set_label(targets, target);
	return err;
}

int notify_targets_read(const cJSON *root, struct notify_targets *out, struct fault *f)
{
	struct notify_targets targets = {0};
	const cJSON *array = NULL;
	int err = json_list(root, "notify", NOTIFY_MAX_TARGETS, &array, f);

	if (err || !array)
		return err;
	targets.list = calloc((size_t)cJSON_GetArraySize(array) + 1, sizeof(*targets.list));
	if (!targets.list)
		return fault_set(f, ENOMEM, "out of memory");
	err = json_objects("notify", array, take_target, &targets, f);
	if (err)
		notify_targets_free(&targets);
	else
		*out = targets;
	return err;
}
