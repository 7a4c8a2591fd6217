/* SPDX-License-Identifier: MIT */
/* cgroup.c - the containers and services of a node, by the paths of their cgroups. */
#include "cgroup.h"

#include <ctype.h>
#include <fnmatch.h>
#include <limits.h>
#include <string.h>

#define ID_CHARS 64

/* Of the services that run containers under systemd or OpenRC. */
static const char *const runtime_names[] = {
	"containerd.service",
	"crio.service",
	"cri-o.service",
	"docker.service",
	"cri-docker.service",
	"podman.service",
	"k3s.service",
	"k3s-agent.service",
	"rke2-server.service",
	"rke2-agent.service",
	"k0scontroller.service",
	"k0sworker.service",
	"snap.microk8s.daemon-containerd.service",
	"openrc.containerd",
	"openrc.crio",
	"openrc.docker",
	"openrc.podman",
	"openrc.k3s-service",
	"conmon",
};

/* One component of a path. */
struct name {
	const char *text;
	size_t len;
};

static bool begins(struct name name, const char *with)
{
	return name.len >= strlen(with) && !memcmp(name.text, with, strlen(with));
}

static bool ends(struct name name, const char *with)
{
	size_t len = strlen(with);

	return name.len >= len && !memcmp(name.text + name.len - len, with, len);
}

/* What watches over one container, in a scope of its own. */
static bool is_monitor(struct name name)
{
	return begins(name, "libpod-conmon-") || begins(name, "crio-conmon-");
}

static bool is_container(struct name name)
{
	size_t len = name.len - (ends(name, ".scope") ? strlen(".scope") : 0);

	if (len < ID_CHARS || is_monitor(name))
		return false;
	for (size_t i = len - ID_CHARS; i < len; i++)
		if (!isxdigit((unsigned char)name.text[i]))
			return false;
	return len == ID_CHARS || strchr("-:_", name.text[len - ID_CHARS - 1]);
}

static bool is_runtime(const char *path, struct name name, char *const *more, size_t n)
{
	size_t len = (size_t)(name.text - path) + name.len;
	char prefix[PATH_MAX];

	if (is_monitor(name))
		return true;
	for (size_t i = 0; i < sizeof(runtime_names) / sizeof(runtime_names[0]); i++)
		if (name.len == strlen(runtime_names[i]) && begins(name, runtime_names[i]))
			return true;
	if (!n || len >= sizeof(prefix))
		return false;
	memcpy(prefix, path, len);
	prefix[len] = '\0';
	for (size_t i = 0; i < n; i++)
		if (!fnmatch(more[i], prefix, FNM_PATHNAME))
			return true;
	return false;
}

/* The manager of a user has units of its own. */
static bool is_service(struct name name)
{
	return (ends(name, ".service") && !begins(name, "user@")) || ends(name, ".scope");
}

static struct name next(const char *at)
{
	at += strspn(at, "/");
	return (struct name){at, strcspn(at, "/")};
}

/* A container may lie within the service of its runtime, so ids go first. */
struct cgroup_unit cgroup_unit(const char *path, char *const *runtimes, size_t n_runtimes)
{
	struct cgroup_unit service = {.len = strlen(path)};

	for (struct name name = next(path); name.len; name = next(name.text + name.len)) {
		size_t len = (size_t)(name.text - path) + name.len;
		bool runtime = is_runtime(path, name, runtimes, n_runtimes);

		if (is_container(name))
			return (struct cgroup_unit){.len = len, .named = true, .runtime = runtime};
		if (!service.named && (runtime || is_service(name)))
			service =
				(struct cgroup_unit){.len = len, .named = true, .runtime = runtime};
	}
	return service;
}

bool cgroup_is_contained(const char *path)
{
	for (struct name name = next(path); name.len; name = next(name.text + name.len))
		if (is_container(name) || begins(name, "kubepods"))
			return true;
	return false;
}
