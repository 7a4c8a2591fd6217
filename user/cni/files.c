/* SPDX-License-Identifier: MIT */
/* files.c - capped reads, replacement by rename. */
#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "cleanup.h"

#define FIRST_READ 16384

int files_read_fd(int fd, size_t max, char **out, size_t *len, struct fault *f)
{
	size_t room = FIRST_READ, have = 0;
	_free_ char *bytes = malloc(room);
	ssize_t got;

	if (!bytes)
		return fault_set(f, ENOMEM, "out of memory");
	while ((got = read(fd, bytes + have, room - have - 1)) != 0) {
		char *grown;

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return fault_set(f, errno, "%s", strerror(errno));
		have += (size_t)got;
		if (have > max)
			return fault_set(f, EFBIG, "it has more than %zu bytes", max);
		if (have + 1 < room)
			continue;
		grown = realloc(bytes, 2 * room);
		if (!grown)
			return fault_set(f, ENOMEM, "out of memory");
		bytes = grown;
		room *= 2;
	}
	bytes[have] = '\0';
	*out = TAKE_PTR(bytes);
	*len = have;
	return 0;
}

int files_read(const char *path, size_t max, char **out, size_t *len, struct fault *f)
{
	_close_ int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st))
		return fault_set(f, errno, "%s", strerror(errno));
	if (!S_ISREG(st.st_mode))
		return fault_set(f, EINVAL, "it isn't a regular file");
	return files_read_fd(fd, max, out, len, f);
}

int files_write_all(int fd, const void *bytes, size_t len)
{
	const char *at = bytes;

	while (len) {
		ssize_t put = write(fd, at, len);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return -errno;
		at += put;
		len -= (size_t)put;
	}
	return 0;
}

int files_replace(const char *path, const void *bytes, size_t len, mode_t mode, struct fault *f)
{
	const char *slash = strrchr(path, '/');
	_free_ char *aside = NULL;
	_close_ int fd = -1;
	int err;

	if (asprintf(&aside, "%.*s.portlic-%d.new", (int)(slash - path + 1), path, (int)getpid()) <
	    0) {
		aside = NULL;
		return fault_set(f, ENOMEM, "out of memory");
	}
	unlink(aside);
	fd = open(aside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	if (fd < 0)
		return fault_set(f, errno, "can't write \"%s\": %s", path, strerror(errno));
	err = files_write_all(fd, bytes, len);
	if (!err && (fchmod(fd, mode) || fsync(fd)))
		err = -errno;
	cleanup_close(&fd);
	fd = -1; /* before the rename: no runtime executes what is open for writing */
	if (!err && rename(aside, path))
		err = -errno;
	if (!err)
		return 0;
	unlink(aside);
	return fault_set(f, -err, "can't write \"%s\": %s", path, strerror(-err));
}

int files_copy(const char *from, const char *to, mode_t mode, struct fault *f)
{
	_free_ char *bytes = NULL, *old = NULL;
	size_t len = 0, old_len = 0;
	struct fault why = {0};
	struct stat st;

	if (files_read(from, FILES_PROGRAM_MAX, &bytes, &len, &why))
		return fault_set(f, EIO, "can't read \"%s\": %s", from, why.text);
	if (!lstat(to, &st) && S_ISREG(st.st_mode) && (st.st_mode & 07777) == mode &&
	    (size_t)st.st_size == len && !files_read(to, FILES_PROGRAM_MAX, &old, &old_len, NULL) &&
	    old_len == len && !memcmp(old, bytes, len))
		return 1;
	return files_replace(to, bytes, len, mode, f);
}
