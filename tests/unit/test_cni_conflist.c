/* SPDX-License-Identifier: MIT */
/* test_cni_conflist.c - our entry comes and goes, the rest of a configuration stays as it was. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "conflist.h"

#define OURS                                                                                       \
	"{\"type\":\"portlic-cni\",\"fail\":\"closed\",\"capabilities\":{"                         \
	"\"io.kubernetes.cri.pod-annotations\":true}}"

static const struct conflist_entry closed = {.fail = "closed"};

static cJSON *read_list(const char *text)
{
	struct fault f;
	cJSON *root = NULL;

	assert_int_equal(conflist_read("x", text, strlen(text), &root, &f), 0);
	return root;
}

static void is(const cJSON *root, const char *want)
{
	char *text = cJSON_PrintUnformatted(root);

	assert_string_equal(text, want);
	free(text);
}

static void test_chained(void **state)
{
	static const char before[] = "{\"cniVersion\":\"0.4.0\",\"name\":\"n\",\"own\":[1,2.5,null]"
				     ",\"plugins\":[{\"type\":\"bridge\","
				     "\"mtu\":9000},{\"type\":\"portmap\",\"capabilities\":{"
				     "\"portMappings\":true}}],\"z\":\"\"}";
	cJSON *root = read_list(before);
	struct fault f;

	for (int i = 0; i < 2; i++) { /* once more changes nothing */
		assert_int_equal(conflist_chain(root, &closed, &f), 0);
		assert_true(conflist_has(root));
		is(root, "{\"cniVersion\":\"0.4.0\",\"name\":\"n\",\"own\":[1,2.5,null],"
			 "\"plugins\":[{\"type\":"
			 "\"bridge\",\"mtu\":9000},{\"type\":\"portmap\",\"capabilities\":{"
			 "\"portMappings\":true}}"
			 "," OURS "],\"z\":\"\"}");
	}
	conflist_unchain(root);
	assert_false(conflist_has(root));
	is(root, before);
	cJSON_Delete(root);
}

/* Other options on an entry that is there, and one that is there twice. */
static void test_renewed(void **state)
{
	cJSON *root =
		read_list("{\"cniVersion\":\"1.0.0\",\"plugins\":[{\"type\":\"a\"},{\"type\":"
			  "\"portlic-cni\",\"fail\":\"open\",\"socket\":\"/s\",\"mine\":1,"
			  "\"capabilities\":{\"portMappings\":true}},{\"type\":\"b\"},{\"type\":"
			  "\"portlic-cni\"}]}");
	struct fault f;

	assert_int_equal(conflist_chain(root, &closed, &f), 0);
	is(root,
	   "{\"cniVersion\":\"1.0.0\",\"plugins\":[{\"type\":\"a\"},{\"type\":\"portlic-cni\","
	   "\"fail\":\"closed\",\"mine\":1,\"capabilities\":{\"portMappings\":true,"
	   "\"io.kubernetes.cri.pod-annotations\":true}},{\"type\":\"b\"}]}");
	cJSON_Delete(root);
}

static void test_wrapped(void **state)
{
	cJSON *single =
		read_list("{\"cniVersion\":\"0.3.1\",\"name\":\"flannel\",\"type\":\"flannel\","
			  "\"delegate\":{\"isDefaultGateway\":true}}");
	cJSON *list = NULL;
	struct fault f;

	assert_int_equal(conflist_wrap(single, "10-flannel.conf", &closed, &list, &f), 0);
	is(list,
	   "{\"plugins\":[{\"cniVersion\":\"0.3.1\",\"name\":\"flannel\",\"type\":\"flannel\","
	   "\"delegate\":{\"isDefaultGateway\":true}}," OURS "],\"cniVersion\":\"0.3.1\",\"name\":"
	   "\"flannel\",\"portlic.dev/wraps\":\"10-flannel.conf\"}");
	assert_string_equal(conflist_wraps(list), "10-flannel.conf");
	assert_null(conflist_wraps(single));
	cJSON_Delete(list);
	cJSON_Delete(single);
}

static void test_refused(void **state)
{
	static const struct {
		const char *text, *says;
		bool single;
	} cases[] = {
		{"{\"cniVersion\":\"1.0.0\"}", "plugins", false},
		{"{\"cniVersion\":\"1.0.0\",\"plugins\":[]}", "plugins", false},
		{"{\"cniVersion\":\"1.0.0\",\"plugins\":{}}", "plugins", false},
		{"{\"cniVersion\":\"0.2.0\",\"plugins\":[{\"type\":\"a\"}]}", "0.2.0", false},
		{"{\"plugins\":[{\"type\":\"a\"}]}", "cniVersion", false},
		{"{\"cniVersion\":\"1.0.0\",\"plugins\":[{\"type\":\"portlic-cni\"},{\"type\":"
		 "\"a\"}]}",
		 "first", false},
		{"{\"cniVersion\":\"1.0.0\",\"name\":\"n\"}", "type", true},
		{"{\"cniVersion\":\"1.0.0\",\"type\":\"n\"}", "name", true},
		{"{\"name\":\"n\",\"type\":\"n\"}", "cniVersion", true},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		cJSON *root = read_list(cases[i].text), *list = NULL;
		struct fault f = {0};
		int err = cases[i].single ? conflist_wrap(root, "x", &closed, &list, &f)
					  : conflist_chain(root, &closed, &f);

		assert_int_equal(err, -EBADMSG);
		assert_non_null(strstr(f.text, cases[i].says));
		assert_null(list);
		is(root, cases[i].text); /* as it was */
		cJSON_Delete(root);
	}
}

static void test_names(void **state)
{
	assert_true(conflist_is_name("10-a.conf") && conflist_is_name("a.conflist") &&
		    conflist_is_name(".a.json"));
	assert_false(conflist_is_name("a.conf.bak") || conflist_is_name(".conf") ||
		     conflist_is_name(".portlic-1.new"));
	assert_string_equal(conflist_name_before("10-calico.conf"), "00-portlic.conflist");
	assert_string_equal(conflist_name_before("00-multus.conf"), "+portlic.conflist");
	assert_null(conflist_name_before("!.conf"));
	assert_true(conflist_is_ours("+portlic.conflist"));
	assert_false(conflist_is_ours("portlic.conflist"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_chained), cmocka_unit_test(test_renewed),
		cmocka_unit_test(test_wrapped), cmocka_unit_test(test_refused),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
