/* SPDX-License-Identifier: MIT */
/* file.c - capped reads; atomic writes by fsync and rename. */
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cleanup.h"

#define LOCK_PAUSE_US 20000
#define LOCK_TRIES 100 /* pauses: 2 s */

int file_read(const char *path, size_t max, void **out, size_t *len, struct fault *f)
{
	_close_ int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	_free_ uint8_t *bytes = NULL;
	struct stat st;
	size_t have = 0;
	ssize_t got;

	if (fd < 0 || fstat(fd, &st))
		return fault_set(f, errno, "%s", strerror(errno));
	if (!S_ISREG(st.st_mode))
		return fault_set(f, EINVAL, "it isn't a regular file");
	if ((uint64_t)st.st_size > max)
		return fault_set(f, EFBIG, "it has %lld bytes, the most is %zu",
				 (long long)st.st_size, max);
	bytes = malloc(max + 1); /* one more than allowed shows that it grows */
	if (!bytes)
		return -ENOMEM;
	while (have <= max && (got = read(fd, bytes + have, max + 1 - have)) != 0) {
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return fault_set(f, errno, "%s", strerror(errno));
		have += got;
	}
	if (have > max)
		return fault_set(f, EFBIG, "it has more than %zu bytes", max);
	*out = realloc(bytes, have ? have : 1);
	if (!*out)
		return -ENOMEM;
	TAKE_PTR(bytes);
	*len = have;
	return 0;
}

int file_write_all(int fd, const void *buf, size_t len)
{
	const uint8_t *bytes = buf;

	while (len) {
		ssize_t put = write(fd, bytes, len);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return -errno;
		bytes += put;
		len -= put;
	}
	return 0;
}

static int sync_directory(const char *path)
{
	_close_ int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 || fsync(fd) ? -errno : 0;
}

int file_replace(const char *path, const void *bytes, size_t len, unsigned int mode,
		 struct fault *f)
{
	const char *name = strrchr(path, '/') + 1;
	_free_ char *dir = strndup(path, name - path), *aside = NULL;
	_close_ int fd = -1;
	int err;

	/* Hidden, so that the scan of a watched directory passes it by. */
	if (!dir || asprintf(&aside, "%s.%s.new", dir, name) < 0)
		return -ENOMEM;
	unlink(aside);
	fd = open(aside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	if (fd < 0)
		return fault_set(f, errno, "can't write \"%s\": %s", path, strerror(errno));
	err = file_write_all(fd, bytes, len);
	if (!err && (fchmod(fd, mode) || fsync(fd) || rename(aside, path)))
		err = -errno;
	if (!err)
		err = sync_directory(dir);
	if (!err)
		return 0;
	unlink(aside);
	return fault_set(f, -err, "can't write \"%s\": %s", path, strerror(-err));
}

const char *file_set_aside(const char *path)
{
	_free_ char *bad = NULL;

	if (asprintf(&bad, "%s.bad", path) < 0)
		bad = NULL;
	return bad && !rename(path, bad) ? "it was moved to" : "it can't be moved to";
}

int file_lock(int fd)
{
	int tries;

	for (tries = LOCK_TRIES; flock(fd, LOCK_EX | LOCK_NB); tries--) {
		if (errno != EWOULDBLOCK || !tries)
			return -errno;
		usleep(LOCK_PAUSE_US);
	}
	return 0;
}
