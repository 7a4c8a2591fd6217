/* SPDX-License-Identifier: MIT */
/* watch.h - calls back soon after a directory changed, and now and then in any case. */
#ifndef PORTLIC_AGENT_WATCH_H
#define PORTLIC_AGENT_WATCH_H

#include <uv.h>

#define WATCH_DEBOUNCE_MS 50 /* a burst of events is one change */
#define WATCH_LOOK_MS 1000   /* is it the directory that is watched? */
#define WATCH_RESCAN 10	     /* looks: what no event tells, symlinks to elsewhere, network mounts */
#define WATCH_MAX_DIRS 3

struct watch {
	uv_fs_event_t events[WATCH_MAX_DIRS];
	const char *dirs[WATCH_MAX_DIRS];
	ino_t inodes[WATCH_MAX_DIRS]; /* of the directory that is watched, 0: none */
	size_t n_dirs;
	uv_timer_t debounce, look;
	unsigned int looks;
	void (*changed)(void *arg);
	void *arg;
};

void watch_start(struct watch *watch, uv_loop_t *loop, const char *const *dirs, size_t n_dirs,
		 void (*changed)(void *arg), void *arg);
void watch_soon(struct watch *watch); /* as if a directory had changed */
void watch_stop(struct watch *watch);

#endif
