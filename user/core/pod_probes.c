/* SPDX-License-Identifier: MIT */
/* pod_probes.c - which TCP ports of a pod the kubelet connects to: probes, and hooks of the life cycle. */
#include "pod_read.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"

#define MAX_HOST 253
#define MAX_PORT_NAME 63
#define MAX_PORT 65535

/* What is read of one pod. */
struct reading {
	struct pod *pod;
	size_t room;
	const cJSON *container;
};

static bool is_loopback(const char *host)
{
	return !strcmp(host, "localhost") || !strcmp(host, "127.0.0.1") || !strcmp(host, "::1");
}

static bool is_own_address(const struct pod *pod, const char *host)
{
	struct cidr ip = {.address = {[10] = 0xff, [11] = 0xff}, .len = 128};

	if (inet_pton(AF_INET, host, ip.address + 12) != 1 &&
	    inet_pton(AF_INET6, host, ip.address) != 1)
		return false;
	for (size_t i = 0; i < pod->n_ips; i++)
		if (!memcmp(&pod->ips[i], &ip, sizeof(ip)))
			return true;
	return false;
}

/* The kubelet asks the pod's address, unless the probe names a host: whose that is, it says itself. */
static bool is_asked_here(const struct pod *pod, const char *host)
{
	return !host || (pod->host_network && is_loopback(host)) || is_own_address(pod, host);
}

int64_t pod_port(const cJSON *item)
{
	double value = cJSON_IsNumber(item) ? item->valuedouble : 0;

	return value >= 1 && value <= MAX_PORT && value == (int)value ? (int64_t)value : 0;
}

/* As the kubelet does it: the container's first port of that name, else the name is a number. */
static int64_t named_port(const cJSON *container, const char *name)
{
	const cJSON *item;
	char *end;
	long value;

	cJSON_ArrayForEach (item, json_get(container, "ports")) {
		const cJSON *word = json_get(item, "name");

		if (cJSON_IsString(word) && !strcmp(word->valuestring, name))
			return pod_port(json_get(item, "containerPort"));
	}
	if (strspn(name, "0123456789") != strlen(name))
		return 0;
	value = strtol(name, &end, 10);
	return value >= 1 && value <= MAX_PORT ? value : 0;
}

int pod_probes_add(struct pod *pod, size_t *room, int64_t port)
{
	if (array_grow(&pod->probes, pod->n_probes, room, sizeof(*pod->probes)))
		return -ENOMEM;
	pod->probes[pod->n_probes++] = (uint16_t)port;
	return 0;
}

/* httpGet, tcpSocket or grpc. A port or host that is nowhere can't be asked either. */
static int read_action(struct reading *r, const cJSON *action, struct fault *f)
{
	const cJSON *port = json_get(action, "port");
	const char *host, *name = NULL;
	int64_t number = pod_port(port);
	int err;

	if (pod_is_odd(json_get(action, "host"), MAX_HOST) || pod_is_odd(port, MAX_PORT_NAME))
		return 0;
	err = pod_text(action, "host", MAX_HOST, &host, f);
	if (!err && cJSON_IsString(port))
		err = pod_text(action, "port", MAX_PORT_NAME, &name, f);
	else if (!err && !cJSON_IsNumber(port))
		err = fault_set(f, EINVAL, "\"port\" must be a number or a name");
	if (!err && name)
		number = named_port(r->container, name);
	if (err || !number || !is_asked_here(r->pod, host))
		return err;
	return pod_probes_add(r->pod, &r->room, number) ? pod_no_memory(f) : 0;
}

static int read_handler(struct reading *r, const cJSON *handler, struct fault *f)
{
	static const char *const actions[] = {"httpGet", "tcpSocket", "grpc"};
	const cJSON *action;
	int err = 0;

	for (size_t i = 0; !err && i < ARRAY_SIZE(actions); i++) {
		struct fault why = {0};

		err = pod_object(handler, actions[i], &action, f);
		if (!err && action)
			err = json_within(actions[i], read_action(r, action, &why), &why, f);
	}
	return err;
}

static int read_handlers(struct reading *r, const cJSON *of, const char *const *names,
			 struct fault *f)
{
	const cJSON *handler;
	int err = 0;

	for (; !err && *names; names++) {
		struct fault why = {0};

		err = pod_object(of, *names, &handler, f);
		if (!err && handler)
			err = json_within(*names, read_handler(r, handler, &why), &why, f);
	}
	return err;
}

static int read_container(struct reading *r, struct fault *f)
{
	static const char *const probes[] = {"livenessProbe", "readinessProbe", "startupProbe",
					     NULL};
	static const char *const hooks[] = {"postStart", "preStop", NULL};
	const cJSON *lifecycle = NULL;
	int err = read_handlers(r, r->container, probes, f);

	if (!err)
		err = pod_object(r->container, "lifecycle", &lifecycle, f);
	return err || !lifecycle ? err : read_handlers(r, lifecycle, hooks, f);
}

static int by_number(const void *a, const void *b)
{
	return *(const uint16_t *)a - *(const uint16_t *)b;
}

void pod_probes_order(struct pod *pod)
{
	size_t n = 0;

	if (!pod->n_probes)
		return;
	qsort(pod->probes, pod->n_probes, sizeof(*pod->probes), by_number);
	for (size_t i = 0; i < pod->n_probes; i++)
		if (!n || pod->probes[n - 1] != pod->probes[i])
			pod->probes[n++] = pod->probes[i];
	pod->n_probes = n;
}

int pod_probes_read(const cJSON *spec, struct pod *pod, struct fault *f)
{
	/* What stays beside the containers to the end is an initContainer with a restartPolicy. */
	static const char *const lists[] = {"initContainers", "containers"};
	struct reading r = {.pod = pod};

	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		const cJSON *list;
		int err = pod_array(spec, lists[i], &list, f);

		if (err)
			return err;
		cJSON_ArrayForEach (r.container, list) {
			struct fault why = {0};

			err = json_within(lists[i], read_container(&r, &why), &why, f);
			if (err)
				return err;
		}
	}
	pod_probes_order(pod);
	return 0;
}
