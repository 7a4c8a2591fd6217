/* SPDX-License-Identifier: MIT */
/* files.h - what the plugin and its installer read and write. */
#ifndef PORTLIC_CNI_FILES_H
#define PORTLIC_CNI_FILES_H

#include <stddef.h>
#include <sys/types.h>

#include "fault.h"

#define FILES_PROGRAM_MAX (256U << 20) /* bytes of a library */

/* All of a descriptor up to `max` bytes, and a NUL. -EFBIG, else -errno; the fault says why. */
int files_read_fd(int fd, size_t max, char **out, size_t *len, struct fault *f);

/* A regular file. */
int files_read(const char *path, size_t max, char **out, size_t *len, struct fault *f);

/*
 * The file is wholly the old or wholly the new one. The new one is made beside it, under a name that no
 * runtime takes for a configuration, and renamed: containerd doesn't see what is renamed from elsewhere.
 */
int files_replace(const char *path, const void *bytes, size_t len, mode_t mode, struct fault *f);

/* files_replace with the bytes of another file; 1: it has them and the mode already. */
int files_copy(const char *from, const char *to, mode_t mode, struct fault *f);

int files_write_all(int fd, const void *bytes, size_t len); /* 0 or -errno */

#endif
