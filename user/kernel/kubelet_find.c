/* SPDX-License-Identifier: MIT */
/* kubelet_find.c - the cgroup of the kubelet, if it tells the kubelet from everybody else. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cgroup.h"
#include "cgrouptree.h"
#include "cleanup.h"
#include "kubelet.h"
#include "processes.h"

/* In the hierarchy, with the slash in front: of the cgroup or, down to it, of what lies in it. */
static bool lies_in(const char *path, const char *cgroup)
{
	size_t len = strlen(cgroup);

	return !strncmp(path, cgroup, len) && (!path[len] || path[len] == '/');
}

static int open_place(const char *cgroup, struct kubelet_place *out, struct fault *f)
{
	_cleanup_(kubelet_place_free) struct kubelet_place place = {0};
	const char *below = cgroup + strspn(cgroup, "/");
	int r = cgroup_resolve(*below ? below : ".", &place.path, f);

	if (r == 0 && cgroup_is_root(place.path))
		r = fault_set(
			f, EOPNOTSUPP,
			"the kubelet is at the top of the hierarchy of cgroup v2, which says "
			"nothing: give it a cgroup of its own, as systemd with cgroup v2 does");
	if (r == 0)
		r = cgroup_id(place.path, &place.id, f);
	if (r < 0)
		return r;
	*out = place;
	place = (struct kubelet_place){0};
	return 0;
}

/* Services of the operator's naming may be of several processes, but hold no others' cgroups. */
static int find_named(const char *named, const struct processes *p, struct kubelet_place *out,
		      struct fault *f)
{
	for (size_t i = 0; i < p->n; i++)
		if (lies_in(p->list[i].cgroup, named) && strcmp(p->list[i].cgroup, named))
			return fault_set(f, EBUSY,
					 "the cgroup \"%s\" holds others, as \"%s\" with process "
					 "%d: name that of the kubelet alone",
					 named, p->list[i].cgroup, p->list[i].pid);
	return open_place(named, out, f);
}

static bool is_kubelet(const struct process *p, uint64_t netns)
{
	return p->netns == netns && process_is_called(p->pid, KUBELET_NAME) &&
	       process_is_root(p->pid) && !cgroup_is_contained(p->cgroup);
}

/* The kubelet itself, or what it has started: mounts, plugins. */
static bool descends_from(int pid, int ancestor)
{
	while (pid > 1 && pid != ancestor)
		pid = process_parent(pid);
	return pid == ancestor;
}

static int check_alone(const struct process *kubelet, const struct processes *p, struct fault *f)
{
	for (size_t i = 0; i < p->n; i++)
		if (lies_in(p->list[i].cgroup, kubelet->cgroup) &&
		    !descends_from(p->list[i].pid, kubelet->pid))
			return fault_set(f, EBUSY,
					 "the cgroup \"%s\" of the kubelet holds others too, as "
					 "process %d: give the kubelet one of its own",
					 kubelet->cgroup, p->list[i].pid);
	return 0;
}

static int find_process(const struct processes *p, struct kubelet_place *out, struct fault *f)
{
	const struct process *kubelet = NULL;
	struct stat st;
	int r;

	if (stat("/proc/self/ns/net", &st) < 0) /* the process's, whatever its threads enter */
		return fault_set(f, errno, "can't read \"/proc/self/ns/net\": %s", strerror(errno));
	for (size_t i = 0; i < p->n; i++) {
		const struct process *one = &p->list[i];

		if (!is_kubelet(one, st.st_ino) ||
		    (kubelet && descends_from(one->pid, kubelet->pid)))
			continue;
		if (kubelet && !descends_from(kubelet->pid, one->pid))
			return fault_set(f, ENOTUNIQ,
					 "there are several kubelets, as processes %d and %d: name "
					 "the cgroup of this node's by \"kubelet_cgroup\"",
					 kubelet->pid, one->pid);
		kubelet = one;
	}
	if (!kubelet)
		return fault_set(
			f, ENOENT,
			"no process in the agent's network namespace is called \"" KUBELET_NAME
			"\": name its cgroup by \"kubelet_cgroup\"");
	r = open_place(kubelet->cgroup, out, f);
	if (r == 0)
		r = check_alone(kubelet, p, f);
	if (r < 0)
		kubelet_place_free(out);
	return r;
}

int kubelet_find(const char *named, struct kubelet_place *out, struct fault *f)
{
	_cleanup_(processes_free) struct processes p = {0};
	int r = processes_read(&p, f);

	for (size_t i = 0; i < p.n && r == 0; i++)
		if (!strncmp(p.list[i].cgroup, "/..", 3))
			r = fault_set(f, EOPNOTSUPP,
				      "the agent is in a cgroup namespace of its own and doesn't "
				      "see that of the kubelet: run it in that of the node");
	if (r < 0)
		return r;
	return named ? find_named(named, &p, out, f) : find_process(&p, out, f);
}
