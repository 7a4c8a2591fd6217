/* SPDX-License-Identifier: MIT */
/* file.h - whole files in, whole files out. */
#ifndef PORTLIC_AGENT_FILE_H
#define PORTLIC_AGENT_FILE_H

#include <stddef.h>

#include "fault.h"

/*
 * Reads a regular file of at most `max` bytes; symlinks are followed. *out is the caller's. -EFBIG:
 * it is larger; -EINVAL: it isn't a regular file; else -errno. The fault says why, not which file.
 */
int file_read(const char *path, size_t max, void **out, size_t *len, struct fault *f);

/* The file is wholly the old or wholly the new one, after a power cut too. mode as of chmod(2). */
int file_replace(const char *path, const void *bytes, size_t len, unsigned int mode,
		 struct fault *f);

/*
 * What can't be read is moved to PATH.bad, for whoever wants to see it. In words: "it was moved to", or that it
 * can't be.
 */
const char *file_set_aside(const char *path);

/* Writes all of it. 0 or -errno. */
int file_write_all(int fd, const void *buf, size_t len);

/*
 * Locks an open file or directory for this process, for as long as the descriptor is open. A process
 * that was killed holds its locks until it is all gone: so this waits for up to 2 s. -EWOULDBLOCK:
 * somebody else has it.
 */
int file_lock(int fd);

#endif
