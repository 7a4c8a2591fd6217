/* SPDX-License-Identifier: MIT */
/* cgrouptree.c - control groups of version 2: finding them, and the processes at and below one. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "cgrouptree.h"

static bool is_cgroup2(const char *path)
{
	struct statfs st;

	return statfs(path, &st) == 0 && (uint32_t)st.f_type == CGROUP2_SUPER_MAGIC;
}

/* NULL: none is mounted where systemd and everybody else mounts it. */
static const char *root(void)
{
	static const char *const places[] = {"/sys/fs/cgroup", "/sys/fs/cgroup/unified"};

	for (size_t i = 0; i < ARRAY_SIZE(places); i++)
		if (is_cgroup2(places[i]))
			return places[i];
	return NULL;
}

int cgroup_resolve(const char *name, char **path, struct fault *f)
{
	const char *base = root();
	_free_ char *joined = NULL;

	if (!base)
		return fault_set(
			f, EOPNOTSUPP,
			"this host has no cgroup version 2 at \"/sys/fs/cgroup\": boot it "
			"with systemd.unified_cgroup_hierarchy=1, or mount it with \"mount "
			"-t cgroup2 none /sys/fs/cgroup/unified\"");
	if (name[0] != '/' && asprintf(&joined, "%s/%s", base, name) < 0)
		return fault_set(f, ENOMEM, "no memory");
	*path = realpath(joined ? joined : name, NULL);
	if (!*path)
		return fault_set(f, errno, "can't open the cgroup \"%s\": %s",
				 joined ? joined : name, strerror(errno));
	return 0;
}

int cgroup_id(const char *path, uint64_t *id, struct fault *f)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return fault_set(f, errno, "can't open the cgroup \"%s\": %s", path,
				 strerror(errno));
	if (!S_ISDIR(st.st_mode) || !is_cgroup2(path))
		return fault_set(f, EINVAL,
				 "\"%s\" is not a cgroup of version 2: name a directory below "
				 "\"%s\"",
				 path, root() ? root() : "/sys/fs/cgroup");
	*id = st.st_ino;
	return 0;
}

bool cgroup_is_root(const char *path)
{
	struct stat st, above;
	_free_ char *parent = NULL;

	return asprintf(&parent, "%s/..", path) < 0 || stat(path, &st) < 0 ||
	       stat(parent, &above) < 0 || st.st_dev != above.st_dev;
}

/*
 * Looks at all of them: by a handle it would take CAP_DAC_READ_SEARCH, for what an agent does once. path
 * holds the directory to look in on entry, the one found afterwards.
 */
static int find_below(uint64_t id, char *path, size_t len)
{
	size_t at = strlen(path);
	struct dirent *e;
	struct stat st;
	DIR *dir;
	int r = -ESTALE;

	if (stat(path, &st) == 0 && st.st_ino == id)
		return 0;
	dir = opendir(path);
	while (dir && r && (e = readdir(dir))) {
		if (e->d_type != DT_DIR || e->d_name[0] == '.' ||
		    (size_t)snprintf(path + at, len - at, "/%s", e->d_name) >= len - at)
			continue;
		r = find_below(id, path, len);
	}
	if (dir)
		closedir(dir);
	if (r)
		path[at] = '\0';
	return r;
}

int cgroup_find(uint64_t id, char *path, size_t len)
{
	const char *base = root();

	if (!base || (size_t)snprintf(path, len, "%s", base) >= len)
		return -ESTALE;
	return find_below(id, path, len);
}

bool cgroup_holds_us(const char *path)
{
	FILE *file = fopen("/proc/self/cgroup", "re");
	const char *base = root();
	char line[PATH_MAX], ours[2 * PATH_MAX];
	size_t len = strlen(path);
	bool holds = false;

	while (file && base && fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = '\0';
		if (strncmp(line, "0::", 3) != 0)
			continue;
		snprintf(ours, sizeof(ours), "%s%s", base, line + 3);
		holds = strncmp(ours, path, len) == 0 && (!ours[len] || ours[len] == '/');
	}
	if (file)
		fclose(file);
	return holds;
}

static int add_id(struct cgroup_tree *tree, uint64_t id)
{
	void *ids = reallocarray(tree->ids, tree->n_ids + 1, sizeof(*tree->ids));

	if (!ids)
		return -ENOMEM;
	tree->ids = ids;
	tree->ids[tree->n_ids++] = id;
	return 0;
}

/* The namespace of a process, unless another process led to it before. One that has gone is left out. */
static int add_process(struct cgroup_tree *tree, unsigned long pid)
{
	struct cgroup_netns netns = {0};
	struct stat st;
	void *list;

	snprintf(netns.path, sizeof(netns.path), "/proc/%lu/ns/net", pid);
	if (stat(netns.path, &st) < 0)
		return 0;
	netns.inode = st.st_ino;
	for (size_t i = 0; i < tree->n_netns; i++)
		if (tree->netns[i].inode == netns.inode)
			return 0;
	list = reallocarray(tree->netns, tree->n_netns + 1, sizeof(*tree->netns));
	if (!list)
		return -ENOMEM;
	tree->netns = list;
	tree->netns[tree->n_netns++] = netns;
	return 0;
}

static int read_processes(int dir, struct cgroup_tree *tree)
{
	int fd = openat(dir, "cgroup.procs", O_RDONLY | O_CLOEXEC);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "r");
	unsigned long pid;
	int r = 0;

	if (!file) {
		cleanup_close(&fd);
		return 0;
	}
	while (r == 0 && fscanf(file, "%lu", &pid) == 1)
		if (pid) /* 0: in a PID namespace that we can't see into */
			r = add_process(tree, pid);
	fclose(file);
	return r;
}

/* Takes fd. A cgroup that goes meanwhile is none. */
static int read_below(int fd, struct cgroup_tree *tree)
{
	struct stat st = {0};
	DIR *dir = fstat(fd, &st) < 0 ? NULL : fdopendir(fd);
	struct dirent *e;
	int r;

	if (!dir) {
		close(fd);
		return 0;
	}
	r = add_id(tree, st.st_ino);
	if (r == 0)
		r = read_processes(fd, tree);
	while (r == 0 && (e = readdir(dir))) {
		int child;

		if (e->d_type != DT_DIR || e->d_name[0] == '.')
			continue;
		child = openat(fd, e->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (child >= 0)
			r = read_below(child, tree);
	}
	closedir(dir);
	return r;
}

static int by_id(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

int cgroup_read(const char *path, struct cgroup_tree *out, struct fault *f)
{
	_cgroup_tree_ struct cgroup_tree tree = {0};
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r;

	if (fd < 0)
		return fault_set(f, errno, "can't open the cgroup \"%s\": %s", path,
				 strerror(errno));
	r = read_below(fd, &tree);
	if (r < 0)
		return fault_set(f, -r, "can't read the cgroup \"%s\": %s", path, strerror(-r));
	if (tree.n_ids)
		qsort(tree.ids, tree.n_ids, sizeof(*tree.ids), by_id);
	*out = tree;
	tree = (struct cgroup_tree){0};
	return 0;
}

bool cgroup_has(const struct cgroup_tree *tree, uint64_t id)
{
	return tree->n_ids && bsearch(&id, tree->ids, tree->n_ids, sizeof(id), by_id);
}

void cgroup_tree_free(struct cgroup_tree *tree)
{
	free(tree->ids);
	free(tree->netns);
	*tree = (struct cgroup_tree){0};
}
