/* SPDX-License-Identifier: MIT */
/* group.c - cgroups of the test's own. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "bed.h"
#include "cgrouptree.h"
#include "group.h"

static char *root; /* of the hierarchy */

static const char *path_of(const char *name)
{
	static char paths[4][PATH_MAX];
	static unsigned int at;
	char *path = paths[at++ % 4];

	snprintf(path, sizeof(paths[0]), "%s/portlic-%d%s%s", root, getpid(), *name ? "/" : "",
		 name);
	return path;
}

bool group_init(void)
{
	struct fault f = {0};

	if (cgroup_resolve(".", &root, &f) < 0) {
		printf("1..0 # SKIP %s\n", f.text);
		return false;
	}
	if (mkdir(path_of(""), 0755) < 0) {
		printf("1..0 # SKIP can't make a cgroup in \"%s\": %s\n", root, strerror(errno));
		return false;
	}
	rmdir(path_of(""));
	return true;
}

const char *group_make(const char *name)
{
	const char *path = path_of(name);

	mkdir(path_of(""), 0755);
	if (mkdir(path, 0755) < 0 && errno != EEXIST)
		fail_msg("%s: %s", path, strerror(errno));
	return path;
}

/* A process that was killed leaves its cgroup a moment later. */
void group_remove(const char *name)
{
	const char *path = path_of(name);

	for (int i = 0; rmdir(path) < 0 && errno != ENOENT; i++) {
		if (i == 200)
			fail_msg("%s: %s", path, strerror(errno));
		usleep(10000);
	}
	rmdir(path_of(""));
}

void group_join(const char *name)
{
	char procs[PATH_MAX + 16];
	int fd;

	snprintf(procs, sizeof(procs), "%s/cgroup.procs", name ? path_of(name) : root);
	fd = open(procs, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, "0", 1) != 1)
		fail_msg("%s: %s", procs, strerror(errno));
	close(fd);
}
