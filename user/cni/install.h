/* SPDX-License-Identifier: MIT */
/* install.h - portlic-cni install, portlic-cni uninstall. */
#ifndef PORTLIC_CNI_INSTALL_H
#define PORTLIC_CNI_INSTALL_H

#include <stdbool.h>

#include "conflist.h"

struct install {
	const char *bin, *conf; /* directories of the runtime */
	const char *lib;	/* NULL: this program as it is */
	const char *cache;	/* libcni's, NULL: CACHED_DIR */
	bool watch, force;
	struct conflist_entry entry;
};

/* The exit status: 0, 1 refused or I/O. What was done goes to stderr. */
int install_run(const struct install *install);

/* The program stays as long as containers need it to end (cached.h), unless forced. */
int uninstall_run(const struct install *install);

/* Puts back what others take out, until SIGTERM or SIGINT. */
int install_watch(const struct install *install);

/* One round: 0 all is in place, changed or not; -errno and why. quiet: says only what it changed. */
int install_once(const struct install *install, bool quiet, struct fault *f);

#endif
