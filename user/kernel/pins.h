/* SPDX-License-Identifier: MIT */
/* pins.h - names in the bpf file system, and the links and maps behind them. */
#ifndef PORTLIC_PINS_H
#define PORTLIC_PINS_H

#include <stdbool.h>
#include <stdint.h>

#include "cleanup.h"
#include "fault.h"

/* Tells a bpf file system from others. -ENODEV, with the remedy, unless dir or its parent is one. */
int pins_check(const char *dir, struct fault *f);
int pins_mkdir(const char *dir, struct fault *f); /* 0 if it is there already */

/* "dir/name" as a new string, the name's dots as '+'; NULL: no memory. */
char *pins_path(const char *dir, const char *name);

/* Descriptor of what is pinned at dir/name, or -errno. */
int pins_get(const char *dir, const char *name);

/* Pins fd at dir/name; a stale pin of that name makes way. */
int pins_put(int fd, const char *dir, const char *name, struct fault *f);
void pins_drop(const char *dir, const char *name);
int pins_rename(const char *dir, const char *from, const char *to);

struct pins_link {
	uint32_t id, prog_id;
	uint64_t cgroup; /* id (cgroup links) */
	uint32_t
		target; /* interface index (tcx), inode (namespace); 0: attached to nothing any more */
};
int pins_link_info(int fd, struct pins_link *info);

/* Detaches the link at once, whoever else holds it, closes it and removes its pin. */
void pins_detach(int *fd, const char *dir, const char *name);

/* Calls each() for the entries of dir, last name first, until one fails; 0 if there is no dir. */
int pins_each(const char *dir, int (*each)(const char *dir, const char *name, void *data),
	      void *data);

/* Detaches every link pinned in dir, removes all pins, then dir. */
int pins_remove_dir(const char *dir, struct fault *f);

#endif
