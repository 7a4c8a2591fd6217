/* SPDX-License-Identifier: MIT */
/*
 * programs.c - files come by rename; a set of libraries is a directory that is never changed, and the link to
 * it is what is replaced.
 */
#include "programs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "cleanup.h"
#include "files.h"

#define LIBS_PREFIX PROGRAM_LIBS "-"

static void free_dir(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}
#define _dir_ _cleanup_(free_dir)

static char *join(const char *dir, const char *name)
{
	char *path;

	return asprintf(&path, "%s/%s", dir, name) < 0 ? NULL : path;
}

static int no_memory(struct fault *f)
{
	return fault_set(f, ENOMEM, "out of memory");
}

/* The next file of a flat directory, NULL: no more. */
static const char *next_file(DIR *dir)
{
	struct dirent *entry;

	while ((entry = readdir(dir)))
		if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
			return entry->d_name;
	return NULL;
}

static int copy_all(const char *from, const char *to, struct fault *f)
{
	_dir_ DIR *dir = opendir(from);
	const char *name;
	int err = 0;

	if (!dir)
		return fault_set(f, errno, "can't read \"%s\": %s", from, strerror(errno));
	if (mkdir(to, 0755) && errno != EEXIST)
		return fault_set(f, errno, "can't make \"%s\": %s", to, strerror(errno));
	while (err >= 0 && (name = next_file(dir))) {
		_free_ char *source = join(from, name), *target = join(to, name);

		err = source && target ? files_copy(source, target, 0755, f) : no_memory(f);
	}
	return err < 0 ? err : 0;
}

/* Whether `to` has the same files with the same bytes. */
static bool has_all(const char *from, const char *to)
{
	_dir_ DIR *dir = opendir(from), *other = opendir(to);
	const char *name;
	int n = 0;

	if (!dir || !other)
		return false;
	while ((name = next_file(dir))) {
		_free_ char *source = join(from, name), *target = join(to, name);
		_free_ char *a = NULL, *b = NULL;
		size_t n_a = 0, n_b = 0;

		if (!source || !target || files_read(source, FILES_PROGRAM_MAX, &a, &n_a, NULL) ||
		    files_read(target, FILES_PROGRAM_MAX, &b, &n_b, NULL) || n_a != n_b ||
		    memcmp(a, b, n_a) != 0)
			return false;
		n++;
	}
	while (next_file(other))
		n--;
	return !n;
}

static void remove_flat(const char *path)
{
	_dir_ DIR *dir = opendir(path);
	const char *name;

	while (dir && (name = next_file(dir)))
		unlinkat(dirfd(dir), name, 0);
	rmdir(path);
}

/* All sets of libraries but the two (names, NULL: none). */
static void remove_others(const char *bin, const char *keep, const char *keep_too)
{
	_dir_ DIR *dir = opendir(bin);
	const char *name;

	while (dir && (name = next_file(dir))) {
		_free_ char *path = NULL;

		if (strncmp(name, LIBS_PREFIX, strlen(LIBS_PREFIX)) != 0 ||
		    (keep && !strcmp(name, keep)) || (keep_too && !strcmp(name, keep_too)))
			continue;
		path = join(bin, name);
		if (path)
			remove_flat(path);
	}
}

static int point(const char *link, const char *to, struct fault *f)
{
	_free_ char *aside = NULL;

	if (asprintf(&aside, "%s.new", link) < 0) {
		aside = NULL;
		return no_memory(f);
	}
	unlink(aside);
	if (symlink(to, aside) || rename(aside, link))
		return fault_set(f, errno, "can't make \"%s\": %s", link, strerror(errno));
	return 0;
}

static int libraries_in(const char *bin, const char *lib, struct fault *f)
{
	_free_ char *link = join(bin, PROGRAM_LIBS), *name = NULL, *path = NULL;
	char before[256] = "";
	struct timespec now;
	ssize_t len;
	int err;

	if (!link)
		return no_memory(f);
	if (has_all(lib, link))
		return 1;
	len = readlink(link, before, sizeof(before) - 1);
	before[len < 0 ? 0 : len] = '\0';
	clock_gettime(CLOCK_REALTIME, &now);
	if (asprintf(&name, LIBS_PREFIX "%lld%09ld", (long long)now.tv_sec, now.tv_nsec) < 0)
		name = NULL;
	path = name ? join(bin, name) : NULL;
	if (!path)
		return no_memory(f);
	err = copy_all(lib, path, f);
	if (!err)
		err = point(link, name, f);
	if (err)
		remove_flat(path);
	else
		remove_others(bin, name, before);
	return err;
}

int programs_in(const char *bin, const char *lib, struct fault *f)
{
	_free_ char *program = join(bin, PROGRAM_NAME), *launcher = NULL;
	int libs = 1, err;

	if (!program)
		return no_memory(f);
	if (!lib)
		return files_copy("/proc/self/exe", program, 0755, f);
	launcher = join(lib, PROGRAM_LAUNCHER);
	if (!launcher)
		return no_memory(f);
	if (access(launcher, R_OK))
		return fault_set(f, errno,
				 "there is no \"%s\": %s; --lib takes a directory that "
				 "deploy/cni-bundle made",
				 launcher, strerror(errno));
	libs = libraries_in(bin, lib, f);
	if (libs < 0)
		return libs;
	err = files_copy(launcher, program, 0755, f);
	return err < 0 ? err : err & libs;
}

int programs_out(const char *bin, struct fault *f)
{
	static const char *const names[] = {PROGRAM_NAME, PROGRAM_LIBS};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		_free_ char *path = join(bin, names[i]);

		if (!path)
			return no_memory(f);
		if (unlink(path) && errno != ENOENT)
			return fault_set(f, errno, "can't remove \"%s\": %s", path,
					 strerror(errno));
	}
	remove_others(bin, NULL, NULL);
	return 0;
}
