/* SPDX-License-Identifier: MIT */
/* test_kubeevent.c - events, lists and objects of the API server. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <errno.h>

#include <cmocka.h>

#include "kubeevent.h"

static int read_event(const char *text, struct kube_event *out, struct fault *f)
{
	char *copy = strdup(text);
	int err = kube_event_read(copy, strlen(copy), out, f);

	free(copy);
	return err;
}

static void test_events(void **state)
{
	struct kube_event event;
	struct fault f = {0};

	assert_int_equal(
		read_event(
			"{\"type\":\"DELETED\",\"object\":{\"metadata\":{\"resourceVersion\":\"7\","
			"\"name\":\"n\"}}}",
			&event, &f),
		0);
	assert_int_equal(event.type, KUBE_DELETED);
	assert_string_equal(event.version, "7");
	assert_string_equal(
		cJSON_GetStringValue(json_get(json_get(event.object, "metadata"), "name")), "n");
	kube_event_free(&event);
	assert_int_equal(
		read_event("{\"type\":\"BOOKMARK\",\"object\":{\"kind\":\"Pod\",\"metadata\":{"
			   "\"resourceVersion\":"
			   "\"339\",\"creationTimestamp\":null},\"spec\":{\"containers\":null}}}",
			   &event, &f),
		0);
	assert_int_equal(event.type, KUBE_BOOKMARK);
	kube_event_free(&event);
	assert_int_equal(read_event("{\"type\":\"ERROR\",\"object\":{\"kind\":\"Status\","
				    "\"message\":\"too old\",\"code\":"
				    "410}}",
				    &event, &f),
			 0);
	assert_int_equal(event.code, 410);
	assert_string_equal(kube_status_text(event.object), "too old");
	kube_event_free(&event);
	assert_int_equal(read_event("{\"type\":\"ERROR\",\"object\":{\"code\":-1}}", &event, &f),
			 0);
	assert_int_equal(event.code, 0);
	assert_null(kube_status_text(event.object));
	kube_event_free(&event);
}

static void refuses(const char *text, const char *why)
{
	struct kube_event event = {0};
	struct fault f = {0};

	assert_int_equal(read_event(text, &event, &f), -EBADMSG);
	assert_null(event.tree);
	assert_non_null(strstr(f.text, why));
}

static void test_bad_events(void **state)
{
	refuses("{}", "an event of the type \"\"");
	refuses("{\"type\":\"added\",\"object\":{}}", "an event of the type \"added\"");
	refuses("{\"type\":7,\"object\":{}}", "an event of the type \"\"");
	refuses("{\"type\":\"ADDED\"}", "without an object");
	refuses("{\"type\":\"ADDED\",\"object\":[]}", "without an object");
	refuses("{\"type\":\"ADDED\",\"object\":{}}", "resourceVersion");
	refuses("{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"resourceVersion\":7}}}",
		"resourceVersion");
	refuses("{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"resourceVersion\":\"7 8\"}}}",
		"resourceVersion");
	refuses("{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"resourceVersion\":\"\"}}}",
		"resourceVersion");
	refuses("{\"type\":\"ADDED\",\"type\":\"DELETED\",\"object\":{}}", "stands twice");
	refuses("{\"type\":\"ADDED\",", "no good JSON");
}

static int read_list(const char *text, struct kube_list *out, struct fault *f)
{
	char *copy = strdup(text);
	int err = kube_list_read(copy, strlen(copy), out, f);

	free(copy);
	return err;
}

static void refuses_list(const char *text, const char *why)
{
	struct kube_list list = {0};
	struct fault f = {0};

	assert_int_equal(read_list(text, &list, &f), -EBADMSG);
	assert_null(list.tree);
	assert_non_null(strstr(f.text, why));
}

static void test_lists(void **state)
{
	struct kube_list list;
	struct fault f = {0};

	assert_int_equal(
		read_list("{\"items\":[],\"metadata\":{\"resourceVersion\":\"5\"}}", &list, &f), 0);
	assert_string_equal(list.version, "5");
	assert_null(list.continued);
	kube_list_free(&list);
	assert_int_equal(read_list("{\"metadata\":{\"resourceVersion\":\"5\",\"continue\":\"\"},"
				   "\"items\":null}",
				   &list, &f),
			 0);
	assert_null(list.continued);
	kube_list_free(&list);
	assert_int_equal(read_list("{\"metadata\":{\"resourceVersion\":\"5\",\"continue\":\"eyJ2+/"
				   "=\"},\"items\":[]}",
				   &list, &f),
			 0);
	assert_string_equal(list.continued, "eyJ2+/=");
	kube_list_free(&list);
	refuses_list("{\"metadata\":{\"resourceVersion\":\"5\"}}", "\"items\" is missing");
	refuses_list("{\"items\":{},\"metadata\":{\"resourceVersion\":\"5\"}}",
		     "\"items\" is missing");
	refuses_list("{\"items\":[],\"metadata\":{}}", "resourceVersion");
	refuses_list("{\"items\":[],\"metadata\":{\"resourceVersion\":\"5\",\"continue\":\"a b\"}}",
		     "\"continue\"");
	refuses_list("{\"items\":[],\"metadata\":{\"resourceVersion\":\"5\",\"continue\":7}}",
		     "\"continue\"");
}

static const char *value_of(const char *text, cJSON **tree)
{
	char *copy = strdup(text);
	struct fault f = {0};

	assert_int_equal(kube_json(copy, strlen(copy), tree, &f), 0);
	free(copy);
	return cJSON_GetStringValue(json_get(*tree, "a"));
}

/* One pod's annotation must not hide all the others. */
static void test_escaped_nul(void **state)
{
	cJSON *tree;

	assert_string_equal(value_of("{\"a\":\"x\\u0000y\\u0000\"}", &tree),
			    "x\xef\xbf\xbdy\xef\xbf\xbd");
	cJSON_Delete(tree);
	assert_string_equal(value_of("{\"a\":\"\\\\u0000\"}", &tree), "\\u0000");
	cJSON_Delete(tree);
	assert_string_equal(value_of("{\"a\":\"\\\\\\u0000\"}", &tree), "\\\xef\xbf\xbd");
	cJSON_Delete(tree);
	assert_string_equal(value_of("{\"a\":\"\\u00001\"}", &tree), "\xef\xbf\xbd"
								     "1");
	cJSON_Delete(tree);
}

static void test_depth_and_size(void **state)
{
	char deep[512] = "", *large = malloc(3000000);
	struct fault f = {0};
	cJSON *tree;
	size_t at = 0;

	for (int i = 0; i < 64; i++)
		strcat(deep, "[");
	for (int i = 0; i < 64; i++)
		strcat(deep, "]");
	assert_int_equal(kube_json(deep, strlen(deep), &tree, &f), 0);
	cJSON_Delete(tree);
	memmove(deep + 1, deep, strlen(deep) + 1);
	strcat(deep, "]");
	assert_int_equal(kube_json(deep, strlen(deep), &tree, &f), -EBADMSG);
	/* 1.5 MB of small members, as a ConfigMap can have */
	at += (size_t)sprintf(large, "{");
	for (int i = 0; i < 100000; i++)
		at += (size_t)sprintf(large + at, "%s\"k%d\":\"%d\"", i ? "," : "", i, i);
	at += (size_t)sprintf(large + at, "}");
	assert_true(at > 1500000);
	assert_int_equal(kube_json(large, at, &tree, &f), 0);
	assert_int_equal(cJSON_GetArraySize(tree), 100000);
	cJSON_Delete(tree);
	free(large);
}

static void test_escape(void **state)
{
	char *text = kube_escape("spec.nodeName=n-1,a~_/%+ \xc3\xa4");

	assert_string_equal(text, "spec.nodeName%3Dn-1%2Ca~_%2F%25%2B%20%C3%A4");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_events),	       cmocka_unit_test(test_bad_events),
		cmocka_unit_test(test_lists),	       cmocka_unit_test(test_escaped_nul),
		cmocka_unit_test(test_depth_and_size), cmocka_unit_test(test_escape),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
