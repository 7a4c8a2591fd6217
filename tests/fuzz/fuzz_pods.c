/* SPDX-License-Identifier: MIT */
/* fuzz_pods.c - the part of the target that reads what Kubernetes says of pods. */
#include "fuzz_pods.h"

#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "pod.h"
#include "selector.h"

static cJSON *tree(const char *text, size_t len)
{
	static const struct json_limits limits = {.max_depth = 64, .max_members = 1 << 16};
	cJSON *out = NULL;
	struct json_error err;

	return json_parse(text, len, &limits, &out, &err) ? NULL : out;
}

static void must_be_labels(const struct labels *labels)
{
	for (size_t i = 0; i < labels->n; i++) {
		MUST(!i || strcmp(labels->list[i - 1].key, labels->list[i].key) < 0);
		MUST(labels_get(labels, labels->list[i].key) == labels->list[i].value);
	}
}

/* A good gate's name, as gate_name_ok has it. */
static void must_be_name(const struct pod *pod)
{
	static const char chars[] = "abcdefghijklmnopqrstuvwxyz0123456789"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ._-";
	char name[POD_GATE_NAME_SIZE];
	size_t len;

	memset(name, 'x', sizeof(name));
	pod_gate_name(pod, name);
	len = strnlen(name, sizeof(name));
	MUST(len && len < sizeof(name) && strspn(name, chars) == len);
	MUST(!strchr("._-", name[0]) && !strchr("._-", name[len - 1]));
}

static void must_be_sound(const struct pod *pod)
{
	MUST(pod->uid && pod->namespace && pod->name && strlen(pod->uid) <= POD_UID_MAX);
	MUST(!pod->workload == !pod->workload_kind && pod->created >= 0);
	must_be_labels(&pod->labels);
	must_be_labels(&pod->annotations);
	for (size_t i = 0; i < pod->n_probes; i++)
		MUST(pod->probes[i] && (!i || pod->probes[i - 1] < pod->probes[i]));
	for (size_t i = 0; i < pod->n_ips; i++)
		MUST(pod->ips[i].len == 128);
	for (size_t i = 0; i < pod->n_containers; i++)
		MUST(pod->containers[i][0]);
	must_be_name(pod);
}

/* What is kept of it is what it was. */
static void must_come_back(const struct pod *pod)
{
	_json_ cJSON *object = pod_json(pod), *read = NULL;
	struct pod again;
	char *text;

	MUST(object);
	text = cJSON_PrintUnformatted(object);
	MUST(text);
	read = tree(text, strlen(text));
	MUST(read && !pod_json_read(read, &again, NULL));
	must_be_sound(&again);
	MUST(!strcmp(pod->uid, again.uid) && !strcmp(pod->name, again.name));
	MUST(labels_equal(&pod->labels, &again.labels));
	MUST(labels_equal(&pod->annotations, &again.annotations));
	MUST(pod->n_probes == again.n_probes && pod->created == again.created);
	pod_free(&again);
	cJSON_free(text);
}

void fuzz_pod(const char *text, size_t len)
{
	_json_ cJSON *object = tree(text, len);
	struct fault f = {""};
	struct pod pod;

	if (!object)
		return;
	if (pod_read(object, &pod, &f)) {
		MUST(f.text[0]);
	} else {
		must_be_sound(&pod);
		must_come_back(&pod);
		pod_free(&pod);
	}
	if (pod_json_read(object, &pod, &f))
		return;
	must_be_sound(&pod);
	pod_free(&pod);
}

/* {"selector":…,"labels":…}: a copy says the same, and the text is one line. */
void fuzz_selector(const char *text, size_t len)
{
	_json_ cJSON *object = tree(text, len);
	struct selector selector, copy;
	struct labels labels = {0};
	struct fault f = {""};
	char *one, *two;

	if (labels_read(json_get(object, "labels"), &labels, &f))
		MUST(f.text[0]);
	must_be_labels(&labels);
	if (selector_parse(json_get(object, "selector"), &selector, &f)) {
		MUST(f.text[0]);
		labels_free(&labels);
		return;
	}
	MUST(!selector_copy(&selector, &copy));
	MUST(selector_matches(&selector, &labels) == selector_matches(&copy, &labels));
	one = selector_text(&selector);
	two = selector_text(&copy);
	MUST(one && two && !strcmp(one, two) && !strpbrk(one, "\n|=&\""));
	MUST(!selector.n_terms == !one[0]);
	free(one);
	free(two);
	selector_free(&selector);
	selector_free(&copy);
	labels_free(&labels);
}

void fuzz_cgroup(const char *text, size_t len)
{
	char *path = strndup(text, len);
	struct pod_cgroup out;

	MUST(path);
	if (pod_cgroup_parse(path, &out)) {
		MUST(strlen(out.uid) == 32 || strlen(out.uid) == 36);
		MUST(!out.container[0] || strlen(out.container) == 64);
		MUST(out.pod_len > strlen("/pod") && out.pod_len <= strlen(path));
		MUST(path[out.pod_len] == '/' || !path[out.pod_len]);
	}
	free(path);
}
