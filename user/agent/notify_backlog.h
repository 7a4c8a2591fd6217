/* SPDX-License-Identifier: MIT */
/* notify_backlog.h - events that weren't delivered when the agent ended, for the next start. */
#ifndef PORTLIC_AGENT_NOTIFY_BACKLOG_H
#define PORTLIC_AGENT_NOTIFY_BACKLOG_H

#include "notify.h"

/* Writes STATE_DIR/notify.json, or removes it when nothing waits. -errno */
int notify_backlog_save(const char *state_dir, const struct notify *notify, struct fault *f);

/* Calls take for each event, in order, and removes the file. A file that can't be read: -errno. */
int notify_backlog_load(const char *state_dir,
			void (*take)(void *arg, const char *label, const char *event,
				     const char *json),
			void *arg, struct fault *f);

#endif
