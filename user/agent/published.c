/* SPDX-License-Identifier: MIT */
/* published.c - writes and removes files that others read. */
#include "published.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "cleanup.h"
#include "file.h"

#define DIR_MODE 0755
#define FILE_MODE 0444
#define NAME_LEN 256

/* Whatever the umask is. */
static int make_open(const char *dir)
{
	if (mkdir(dir, DIR_MODE))
		return -errno;
	return chmod(dir, DIR_MODE) ? -errno : 0;
}

static void make_directory(const char *dir)
{
	_free_ char *parent = strdup(dir);
	char *slash = parent ? strrchr(parent, '/') : NULL;

	if (make_open(dir) != -ENOENT || !slash || slash == parent)
		return;
	*slash = '\0';
	make_open(parent);
	make_open(dir);
}

/* A directory that somebody else can write to could be swapped under our hands. */
static int open_own(int at, const char *name, const char *path, struct fault *f)
{
	_close_ int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (fd < 0 && (errno == ELOOP || errno == ENOTDIR))
		return fault_set(f, ENOTDIR,
				 "\"%s\" is no directory of its own (a symbolic link isn't "
				 "followed): remove it",
				 path);
	if (fd < 0 || fstat(fd, &st))
		return fault_set(f, errno, "can't open \"%s\": %s", path, strerror(errno));
	if (st.st_uid != geteuid() || st.st_mode & (S_IWGRP | S_IWOTH))
		return fault_set(f, EPERM,
				 "\"%s\" can be changed by others: make it root's, with mode 0755",
				 path);
	return TAKE_FD(fd);
}

static int open_gate(int dir_fd, const char *dir, const char *name, struct fault *f)
{
	_close_ int fd = -1;
	char path[NAME_LEN];

	snprintf(path, sizeof(path), "%.150s/%.100s", dir, name);
	if (mkdirat(dir_fd, name, DIR_MODE) && errno != EEXIST)
		return fault_set(f, errno, "can't make \"%s\": %s", path, strerror(errno));
	fd = open_own(dir_fd, name, path, f);
	if (fd < 0)
		return fd;
	if (fchmod(fd, DIR_MODE)) /* whatever the umask was */
		return fault_set(f, errno, "can't chmod \"%s\": %s", path, strerror(errno));
	return TAKE_FD(fd);
}

/* Its first name lies beside the directories, whose names never begin with a dot. */
static int replace(int dir_fd, int gate_fd, const char *aside, const char *file, const char *text,
		   size_t len)
{
	_close_ int fd = -1;
	int err;

	unlinkat(dir_fd, aside, 0);
	fd = openat(dir_fd, aside, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0400);
	if (fd < 0)
		return -errno;
	err = file_write_all(fd, text, len);
	if (!err && (fchmod(fd, FILE_MODE) || renameat(dir_fd, aside, gate_fd, file)))
		err = -errno;
	if (err)
		unlinkat(dir_fd, aside, 0);
	return err;
}

int published_write(const char *dir, const char *within, const char *name, const char *file,
		    const char *text, size_t len, struct fault *f)
{
	_close_ int dir_fd = -1, within_fd = -1, gate_fd = -1;
	char aside[NAME_LEN];
	int err;

	make_directory(dir);
	dir_fd = open_own(AT_FDCWD, dir, dir, f);
	if (dir_fd < 0)
		return dir_fd;
	if (within) {
		within_fd = open_gate(dir_fd, dir, within, f);
		if (within_fd < 0)
			return within_fd;
	}
	gate_fd = open_gate(within ? within_fd : dir_fd, dir, name, f);
	if (gate_fd < 0)
		return gate_fd;
	snprintf(aside, sizeof(aside), ".%.200s.new",
		 name); /* a pod's name may have 253 characters */
	err = replace(dir_fd, gate_fd, aside, file, text, len);
	if (!err)
		return 0;
	return fault_set(f, -err, "can't write \"%s/%s/%s\": %s", dir, name, file, strerror(-err));
}

static int remove_below(int dir_fd, const char *dir, const char *name, const char *file,
			struct fault *f)
{
	_close_ int gate_fd = -1;

	gate_fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (gate_fd < 0 && errno == ENOENT)
		return 0;
	if (gate_fd >= 0 && unlinkat(gate_fd, file, 0) && errno != ENOENT)
		return fault_set(f, errno, "can't remove \"%s/%s/%s\": %s", dir, name, file,
				 strerror(errno));
	if (gate_fd < 0 || unlinkat(dir_fd, name, AT_REMOVEDIR))
		return fault_set(f, errno, "can't remove \"%s/%s\": %s", dir, name,
				 strerror(errno));
	return 0;
}

int published_remove(const char *dir, const char *within, const char *name, const char *file,
		     struct fault *f)
{
	_close_ int dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	_close_ int within_fd = -1;
	int err;

	if (dir_fd >= 0 && within)
		within_fd = openat(dir_fd, within, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir_fd < 0 || (within && within_fd < 0))
		return errno == ENOENT
			       ? 0
			       : fault_set(f, errno, "can't open \"%s\": %s", dir, strerror(errno));
	err = remove_below(within ? within_fd : dir_fd, dir, name, file, f);
	if (within)
		unlinkat(dir_fd, within, AT_REMOVEDIR); /* unless there are others in it */
	return err;
}
