/* SPDX-License-Identifier: MIT */
/* cached.h - calls that are still to come: what libcni keeps of each network that it set up. */
#ifndef PORTLIC_CNI_CACHED_H
#define PORTLIC_CNI_CACHED_H

#include <stddef.h>

#define CACHED_DIR "/var/lib/cni" /* libcni's own default; the files are in results/ below it */

/*
 * How many running containers were set up through a chain with portlic-cni in it. CRI-O and podman call that
 * chain again when they end, whatever the configuration says by then, and without the program their DEL fails
 * and takes nothing down. 0 also where the directory isn't there.
 */
size_t cached_users(const char *dir);

#endif
