/* SPDX-License-Identifier: MIT */
/* pins.c - names in the bpf file system, and the links and maps behind them. */
#include <dirent.h>
#include <errno.h>
#include <libgen.h>
#include <linux/bpf.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <bpf/bpf.h>

#include "pins.h"

static bool is_bpffs(const char *path)
{
	struct statfs st;

	return statfs(path, &st) == 0 && (uint32_t)st.f_type == BPF_FS_MAGIC;
}

int pins_check(const char *dir, struct fault *f)
{
	_free_ char *copy = strdup(dir);

	if (!copy)
		return fault_set(f, ENOMEM, "no memory");
	if (is_bpffs(dir) || (access(dir, F_OK) < 0 && is_bpffs(dirname(copy))))
		return 0;
	return fault_set(
		f, ENODEV,
		"\"%s\" is not on a bpf file system: run \"mount -t bpf bpf /sys/fs/bpf\" on the "
		"node and, in a pod, mount it as hostPath /sys/fs/bpf; or name another directory "
		"as \"bpffs\" in the configuration",
		dir);
}

int pins_mkdir(const char *dir, struct fault *f)
{
	if (mkdir(dir, 0700) < 0 && errno != EEXIST)
		return fault_set(f, errno, "can't make the directory \"%s\": %s", dir,
				 strerror(errno));
	return 0;
}

/* A bpf file system refuses names with a dot, and no name of ours has a plus. */
static void exchange(char *text, char from, char to)
{
	while ((text = strchr(text, from)))
		*text++ = to;
}

char *pins_path(const char *dir, const char *name)
{
	char *path;

	if (asprintf(&path, "%s/%s", dir, name) < 0)
		return NULL;
	exchange(path + strlen(dir), '.', '+');
	return path;
}

int pins_get(const char *dir, const char *name)
{
	_free_ char *path = pins_path(dir, name);

	return path ? bpf_obj_get(path) : -ENOMEM;
}

int pins_put(int fd, const char *dir, const char *name, struct fault *f)
{
	_free_ char *path = pins_path(dir, name);
	int r;

	if (!path)
		return fault_set(f, ENOMEM, "no memory");
	r = bpf_obj_pin(fd, path);
	if (r == -EEXIST && unlink(path) == 0)
		r = bpf_obj_pin(fd, path);
	return r < 0 ? fault_set(f, -r, "can't pin \"%s\": %s", path, strerror(-r)) : 0;
}

void pins_drop(const char *dir, const char *name)
{
	_free_ char *path = pins_path(dir, name);

	/* A directory stands for something that can't be pinned (see clsact.h). */
	if (path && unlink(path) < 0)
		rmdir(path);
}

int pins_rename(const char *dir, const char *from, const char *to)
{
	_free_ char *a = pins_path(dir, from);
	_free_ char *b = pins_path(dir, to);

	if (!a || !b)
		return -ENOMEM;
	return rename(a, b) < 0 ? -errno : 0;
}

int pins_link_info(int fd, struct pins_link *link)
{
	struct bpf_link_info info = {0};
	__u32 len = sizeof(info);
	int r = bpf_obj_get_info_by_fd(fd, &info, &len);

	if (r < 0)
		return r;
	*link = (struct pins_link){
		.id = info.id,
		.prog_id = info.prog_id,
		/* A tcx link's ifindex has the same place; headers before 6.6 have no name for it. */
		.target = info.netns.netns_ino,
		.cgroup = info.cgroup.cgroup_id, /* in the same place, but longer */
	};
	return 0;
}

void pins_detach(int *fd, const char *dir, const char *name)
{
	/* Detached first: the last close frees a pinned link only later, from a worker. */
	if (*fd >= 0) {
		bpf_link_detach(*fd);
		close(*fd);
		*fd = -1;
	}
	pins_drop(dir, name);
}

int pins_each(const char *dir, int (*each)(const char *dir, const char *name, void *data),
	      void *data)
{
	struct dirent **entries = NULL;
	int n = scandir(dir, &entries, NULL, alphasort);
	int r = 0;

	if (n < 0)
		return errno == ENOENT ? 0 : -errno;
	/* Backwards, so that wire goes ahead of egress when a gate is taken down. */
	while (n-- > 0) {
		if (r == 0 && entries[n]->d_name[0] != '.') {
			exchange(entries[n]->d_name, '+', '.');
			r = each(dir, entries[n]->d_name, data);
		}
		free(entries[n]);
	}
	free(entries);
	return r;
}

static int remove_pin(const char *dir, const char *name, void *data)
{
	int fd = pins_get(dir, name);

	pins_detach(&fd, dir, name); /* harmless for a map: it isn't a link */
	return 0;
}

int pins_remove_dir(const char *dir, struct fault *f)
{
	pins_each(dir, remove_pin, NULL);
	if (rmdir(dir) < 0 && errno != ENOENT)
		return fault_set(f, errno, "can't remove the pins in \"%s\": %s", dir,
				 strerror(errno));
	return 0;
}
