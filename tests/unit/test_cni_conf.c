/* SPDX-License-Identifier: MIT */
/* test_cni_conf.c - stdin, what is decided from it without the agent, and the result on its way through. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "conf.h"
#include "decide.h"
#include "result.h"

#define HEAD "\"cniVersion\":\"1.0.0\",\"name\":\"n\",\"type\":\"portlic-cni\""
#define PREV "\"prevResult\":{\"cniVersion\":\"1.0.0\"}"
#define ANNOTATIONS "\"runtimeConfig\":{\"io.kubernetes.cri.pod-annotations\":"

static int read_text(enum cni_command command, const char *text, struct cni_conf *conf,
		     struct cni_error *error)
{
	*error = (struct cni_error){0};
	return cni_conf_read(command, text, strlen(text), conf, error);
}

static void test_taken(void **state)
{
	struct cni_error error;
	struct cni_conf conf;

	assert_int_equal(
		read_text(CNI_ADD,
			  "{" HEAD "," PREV
			  ",\"dns\":{},\"ipam\":{},\"args\":{\"a\":[1]},\"cni.dev/x\":null,"
			  "\"capabilities\":{\"portMappings\":true},\"runtimeConfig\":{"
			  "\"portMappings\":[{\"HostPort\":1},{\"hostPort\":1}]}}",
			  &conf, &error),
		0);
	assert_string_equal(conf.socket, CNI_DEFAULT_SOCKET);
	assert_string_equal(conf.selection, CNI_DEFAULT_SELECTION);
	assert_false(conf.fail_open || conf.sees_annotations || conf.asks);
	assert_non_null(conf.previous);
	cni_conf_free(&conf);
	assert_int_equal(
		read_text(CNI_ADD,
			  "{" HEAD "," PREV
			  ",\"socket\":\"/s\",\"selection\":\"/f\",\"fail\":\"open\"," ANNOTATIONS
			  "{\"portlic.dev/policy\":\"a\\nb\"}}}",
			  &conf, &error),
		0);
	assert_string_equal(conf.socket, "/s");
	assert_string_equal(conf.selection, "/f");
	assert_true(conf.fail_open && conf.sees_annotations && conf.asks);
	cni_conf_free(&conf);
}

static void test_asks(void **state)
{
	static const struct {
		const char *annotations;
		bool sees, asks;
	} cases[] = {
		{"{}", true, false},
		{"{\"a\":\"b\"}", true, false},
		{"{\"portlic.dev/policy\":\"\"}", true, true},
		{"{\"portlic.dev/mode\":\"audit\"}", true, true},
		{"{\"portlic.dev/mode\":\"Off\"}", true, true}, /* no good: counts as enforce */
		{"{\"portlic.dev/mode\":1}", true, true},
		{"{\"portlic.dev/mode\":\"off\"}", true, false},
		{"null", true, false},
	};
	struct cni_error error;
	struct cni_conf conf;
	char text[512];

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		snprintf(text, sizeof(text), "{" HEAD "," PREV "," ANNOTATIONS "%s}}",
			 cases[i].annotations);
		assert_int_equal(read_text(CNI_ADD, text, &conf, &error), 0);
		assert_int_equal(conf.sees_annotations, cases[i].sees);
		assert_int_equal(conf.asks, cases[i].asks);
		cni_conf_free(&conf);
	}
	assert_int_equal(read_text(CNI_ADD,
				   "{" HEAD "," PREV ",\"capabilities\":{"
				   "\"io.kubernetes.cri.pod-annotations\":true}}",
				   &conf, &error),
			 0);
	assert_true(conf.sees_annotations && !conf.asks);
	cni_conf_free(&conf);
}

static void test_refused(void **state)
{
	static const struct {
		enum cni_command command;
		const char *text;
		enum cni_code code;
		const char *says;
	} cases[] = {
		{CNI_ADD, "", CNI_BAD_JSON, "JSON"},
		{CNI_DEL, "{", CNI_BAD_JSON, "byte 1"},
		{CNI_ADD, "[]", CNI_BAD_JSON, "object"},
		{CNI_ADD, "{" HEAD "," PREV "," HEAD "}", CNI_BAD_JSON, "twice"},
		{CNI_ADD, "{\"name\":\"n\"," PREV "}", CNI_INCOMPATIBLE, "missing"},
		{CNI_ADD, "{\"cniVersion\":\"0.2.0\"," PREV "}", CNI_INCOMPATIBLE, "0.2.0"},
		{CNI_DEL, "{\"cniVersion\":\"2.0.0\"}", CNI_INCOMPATIBLE, "2.0.0"},
		{CNI_ADD, "{\"cniVersion\":1," PREV "}", CNI_BAD_CONFIG, "cniVersion"},
		{CNI_ADD, "{" HEAD "}", CNI_BAD_CONFIG, "prevResult"},
		{CNI_CHECK, "{" HEAD "}", CNI_BAD_CONFIG, "prevResult"},
		{CNI_ADD, "{" HEAD ",\"prevResult\":null}", CNI_BAD_CONFIG, "prevResult"},
		{CNI_ADD, "{" HEAD "," PREV ",\"fail\":\"shut\"}", CNI_BAD_CONFIG, "fail"},
		{CNI_ADD, "{" HEAD "," PREV ",\"socket\":\"s\"}", CNI_BAD_CONFIG, "socket"},
		{CNI_STATUS, "{" HEAD ",\"selection\":\"s\"}", CNI_BAD_CONFIG, "selection"},
		{CNI_GC, "{" HEAD ",\"cni.dev/valid-attachments\":{}}", CNI_BAD_CONFIG, "attach"},
		{CNI_GC, "{" HEAD ",\"cni.dev/valid-attachments\":[{\"containerID\":\"a\"}]}",
		 CNI_BAD_CONFIG, "ifname"},
		{CNI_GC, "{" HEAD ",\"cni.dev/valid-attachments\":[1]}", CNI_BAD_CONFIG, "each"},
	};
	struct cni_error error;
	struct cni_conf conf;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		assert_int_equal(read_text(cases[i].command, cases[i].text, &conf, &error), -1);
		assert_int_equal(error.code, cases[i].code);
		assert_non_null(strstr(error.message.text, cases[i].says));
		cni_conf_free(&conf);
	}
}

/* A pod must be able to end, whatever its entry says. */
static void test_del_is_lenient(void **state)
{
	struct cni_error error;
	struct cni_conf conf;

	assert_int_equal(
		read_text(CNI_DEL, "{" HEAD ",\"fail\":1,\"socket\":\"s\"}", &conf, &error), 0);
	assert_string_equal(conf.socket, CNI_DEFAULT_SOCKET);
	cni_conf_free(&conf);
	assert_int_equal(
		read_text(CNI_GC,
			  "{" HEAD
			  ",\"cni.dev/valid-attachments\":[{\"containerID\":\"a\",\"ifname\":"
			  "\"eth0\"}]}",
			  &conf, &error),
		0);
	cni_conf_free(&conf);
}

static void test_decide(void **state)
{
	static const struct {
		const char *namespace;
		bool known;
		struct cni_said said;
		bool sees, asks, may;
	} cases[] = {
		{"shop", true, {.selected = CNI_MAY}, true, false, true},
		{"dev", true, {.selected = CNI_ASKED}, true, false, false},
		{"dev", true, {.selected = CNI_ASKED}, true, true, true},
		{"dev",
		 true,
		 {.selected = CNI_ASKED},
		 false,
		 false,
		 true}, /* nobody sees whether */
		{"kube-system", true, {.selected = CNI_NEVER}, true, true, false},
		{"kube-system", true, {.selected = CNI_MAY}, true, false, true},
		{NULL, true, {.selected = CNI_MAY}, false, false, false}, /* podman */
		{NULL, true, {.gates = true}, false, false, true},
		{"kube-system", false, {0}, false, false, false},
		{"kube-node-lease", false, {0}, true, true, false},
		{"dev", false, {0}, true, false, true},
		{NULL, false, {0}, true, false, true},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const struct cni_call call = {.namespace = (char *)cases[i].namespace};
		const struct cni_conf conf = {.sees_annotations = cases[i].sees,
					      .asks = cases[i].asks};

		assert_int_equal(
			cni_may_be_selected(&call, &conf, cases[i].known ? &cases[i].said : NULL),
			cases[i].may);
	}
}

static void test_watched(void **state)
{
	static const struct {
		const char *namespace;
		enum cni_selected selected;
		bool known, sees, asks, watched;
	} cases[] = {
		{"dev", CNI_WATCHED, true, true, false, true},
		{"dev", CNI_WATCHED, true, true, true, false}, /* it may ask for more */
		{"dev", CNI_WATCHED, true, false, false, false},
		{"dev", CNI_MAY, true, true, false, false},
		{"dev", CNI_WATCHED, false, true, false, false},
		{NULL, CNI_WATCHED, true, true, false, false},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const struct cni_call call = {.namespace = (char *)cases[i].namespace};
		const struct cni_said said = {.selected = cases[i].selected};
		const struct cni_conf conf = {.sees_annotations = cases[i].sees,
					      .asks = cases[i].asks};

		assert_int_equal(cni_is_watched(&call, &conf, cases[i].known ? &said : NULL),
				 cases[i].watched);
		assert_true(cni_may_be_selected(&call, &conf, cases[i].known ? &said : NULL) ||
			    !cases[i].namespace);
	}
}

static void test_result(void **state)
{
	static const char old[] = "{\"cniVersion\":\"0.4.0\",\"interfaces\":[{\"name\":\"eth0\","
				  "\"sandbox\":\"/n\"}],\"ips\":[{"
				  "\"version\":\"4\",\"address\":\"10.0.0.2/"
				  "24\",\"interface\":0},{\"version\":\"6\",\"address\":"
				  "\"fd00::2/64\"}],\"routes\":[{\"dst\":\"0.0.0.0/"
				  "0\"}],\"dns\":{\"search\":[\"a\"]},\"x\":1.5}";
	static const char new[] = "{\"cniVersion\":\"1.1.0\",\"interfaces\":[{\"name\":\"eth0\","
				  "\"mtu\":1500,\"pciID\":\"p\"}],"
				  "\"ips\":[{\"address\":\"10.0.0.2/24\"},{\"address\":\"fd00::2/"
				  "64\"}],\"routes\":[{\"dst\":"
				  "\"0.0.0.0/0\",\"mtu\":1400,\"table\":3}]}";
	static const struct {
		const char *from, *version, *want;
	} cases[] = {
		{old, "0.4.0", old},
		{old, "1.0.0",
		 "{\"cniVersion\":\"1.0.0\",\"interfaces\":[{\"name\":\"eth0\",\"sandbox\":\"/"
		 "n\"}],\"ips\":[{"
		 "\"address\":\"10.0.0.2/24\",\"interface\":0},{\"address\":\"fd00::2/"
		 "64\"}],\"routes\":[{"
		 "\"dst\":\"0.0.0.0/0\"}],\"dns\":{\"search\":[\"a\"]},\"x\":1.5}"},
		{new, "1.1.0", new},
		{new, "1.0.0",
		 "{\"cniVersion\":\"1.0.0\",\"interfaces\":[{\"name\":\"eth0\"}],\"ips\":[{"
		 "\"address\":"
		 "\"10.0.0.2/24\"},{\"address\":\"fd00::2/64\"}],\"routes\":[{\"dst\":\"0.0.0.0/"
		 "0\"}]}"},
		{new, "0.3.1",
		 "{\"cniVersion\":\"0.3.1\",\"interfaces\":[{\"name\":\"eth0\"}],\"ips\":[{"
		 "\"address\":"
		 "\"10.0.0.2/24\",\"version\":\"4\"},{\"address\":\"fd00::2/"
		 "64\",\"version\":\"6\"}],"
		 "\"routes\":[{\"dst\":\"0.0.0.0/0\"}]}"},
		{"{}", "0.4.0", "{\"cniVersion\":\"0.4.0\"}"},
		{"{\"ips\":1,\"routes\":[1],\"interfaces\":{\"a\":2}}", "0.4.0",
		 "{\"ips\":1,\"routes\":[1],\"interfaces\":{\"a\":2},\"cniVersion\":\"0.4.0\"}"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		cJSON *tree = cJSON_Parse(cases[i].from);
		char *text = cni_result_text(tree, cases[i].version);

		assert_string_equal(text, cases[i].want);
		free(text);
		cJSON_Delete(tree);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_taken),	cmocka_unit_test(test_asks),
		cmocka_unit_test(test_refused), cmocka_unit_test(test_del_is_lenient),
		cmocka_unit_test(test_decide),	cmocka_unit_test(test_watched),
		cmocka_unit_test(test_result),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
