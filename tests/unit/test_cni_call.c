/* SPDX-License-Identifier: MIT */
/* test_cni_call.c - the environment of a call: what is taken, what is refused, and whose name the refusal has. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "call.h"

struct environment {
	const char *command, *container, *netns, *ifname, *args;
};

static const char *get(void *arg, const char *name)
{
	const struct environment *e = arg;

	return !strcmp(name, "CNI_COMMAND")	  ? e->command
	       : !strcmp(name, "CNI_CONTAINERID") ? e->container
	       : !strcmp(name, "CNI_NETNS")	  ? e->netns
	       : !strcmp(name, "CNI_IFNAME")	  ? e->ifname
	       : !strcmp(name, "CNI_ARGS")	  ? e->args
						  : NULL;
}

#define POD "IgnoreUnknown=1;K8S_POD_NAMESPACE=shop;K8S_POD_NAME=web-1;K8S_POD_UID=u-1"
#define ID "5e1f"

static void test_pod(void **state)
{
	struct environment e = {"ADD", ID, "/var/run/netns/cni-1", "eth0",
				"K8S_POD_UID=u-1;K8S_POD_INFRA_CONTAINER_ID=" ID
				";K8S_POD_NAME=web-1;Other=;IgnoreUnknown=true;K8S_POD_NAMESPACE="
				"shop"};
	struct cni_error error = {0};
	struct cni_call call;

	assert_int_equal(cni_call_read(get, &e, &call, &error), 0);
	assert_int_equal(call.command, CNI_ADD);
	assert_string_equal(call.container, ID);
	assert_string_equal(call.netns, "/var/run/netns/cni-1");
	assert_string_equal(call.ifname, "eth0");
	assert_string_equal(call.namespace, "shop");
	assert_string_equal(call.name, "web-1");
	assert_string_equal(call.uid, "u-1");
	cni_call_free(&call);
}

static void test_podman(void **state)
{
	struct environment e = {"VERSION", NULL, "dummy", "dummy", ""};
	struct cni_error error = {0};
	struct cni_call call;

	assert_int_equal(cni_call_read(get, &e, &call, &error), 0);
	assert_int_equal(call.command, CNI_VERSION);
	cni_call_free(&call);
	e = (struct environment){"ADD", ID, "/run/netns/netns-1", "eth0",
				 "IgnoreUnknown=1;K8S_POD_NAME=brave_shaw"};
	assert_int_equal(cni_call_read(get, &e, &call, &error), 0);
	assert_null(call.namespace);
	assert_null(call.uid);
	assert_string_equal(call.name, "brave_shaw");
	cni_call_free(&call);
}

static void test_taken(void **state)
{
	static const struct environment cases[] = {
		{"DEL", ID, NULL, "eth0", POD}, /* the second DEL */
		{"DEL", ID, "", "eth0", POD},
		{"ADD", ID, "/n", "eth0", NULL},
		{"ADD", ID, "/n", "eth0", ""},
		{"ADD", ID, "/n", "eth0", POD ";"},
		{"ADD", ID, "/n", "eth0", "K8S_POD_NAMESPACE=;K8S_POD_NAME="},
		{"ADD", ID, "/n", "eth0", "IgnoreUnknown=TRUE;a=b=c"},
		{"CHECK", ID, "/n", "ens1f0.100", POD},
		{"GC", NULL, NULL, NULL, NULL},
		{"STATUS", NULL, NULL, NULL, NULL},
	};
	struct cni_error error = {0};
	struct cni_call call;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		assert_int_equal(cni_call_read(get, (void *)&cases[i], &call, &error), 0);
		cni_call_free(&call);
	}
}

static void test_refused(void **state)
{
	static const struct {
		struct environment e;
		const char *says;
	} cases[] = {
		{{NULL, ID, "/n", "eth0", POD}, "CNI_COMMAND"},
		{{"", ID, "/n", "eth0", POD}, "CNI_COMMAND"},
		{{"add", ID, "/n", "eth0", POD}, "CNI_COMMAND"},
		{{"ADD", NULL, "/n", "eth0", POD}, "CNI_CONTAINERID"},
		{{"ADD", "-x", "/n", "eth0", POD}, "CNI_CONTAINERID"},
		{{"ADD", "x/y", "/n", "eth0", POD}, "CNI_CONTAINERID"},
		{{"DEL", "", "/n", "eth0", POD}, "CNI_CONTAINERID"},
		{{"ADD", ID, "", "eth0", POD}, "CNI_NETNS"},
		{{"CHECK", ID, NULL, "eth0", POD}, "CNI_NETNS"},
		{{"ADD", ID, "dummy", "eth0", POD}, "CNI_NETNS"},
		{{"ADD", ID, "/n\n", "eth0", POD}, "CNI_NETNS"},
		{{"ADD", ID, "/n", "", POD}, "CNI_IFNAME"},
		{{"DEL", ID, "/n", NULL, POD}, "CNI_IFNAME"},
		{{"ADD", ID, "/n", "..", POD}, "CNI_IFNAME"},
		{{"ADD", ID, "/n", "eth 0", POD}, "CNI_IFNAME"},
		{{"ADD", ID, "/n", "eth0:1", POD}, "CNI_IFNAME"},
		{{"ADD", ID, "/n", "abcdefghijklmnop", POD}, "CNI_IFNAME"},
		{{"ADD", ID, "/n", "eth0", "K8S_POD_NAME"}, "K8S_POD_NAME"},
		{{"ADD", ID, "/n", "eth0", "=x"}, "KEY=VALUE"},
		{{"ADD", ID, "/n", "eth0", POD ";K8S_POD_NAMESPACE=other"},
		 "K8S_POD_NAMESPACE twice"},
		{{"ADD", ID, "/n", "eth0", POD ";IgnoreUnknown=1"}, "IgnoreUnknown twice"},
		{{"ADD", ID, "/n", "eth0", "IgnoreUnknown=yes"}, "IgnoreUnknown"},
		{{"ADD", ID, "/n", "eth0", "Other=1"}, "Other"},
		{{"ADD", ID, "/n", "eth0", "IgnoreUnknown=0;Other=1"}, "Other"},
		{{"ADD", ID, "/n", "eth0", "K8S_POD_NAMESPACE=a/b"}, "K8S_POD_NAMESPACE"},
		{{"ADD", ID, "/n", "eth0", "K8S_POD_NAMESPACE=a.b"}, "K8S_POD_NAMESPACE"},
		{{"ADD", ID, "/n", "eth0", "K8S_POD_UID=a b"}, "K8S_POD_UID"},
		{{"ADD", ID, "/n", "eth0", "K8S_POD_NAME=../x"}, "K8S_POD_NAME"},
		{{"ADD", ID, "/n", "eth0", "K8S_POD_INFRA_CONTAINER_ID=/"},
		 "K8S_POD_INFRA_CONTAINER_ID"},
	};
	struct cni_call call;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct cni_error error = {0};

		assert_int_equal(cni_call_read(get, (void *)&cases[i].e, &call, &error), -1);
		assert_int_equal(error.code, CNI_BAD_ENVIRONMENT);
		assert_non_null(strstr(error.message.text, cases[i].says));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pod),
		cmocka_unit_test(test_podman),
		cmocka_unit_test(test_taken),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
