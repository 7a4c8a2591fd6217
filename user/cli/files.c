/* SPDX-License-Identifier: MIT */
/* files.c - whole files, read once into one buffer. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sodium.h>

#include "cleanup.h"
#include "files.h"

/* Reads until the end or until size bytes are there; their number or -errno. */
static ssize_t read_all(int fd, char *to, size_t size)
{
	size_t len = 0;

	while (len < size) {
		ssize_t n = read(fd, to + len, size - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		len += (size_t)n;
	}
	return (ssize_t)len;
}

int file_read(const char *path, size_t max, struct buffer *out, struct failure *why)
{
	bool in = !strcmp(path, "-");
	_close_ int opened = in ? -1 : open(path, O_RDONLY | O_CLOEXEC);
	_buffer_ struct buffer buffer = {};
	ssize_t n;

	if (!in && opened < 0)
		return fail(why, EXIT_USAGE, "can't open \"%s\": %m", path);
	buffer.bytes = malloc(max + 2);
	if (!buffer.bytes)
		return fail(why, EXIT_USAGE, "out of memory");
	n = read_all(in ? STDIN_FILENO : opened, buffer.bytes, max + 1);
	if (n < 0)
		return fail(why, EXIT_USAGE, "can't read \"%s\": %s", path, strerror((int)-n));
	buffer.len = (size_t)n;
	buffer.bytes[n] = '\0';
	*out = buffer;
	buffer.bytes = NULL;
	return 0;
}

void buffer_free(struct buffer *buffer)
{
	if (buffer->bytes)
		sodium_memzero(buffer->bytes, buffer->len); /* it may be a private key */
	free(buffer->bytes);
	buffer->bytes = NULL;
}

static int write_all(int fd, const char *text, size_t len)
{
	while (len) {
		ssize_t n = write(fd, text, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		text += n;
		len -= (size_t)n;
	}
	return fsync(fd) ? -errno : 0;
}

int file_create(const char *path, int mode, const char *text, struct failure *why)
{
	_close_ int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
	int r;

	if (fd < 0 && errno == EEXIST)
		return fail(
			why, EXIT_USAGE,
			"\"%s\" is there already and is never overwritten; choose another --out",
			path);
	if (fd < 0)
		return fail(why, EXIT_USAGE, "can't make \"%s\": %m", path);
	r = write_all(fd, text, strlen(text));
	if (r) {
		unlink(path);
		return fail(why, EXIT_USAGE, "can't write \"%s\": %s", path, strerror(-r));
	}
	return 0;
}

const char *file_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}
