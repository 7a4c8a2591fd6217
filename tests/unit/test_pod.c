/* SPDX-License-Identifier: MIT */
/* test_pod.c - Pods as the API server sends them: made up ones, and those of the captures. */
#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pod.h"

static const struct json_limits limits = {.max_depth = 64, .max_members = 1 << 20};

static cJSON *tree(const char *text, size_t len)
{
	cJSON *out = NULL;
	struct json_error err;

	if (json_parse(text, len, &limits, &out, &err))
		fail_msg("%.60s: %s", text, err.text);
	return out;
}

static struct pod read_pod(const char *text)
{
	_json_ cJSON *object = tree(text, strlen(text));
	struct pod pod;
	struct fault f = {0};

	if (pod_read(object, &pod, &f))
		fail_msg("%s: %s", text, f.text);
	return pod;
}

#define META                                                                                       \
	"\"uid\":\"de7cc372-9aaa-4d36-8403-7035046ee8d8\",\"namespace\":\"shop\",\"name\":\"web-"  \
	"1\""
#define POD(meta, spec, status)                                                                    \
	"{\"kind\":\"Pod\",\"metadata\":{" META meta "},\"spec\":{" spec "},\"status\":{" status   \
	"}}"

static void test_whole(void **state)
{
	struct pod pod = read_pod(POD(
		",\"creationTimestamp\":\"2026-11-22T20:37:21Z\",\"labels\":{\"app\":\"web\","
		"\"pod-template-hash\":\"5d5b9c7f9\"},\"annotations\":{\"portlic.dev/mode\":"
		"\"audit\",\"portlic.devil/x\":\"y\",\"other\":\"a\\nb\"},\"ownerReferences\":["
		"{\"kind\":\"Thing\",\"name\":\"t\"},{\"kind\":\"ReplicaSet\",\"name\":"
		"\"web-5d5b9c7f9\",\"controller\":true}],\"deletionTimestamp\":"
		"\"2026-11-22T20:38:00Z\",\"unknown\":[{}]",
		"\"nodeName\":\"n1\",\"hostNetwork\":true",
		"\"phase\":\"Running\",\"podIP\":\"10.0.0.1\",\"podIPs\":[{\"ip\":\"10.0.0.1\"},"
		"{\"ip\":\"fd00::1\"}],\"initContainerStatuses\":[{\"containerID\":"
		"\"containerd://aa\"}],\"containerStatuses\":[{\"containerID\":\"cri-o://bb\"},"
		"{\"containerID\":\"\"},{}],\"ephemeralContainerStatuses\":[{\"containerID\":"
		"\"containerd://cc\"}]"));
	uint8_t six[16];

	assert_string_equal(pod.uid, "de7cc372-9aaa-4d36-8403-7035046ee8d8");
	assert_string_equal(pod.namespace, "shop");
	assert_string_equal(pod.name, "web-1");
	assert_string_equal(pod.node, "n1");
	assert_string_equal(pod.workload_kind, "Deployment");
	assert_string_equal(pod.workload, "web");
	assert_string_equal(labels_get(&pod.labels, "app"), "web");
	assert_int_equal(pod.annotations.n, 1);
	assert_string_equal(labels_get(&pod.annotations, "portlic.dev/mode"), "audit");
	assert_true(pod.host_network);
	assert_true(pod.terminating);
	assert_false(pod.ended);
	assert_int_equal(pod.n_ips, 2);
	assert_int_equal(pod.ips[0].len, 128);
	assert_memory_equal(pod.ips[0].address, "\0\0\0\0\0\0\0\0\0\0\xff\xff\x0a\0\0\1", 16);
	inet_pton(AF_INET6, "fd00::1", six);
	assert_memory_equal(pod.ips[1].address, six, 16);
	assert_int_equal(pod.n_containers, 3);
	assert_string_equal(pod.containers[0], "aa");
	assert_string_equal(pod.containers[1], "bb");
	assert_string_equal(pod.containers[2], "cc");
	assert_int_equal(pod.created, 1795379841);
	pod_free(&pod);
	assert_null(pod.uid);
}

/* Just named: what isn't said is empty, and so is what is null. */
static void test_bare(void **state)
{
	static const char *const texts[] = {
		"{\"metadata\":{" META "}}",
		POD(",\"labels\":null,\"annotations\":null,\"ownerReferences\":null,"
		    "\"creationTimestamp\":null,\"deletionTimestamp\":null",
		    "\"containers\":null,\"nodeName\":null,\"hostNetwork\":null",
		    "\"podIP\":\"\",\"podIPs\":null,\"containerStatuses\":null,\"phase\":null"),
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct pod pod = read_pod(texts[i]);

		assert_null(pod.node);
		assert_null(pod.workload);
		assert_null(pod.workload_kind);
		assert_int_equal(pod.labels.n + pod.annotations.n + pod.n_ips + pod.n_probes +
					 pod.n_containers,
				 0);
		assert_false(pod.host_network || pod.terminating || pod.ended);
		assert_int_equal(pod.created, 0);
		pod_free(&pod);
	}
}

static void is_owned(const char *meta, const char *kind, const char *name)
{
	struct pod pod;
	char text[1024];

	snprintf(text, sizeof(text), "{\"metadata\":{" META "%s}}", meta);
	pod = read_pod(text);
	if (!kind) {
		assert_null(pod.workload);
	} else {
		assert_string_equal(pod.workload_kind, kind);
		assert_string_equal(pod.workload, name);
	}
	pod_free(&pod);
}

#define OWNER(kind, name)                                                                          \
	",\"ownerReferences\":[{\"kind\":\"" kind "\",\"name\":\"" name "\",\"controller\":true}]"
#define X16 "xxxxxxxxxxxxxxxx"
#define X64 X16 X16 X16 X16
#define X256 X64 X64 X64 X64
#define HASH ",\"labels\":{\"pod-template-hash\":\"abc\"}"

static void test_owners(void **state)
{
	is_owned(OWNER("StatefulSet", "db") HASH, "StatefulSet", "db");
	is_owned(OWNER("ReplicaSet", "web-abc") HASH, "Deployment", "web");
	is_owned(OWNER("ReplicaSet", "web-abc"), "ReplicaSet", "web-abc");
	is_owned(OWNER("ReplicaSet", "webabc") HASH, "ReplicaSet", "webabc");
	is_owned(OWNER("ReplicaSet", "-abc") HASH, "ReplicaSet", "-abc");
	is_owned(OWNER("ReplicaSet", "abc") HASH, "ReplicaSet", "abc");
	is_owned(",\"ownerReferences\":[{\"kind\":\"A\",\"name\":\"b\"}]", NULL, NULL);
	/* The API server checks neither length nor characters, and its author must not get around a gate by them. */
	is_owned(OWNER("ReplicaSet", X256), NULL, NULL);
	is_owned(OWNER(X256, "web-abc"), NULL, NULL);
	is_owned(OWNER("ReplicaSet", "a\\nb"), NULL, NULL);
	is_owned(",\"ownerReferences\":[{\"kind\":\"A\",\"name\":\"b\",\"controller\":false}]",
		 NULL, NULL);
}

static void test_phases(void **state)
{
	static const char *const over[] = {"Succeeded", "Failed"}, *const going[] = {"Pending",
										     "Running",
										     "Unknown"};
	char text[512];
	struct pod pod;

	for (size_t i = 0; i < 5; i++) {
		snprintf(text, sizeof(text), POD("", "", "\"phase\":\"%s\""),
			 i < 2 ? over[i] : going[i - 2]);
		pod = read_pod(text);
		assert_int_equal(pod.ended, i < 2);
		pod_free(&pod);
	}
}

static void has_probes(const char *spec, const char *status, const char *wanted)
{
	char text[4096], found[256] = "";
	struct pod pod;

	snprintf(text, sizeof(text), "{\"metadata\":{" META "},\"spec\":{%s},\"status\":{%s}}",
		 spec, status);
	pod = read_pod(text);
	for (size_t i = 0; i < pod.n_probes; i++)
		snprintf(found + strlen(found), sizeof(found) - strlen(found), "%s%u", i ? " " : "",
			 pod.probes[i]);
	pod_free(&pod);
	if (strcmp(found, wanted))
		fail_msg("%s: \"%s\", not \"%s\"", spec, found, wanted);
}

#define ONE(members) "\"containers\":[{" members "}]"
#define LIVE(action) ONE("\"livenessProbe\":{" action "}")

static void test_probes(void **state)
{
	has_probes(LIVE("\"httpGet\":{\"path\":\"/\",\"port\":8080}"), "", "8080");
	has_probes(LIVE("\"tcpSocket\":{\"port\":8080}"), "", "8080");
	has_probes(LIVE("\"grpc\":{\"port\":9000,\"service\":\"x\"}"), "", "9000");
	has_probes(LIVE("\"exec\":{\"command\":[\"true\"]}"), "", "");
	has_probes(LIVE("\"httpGet\":null"), "", "");
	has_probes(ONE("\"livenessProbe\":{\"tcpSocket\":{\"port\":3}},\"readinessProbe\":"
		       "{\"tcpSocket\":{\"port\":2}},\"startupProbe\":{\"tcpSocket\":{\"port\":1}},"
		       "\"lifecycle\":{\"postStart\":{\"httpGet\":{\"port\":5}},\"preStop\":"
		       "{\"tcpSocket\":{\"port\":4}}}"),
		   "", "1 2 3 4 5");
	has_probes("\"initContainers\":[{\"restartPolicy\":\"Always\",\"readinessProbe\":"
		   "{\"tcpSocket\":{\"port\":65535}}}]," LIVE("\"tcpSocket\":{\"port\":7}"),
		   "", "7 65535");
	has_probes("\"containers\":[{\"livenessProbe\":{\"tcpSocket\":{\"port\":7}}},"
		   "{\"livenessProbe\":{\"tcpSocket\":{\"port\":7}}}]",
		   "", "7");
}

static void test_named_probes(void **state)
{
#define PORTS                                                                                      \
	"\"ports\":[{\"containerPort\":1},{\"name\":\"http\",\"containerPort\":8080},"             \
	"{\"name\":\"http\",\"containerPort\":8081}]"
	has_probes(ONE(PORTS ",\"livenessProbe\":{\"httpGet\":{\"port\":\"http\"}}"), "", "8080");
	has_probes(ONE(PORTS ",\"livenessProbe\":{\"httpGet\":{\"port\":\"9090\"}}"), "", "9090");
	has_probes(ONE(PORTS ",\"livenessProbe\":{\"httpGet\":{\"port\":\"https\"}}"), "", "");
	has_probes(ONE(PORTS ",\"livenessProbe\":{\"httpGet\":{\"port\":\"70000\"}}"), "", "");
	has_probes(ONE(PORTS ",\"livenessProbe\":{\"httpGet\":{\"port\":0}}"), "", "");
	has_probes(ONE("\"livenessProbe\":{\"httpGet\":{\"port\":\"http\"}}"), "", "");
	/* another container's names are not its own */
	has_probes("\"containers\":[{" PORTS
		   "},{\"livenessProbe\":{\"httpGet\":{\"port\":\"http\"}}}]",
		   "", "");
}

/* A probe that names a host asks there, not here. */
static void test_probe_hosts(void **state)
{
#define AT(host) LIVE("\"httpGet\":{\"host\":\"" host "\",\"port\":80}")
	has_probes(AT(""), "", "80");
	has_probes(AT("10.9.9.9"), "\"podIP\":\"10.0.0.1\"", "");
	has_probes(AT("10.0.0.1"), "\"podIP\":\"10.0.0.1\"", "80");
	has_probes(AT("fd00:0::1"), "\"podIPs\":[{\"ip\":\"fd00::1\"}]", "80");
	has_probes(AT("127.0.0.1"), "\"podIP\":\"10.0.0.1\"", "");
	has_probes("\"hostNetwork\":true," AT("127.0.0.1"), "", "80");
	has_probes("\"hostNetwork\":true," AT("localhost"), "", "80");
	has_probes("\"hostNetwork\":true," AT("example.com"), "", "");
	/* The API server lets anything be a host. */
	has_probes(AT(X256), "", "");
	has_probes(AT("a\\nb"), "", "");
	has_probes(LIVE("\"tcpSocket\":{\"port\":\"" X64 "\"}"), "", "");
}

/* The API shows the mirror of a static pod; cgroups and the runtime know the UID that it stands for. */
static void test_mirror(void **state)
{
#define MIRRORED                                                                                   \
	POD(",\"annotations\":{\"kubernetes.io/config.mirror\":"                                   \
	    "\"0123456789abcdef0123456789abcdef\"}",                                               \
	    "", "")
	struct pod pod = read_pod(MIRRORED);
	_json_ cJSON *object = NULL;

	assert_string_equal(pod.uid, "0123456789abcdef0123456789abcdef");
	assert_int_equal(pod.annotations.n, 0);
	pod_free(&pod);
	object = tree(MIRRORED, strlen(MIRRORED)); /* a DELETED is told by it */
	assert_string_equal(pod_uid(object), "0123456789abcdef0123456789abcdef");
	pod = read_pod(POD(",\"annotations\":{\"kubernetes.io/config.mirror\":\"../x\"}", "", ""));
	assert_string_equal(pod.uid, "de7cc372-9aaa-4d36-8403-7035046ee8d8");
	pod_free(&pod);
}

static void test_refused(void **state)
{
	static const char *const cases[][2] = {
		{"{}", "pod \"?/?\": \"metadata\": \"uid\" is missing"},
		{"[]", "\"uid\" is missing"},
		{"{\"metadata\":[]}", "\"metadata\" must be an object"},
		{"{\"metadata\":{\"uid\":\"a\",\"name\":\"b\"}}", "\"namespace\" is missing"},
		{"{\"metadata\":{\"uid\":\"a\",\"namespace\":\"b\"}}", "\"name\" is missing"},
		{"{\"metadata\":{\"uid\":7,\"namespace\":\"b\",\"name\":\"c\"}}",
		 "pod \"b/c\": \"metadata\": \"uid\" must be a string"},
		{"{\"metadata\":{\"uid\":\"a/b\",\"namespace\":\"b\",\"name\":\"c\"}}",
		 "\"uid\": \"a/b\" is none that Kubernetes gives"},
		{"{\"metadata\":{\"uid\":\"a\",\"namespace\":\"..\",\"name\":\"c\"}}",
		 "\"namespace\": \"..\" is none"},
		{"{\"metadata\":{\"uid\":\"a\",\"namespace\":\"b\",\"name\":\"-c\"}}",
		 "\"name\": \"-c\" is none"},
		{POD(",\"labels\":[]", "", ""), "\"labels\": must be an object of strings"},
		{POD(",\"labels\":{\"a\":1}", "", ""), "\"labels\": \"a\" must be a string"},
		{POD(",\"annotations\":{\"a\":1}", "", ""), "\"annotations\": \"a\""},
		{POD(",\"ownerReferences\":{}", "", ""), "\"ownerReferences\" must be an array"},
		{POD(",\"ownerReferences\":[{\"controller\":true}]", "", ""), "an owner without"},
		{POD(",\"creationTimestamp\":\"yesterday\"", "", ""), "\"creationTimestamp\": "},
		{POD("", "\"hostNetwork\":\"yes\"", ""), "\"hostNetwork\" must be true or false"},
		{POD("", "\"nodeName\":1", ""), "\"spec\": \"nodeName\" must be a string"},
		{POD("", "\"containers\":{}", ""), "\"containers\" must be an array"},
		{POD("", "\"containers\":[{\"livenessProbe\":[]}]", ""),
		 "\"containers\": \"livenessProbe\" must be an object"},
		{POD("", "\"containers\":[{\"livenessProbe\":{\"httpGet\":{\"port\":[]}}}]", ""),
		 "\"livenessProbe\": \"httpGet\": \"port\" must be a number or a name"},
		{POD("", "", "\"podIP\":\"10.0.0\""), "\"10.0.0\" is no address of a pod"},
		{POD("", "", "\"podIPs\":[{\"ip\":7}]"), "\"ip\" must be a string"},
		{POD("", "", "\"containerStatuses\":[{\"containerID\":7}]"), "\"containerID\""},
		{POD("", "", "\"phase\":7"), "\"phase\" must be a string"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_json_ cJSON *object = tree(cases[i][0], strlen(cases[i][0]));
		struct pod pod = {.created = 99};
		struct fault f = {0};

		if (pod_read(object, &pod, &f) != -EINVAL || pod.created != 99)
			fail_msg("not refused: %s", cases[i][0]);
		if (!strstr(f.text, cases[i][1]))
			fail_msg("%s\n  says: %s\n  wanted: %s", cases[i][0], f.text, cases[i][1]);
	}
}

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

/* Written, printed and read again, it is what it was. */
static void round_trip(const struct pod *pod)
{
	_json_ cJSON *object = pod_json(pod), *read = NULL;
	char *text = cJSON_PrintUnformatted(object);
	struct fault f = {0};
	struct pod again;

	assert_non_null(text);
	read = tree(text, strlen(text));
	if (pod_json_read(read, &again, &f))
		fail_msg("%s: %s", text, f.text);
	assert_true(same_text(pod->uid, again.uid) && same_text(pod->namespace, again.namespace) &&
		    same_text(pod->name, again.name) && same_text(pod->node, again.node) &&
		    same_text(pod->workload, again.workload) &&
		    same_text(pod->workload_kind, again.workload_kind));
	assert_true(labels_equal(&pod->labels, &again.labels));
	assert_true(labels_equal(&pod->annotations, &again.annotations));
	assert_int_equal(pod->host_network, again.host_network);
	assert_int_equal(pod->created, again.created);
	assert_int_equal(pod->n_probes, again.n_probes);
	for (size_t i = 0; i < pod->n_probes; i++)
		assert_int_equal(pod->probes[i], again.probes[i]);
	assert_int_equal(again.n_ips + again.n_containers, 0);
	pod_free(&again);
	free(text);
}

static void test_json(void **state)
{
	struct pod pod = read_pod(POD(
		",\"creationTimestamp\":\"2026-11-22T20:37:21Z\",\"labels\":{\"a\":\"b\"},"
		"\"annotations\":{\"portlic.dev/policy\":\"q\\\"\\n\"}" OWNER("Job", "j"),
		"\"hostNetwork\":true,\"nodeName\":\"n\"," LIVE("\"tcpSocket\":{\"port\":9}"), ""));

	round_trip(&pod);
	pod_free(&pod);
	pod = read_pod("{\"metadata\":{" META "}}");
	round_trip(&pod);
	pod_free(&pod);
}

static void test_bad_json(void **state)
{
	static const char *const bad[] = {
		"{}",
		"{" META ",\"probes\":{}}",
		"{" META ",\"probes\":[0]}",
		"{" META ",\"probes\":[1.5]}",
		"{" META ",\"probes\":[65536]}",
		"{" META ",\"probes\":[\"x\"]}",
		"{" META ",\"labels\":[]}",
		"{" META ",\"annotations\":7}",
		"{" META ",\"host_network\":1}",
		"{" META ",\"created\":\"x\"}",
		"{" META ",\"created\":-1}",
		"{" META ",\"created\":1e300}",
		"{" META ",\"node\":7}",
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		_json_ cJSON *object = tree(bad[i], strlen(bad[i]));
		struct pod pod;
		struct fault f = {0};

		if (pod_json_read(object, &pod, &f) != -EINVAL || !f.text[0])
			fail_msg("not refused: %s", bad[i]);
	}
}

static FILE *capture(const char *name)
{
	const char *beds = getenv("PORTLIC_TESTBEDS");
	char path[4096];
	FILE *file;

	snprintf(path, sizeof(path), "%s/captures/%s", beds ? beds : "../shared/testbeds", name);
	file = fopen(path, "re");
	if (!file) {
		print_message("# SKIP %s isn't there\n", path);
		skip();
	}
	return file;
}

/* What the watch of a real API server showed of one pod: from Pending to gone, and a bookmark. */
static void test_captured_life(void **state)
{
	FILE *file = capture("pod-life.jsonl");
	size_t room = 0, n_pods = 0, n_running = 0, n_terminating = 0, n_other = 0;
	char *line = NULL;
	ssize_t len;

	while ((len = getline(&line, &room, file)) > 0) {
		_json_ cJSON *event = tree(line, (size_t)len);
		struct pod pod;
		struct fault f = {0};

		if (pod_read(json_get(event, "object"), &pod, &f)) {
			n_other++;
			assert_string_equal(json_get(event, "type")->valuestring, "BOOKMARK");
			continue;
		}
		n_pods++;
		assert_string_equal(pod.namespace, "capture");
		assert_string_equal(pod.name, "web");
		assert_string_equal(pod.node, "n1");
		assert_string_equal(labels_get(&pod.labels, "app"), "web");
		assert_int_equal(strlen(pod.uid), 36);
		assert_int_equal(pod.annotations.n, 0);
		assert_true(pod.created > 1700000000);
		assert_false(pod.host_network);
		if (pod.n_ips && pod.n_containers)
			assert_int_equal(strlen(pod.containers[0]), 64);
		n_running += pod.n_ips && pod.n_containers;
		n_terminating += pod.terminating;
		round_trip(&pod);
		pod_free(&pod);
	}
	free(line);
	fclose(file);
	assert_true(n_pods >= 5 && n_running >= 1 && n_terminating >= 1 && n_other >= 1);
}

/* The body of the list, which is behind the headers. */
static void test_captured_list(void **state)
{
	FILE *file = capture("list.txt");
	static char text[65536];
	size_t len = fread(text, 1, sizeof(text) - 1, file), n = 0;
	_json_ cJSON *list = NULL;
	const cJSON *item;
	char *body, *end;

	fclose(file);
	text[len] = '\0';
	body = strchr(text, '{'); /* behind the headers and the size of the one chunk */
	assert_non_null(body);
	end = strrchr(body, '}');
	list = tree(body, (size_t)(end + 1 - body));
	cJSON_ArrayForEach (item, json_get(list, "items")) {
		struct pod pod;
		struct fault f = {0};

		if (pod_read(item, &pod, &f))
			fail_msg("%s", f.text);
		n++;
		pod_free(&pod);
	}
	assert_true(n >= 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole),	      cmocka_unit_test(test_bare),
		cmocka_unit_test(test_owners),	      cmocka_unit_test(test_phases),
		cmocka_unit_test(test_probes),	      cmocka_unit_test(test_named_probes),
		cmocka_unit_test(test_probe_hosts),   cmocka_unit_test(test_mirror),
		cmocka_unit_test(test_refused),	      cmocka_unit_test(test_json),
		cmocka_unit_test(test_bad_json),      cmocka_unit_test(test_captured_life),
		cmocka_unit_test(test_captured_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
