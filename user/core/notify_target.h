/* SPDX-License-Identifier: MIT */
/* notify_target.h - the configuration's `notify`: who hears of which events. Pure. */
#ifndef PORTLIC_NOTIFY_TARGET_H
#define PORTLIC_NOTIFY_TARGET_H

#include <stdbool.h>
#include <stdint.h>

#include "json.h"

#define NOTIFY_MAX_TARGETS 16
#define NOTIFY_TIMEOUT_S 30
#define NOTIFY_TRIES 24 /* 80 minutes of them */
#define NOTIFY_LABEL_MAX 160

struct notify_target {
	char **argv; /* of an executable, ends with NULL; NULL: a webhook */
	size_t n_argv;
	char *webhook;
	bool plain_http;  /* webhook, on this machine only */
	char *ca;	  /* as in struct pull_source */
	char *token_file; /* as in struct pull_source */
	int64_t timeout_s;
	int64_t tries; /* of one event, before it is given up */
	char **events; /* words, or beginnings that end with "*"; NULL: the default ones */
	size_t n_events;
	/* "exec /usr/bin/x", "webhook https://host": for logs and metrics, as a webhook's path may
	 * be its secret; unique among the targets. */
	char label[NOTIFY_LABEL_MAX];
};

struct notify_targets {
	struct notify_target *list;
	size_t n;
};

/* The member `notify` of root; absent, null or false: none. -EINVAL with key and remedy, -ENOMEM. */
int notify_targets_read(const cJSON *root, struct notify_targets *out, struct fault *f);
void notify_targets_free(struct notify_targets *targets);

/* Does it hear of an event of this name? */
bool notify_target_hears(const struct notify_target *target, const char *event);

#endif
