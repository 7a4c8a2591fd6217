/* SPDX-License-Identifier: MIT */
/* podnets.c - reads /proc/PID/cgroup of every process, and whose namespace it is in. */
#include "podnets.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cleanup.h"
#include "processes.h"

#define SECOND_NS 1000000000ULL
/* A dozen hierarchies of v1 and that of v2, of whose paths each is far shorter than PATH_MAX. */
#define CGROUPS_MAX 16384

static bool read_cgroups(int pid, char *text, size_t size)
{
	_close_ int fd = -1;
	char path[64];
	size_t len = 0;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/cgroup", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	while (len < size - 1 && (n = read(fd, text + len, size - 1 - len)) > 0)
		len += (size_t)n;
	text[len] = '\0';
	return len > 0;
}

/*
 * "4:memory:/kubepods/pod<uid>/<id>" and "0::/kubepods/pod<uid>/<id>", in any order: the first that is a
 * pod's tells which. *v2: the path in the line of v2 down to the pod's own cgroup, a new string.
 */
static bool find_pod(char *text, struct pod_cgroup *out, char **v2)
{
	bool found = false;
	char *line, *rest = text;

	*v2 = NULL;
	while ((line = strsep(&rest, "\n"))) {
		struct pod_cgroup at;
		char *path = strchr(line, ':');

		path = path ? strchr(path + 1, ':') : NULL;
		if (!path || !pod_cgroup_parse(path + 1, &at))
			continue;
		if (!found)
			*out = at;
		found = true;
		if (!strncmp(line, "0::", 3) && !*v2 && !strcmp(at.uid, out->uid))
			*v2 = strndup(path + 1, at.pod_len);
	}
	return found;
}

static uint64_t born_ns(int pid)
{
	long ticks = sysconf(_SC_CLK_TCK);

	return process_start(pid) * (SECOND_NS / (uint64_t)(ticks > 0 ? ticks : 100));
}

static struct podnet *find(struct podnets *nets, const char *uid, uint64_t netns)
{
	for (size_t i = 0; i < nets->n; i++)
		if (nets->list[i].netns == netns && !strcmp(nets->list[i].uid, uid))
			return &nets->list[i];
	return NULL;
}

/* Takes net's cgroup over. */
static int join(struct podnets *nets, size_t *room, struct podnet *net)
{
	struct podnet *known = find(nets, net->uid, net->netns);

	if (!known) {
		if (array_grow(&nets->list, nets->n, room, sizeof(*nets->list))) {
			free(net->cgroup);
			return -ENOMEM;
		}
		nets->list[nets->n++] = *net;
		return 0;
	}
	if (!known->cgroup)
		known->cgroup = TAKE_PTR(net->cgroup);
	free(net->cgroup);
	if (net->born_ns > known->born_ns ||
	    (net->born_ns == known->born_ns && net->pid > known->pid))
		return 0;
	known->pid = net->pid;
	known->born_ns = net->born_ns;
	memcpy(known->container, net->container, sizeof(known->container));
	return 0;
}

struct reading {
	struct podnets nets;
	size_t room;
};

static int add(int pid, void *data)
{
	struct reading *reading = data;
	char text[CGROUPS_MAX], path[64];
	struct podnet net = {.pid = pid};
	struct pod_cgroup at;
	struct stat st;

	if (!read_cgroups(pid, text, sizeof(text)) || !find_pod(text, &at, &net.cgroup))
		return 0;
	snprintf(path, sizeof(path), "/proc/%d/ns/net", pid);
	net.born_ns = stat(path, &st) ? 0 : born_ns(pid);
	if (!net.born_ns) { /* it has ended */
		free(net.cgroup);
		return 0;
	}
	net.netns = st.st_ino;
	memcpy(net.uid, at.uid, sizeof(net.uid));
	memcpy(net.container, at.container, sizeof(net.container));
	return join(&reading->nets, &reading->room, &net);
}

static int by_age(const void *a, const void *b)
{
	const struct podnet *x = a, *y = b;

	if (x->born_ns != y->born_ns)
		return x->born_ns < y->born_ns ? -1 : 1;
	return x->pid - y->pid;
}

int podnets_read(struct podnets *out, struct fault *f)
{
	struct reading reading = {0};
	struct podnets *nets = &reading.nets;
	int r = processes_each(add, &reading, f);

	if (r < 0) {
		podnets_free(nets);
		return r;
	}
	if (nets->n)
		qsort(nets->list, nets->n, sizeof(*nets->list), by_age);
	*out = *nets;
	return 0;
}

void podnets_free(struct podnets *nets)
{
	for (size_t i = 0; i < nets->n; i++)
		free(nets->list[i].cgroup);
	free(nets->list);
	*nets = (struct podnets){0};
}

static bool find_bound(const char *dir, uint64_t inode, dev_t nsfs, char *path, size_t len)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	bool found = false;

	while (d && !found && (e = readdir(d))) {
		struct stat st;

		found = e->d_name[0] != '.' &&
			(size_t)snprintf(path, len, "%s/%s", dir, e->d_name) < len &&
			stat(path, &st) == 0 && st.st_dev == nsfs && st.st_ino == inode;
	}
	if (d)
		closedir(d);
	return found;
}

int podnet_path(const struct podnet *net, char *path, size_t len)
{
	struct stat self, st;

	if (stat("/proc/self/ns/net", &self) < 0)
		return -errno;
	if (find_bound("/run/netns", net->netns, self.st_dev, path, len) ||
	    find_bound("/var/run/netns", net->netns, self.st_dev, path, len))
		return 0;
	snprintf(path, len, "/proc/%d/ns/net", net->pid);
	return stat(path, &st) == 0 && st.st_ino == net->netns ? 0 : -ENOENT;
}
