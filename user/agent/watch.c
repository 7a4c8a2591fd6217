/* SPDX-License-Identifier: MIT */
/* watch.c - inotify by libuv, debounced, and renewed when a directory is replaced. */
#include "watch.h"

#include <stdbool.h>
#include <sys/stat.h>

static void on_event(uv_fs_event_t *event, const char *name, int events, int status)
{
	watch_soon(event->data);
}

/* A directory that came, went or was replaced needs a new inotify watch. true: one did. */
static bool attend(struct watch *watch)
{
	bool renewed = false;
	size_t i;

	for (i = 0; i < watch->n_dirs; i++) {
		struct stat st;
		ino_t inode = stat(watch->dirs[i], &st) ? 0 : st.st_ino;

		if (inode == watch->inodes[i])
			continue;
		uv_fs_event_stop(&watch->events[i]);
		watch->inodes[i] = 0;
		if (inode && !uv_fs_event_start(&watch->events[i], on_event, watch->dirs[i], 0))
			watch->inodes[i] = inode;
		renewed = true;
	}
	return renewed;
}

static void on_debounced(uv_timer_t *timer)
{
	struct watch *watch = timer->data;

	attend(watch);
	watch->changed(watch->arg);
}

static void on_look(uv_timer_t *timer)
{
	struct watch *watch = timer->data;

	if (attend(watch) || ++watch->looks % WATCH_RESCAN == 0)
		watch->changed(watch->arg);
}

void watch_soon(struct watch *watch)
{
	uv_handle_t *debounce = (uv_handle_t *)&watch->debounce;

	if (!uv_is_active(debounce) && !uv_is_closing(debounce))
		uv_timer_start(&watch->debounce, on_debounced, WATCH_DEBOUNCE_MS, 0);
}

void watch_start(struct watch *watch, uv_loop_t *loop, const char *const *dirs, size_t n_dirs,
		 void (*changed)(void *arg), void *arg)
{
	size_t i;

	*watch = (struct watch){.n_dirs = n_dirs, .changed = changed, .arg = arg};
	for (i = 0; i < n_dirs; i++) {
		watch->dirs[i] = dirs[i];
		uv_fs_event_init(loop, &watch->events[i]);
		watch->events[i].data = watch;
	}
	uv_timer_init(loop, &watch->debounce);
	uv_timer_init(loop, &watch->look);
	watch->debounce.data = watch;
	watch->look.data = watch;
	attend(watch);
	uv_timer_start(&watch->look, on_look, WATCH_LOOK_MS, WATCH_LOOK_MS);
}

void watch_stop(struct watch *watch)
{
	size_t i;

	for (i = 0; i < watch->n_dirs; i++)
		uv_close((uv_handle_t *)&watch->events[i], NULL);
	uv_close((uv_handle_t *)&watch->debounce, NULL);
	uv_close((uv_handle_t *)&watch->look, NULL);
}
