/* SPDX-License-Identifier: MIT */
/* test_peerset.c - whose addresses are in which set, as pods, labels and namespaces come and go. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "address.h"
#include "json.h"
#include "peerset.h"

/* What the kernel would have. */
static struct source_change kernel[64];
static size_t n_kernel;

static size_t place_of(uint32_t set, const uint8_t at[16])
{
	size_t i = 0;

	while (i < n_kernel && (kernel[i].set != set || memcmp(kernel[i].address, at, 16)))
		i++;
	return i;
}

/* Each change is one: nobody is let in twice, or out who isn't in. */
static void take(const struct source_change *c)
{
	size_t i = place_of(c->set, c->address);

	assert_true(c->in == (i == n_kernel));
	if (c->in)
		kernel[n_kernel++] = *c;
	else
		kernel[i] = kernel[--n_kernel];
}

static size_t flush(struct peerset *ps)
{
	struct source_change *list = NULL;
	size_t n = 0;

	assert_int_equal(peerset_changes(ps, &list, &n), 0);
	for (size_t i = 0; i < n; i++)
		take(&list[i]);
	free(list);
	return n;
}

static bool is_in(uint32_t set, const char *address)
{
	uint8_t at[16];

	assert_true(address_parse(address, at));
	return place_of(set, at) < n_kernel;
}

static struct selector selector(const char *text)
{
	_json_ cJSON *object = cJSON_Parse(text);
	struct selector s = {0};
	struct fault f = {0};

	assert_int_equal(selector_parse(object, &s, &f), 0);
	return s;
}

#define OWN NULL

static void add(struct peerset *ps, uint32_t id, const char *namespace, const char *pods,
		const char *namespaces)
{
	struct selector of_namespaces = namespaces ? selector(namespaces) : (struct selector){0};
	struct from_pods entry = {.pods = selector(pods),
				  .namespaces = namespaces ? &of_namespaces : NULL};

	assert_int_equal(peerset_add(ps, id, &entry, 1, namespace), 0);
	selector_free(&entry.pods);
	selector_free(&of_namespaces);
}

static struct peer_feed *feed(struct peerset *ps, const char *namespace, const char *text)
{
	for (size_t i = 0; i < peerset_n_feeds(ps); i++) {
		struct peer_feed *f = peerset_feed(ps, i);

		if (!strcmp(f->text, text) &&
		    (namespace ? f->namespace && !strcmp(f->namespace, namespace) : !f->namespace))
			return f;
	}
	fail_msg("no feed %s %s", namespace ? namespace : "*", text);
	return NULL;
}

/* A pod that a watch shows; the rest of it is {app: web}. */
struct shown {
	const char *uid, *namespace, *address, *second;
	int64_t created;
	bool host_network, terminating, ended, other_label;
};

static int show(struct peerset *ps, struct peer_feed *f, struct shown s)
{
	struct label web = {(char *)"app", (char *)(s.other_label ? "db" : "web")};
	struct cidr ips[2] = {{.len = 128}, {.len = 128}};
	struct pod pod = {
		.uid = (char *)s.uid,
		.namespace = (char *)(s.namespace ? s.namespace : "shop"),
		.labels = {&web, 1},
		.created = s.created,
		.host_network = s.host_network,
		.terminating = s.terminating,
		.ended = s.ended,
		.ips = ips,
	};

	if (s.address)
		assert_true(address_parse(s.address, ips[pod.n_ips++].address));
	if (s.second)
		assert_true(address_parse(s.second, ips[pod.n_ips++].address));
	if (f)
		return peerset_pod(ps, f, &pod);
	peerset_claim(ps, &pod);
	return 0;
}
#define SHOW(ps, f, ...) assert_int_equal(show(ps, f, (struct shown){__VA_ARGS__}), 0)

static void whole(struct peerset *ps, struct peer_feed *f)
{
	peerset_begin(ps, f);
	peerset_end(ps, f);
}

static struct peerset *new_set(void)
{
	struct peerset *ps = peerset_new();

	n_kernel = 0;
	assert_non_null(ps);
	return ps;
}

#define WEB "{\"matchLabels\":{\"app\":\"web\"}}"
#define WEB_TEXT "app in (web)"

/* Set 1 has the pods {app: web} of the namespace "shop". */
static struct peerset *new_shop(struct peer_feed **web)
{
	struct peerset *ps = new_set();

	add(ps, 1, "shop", WEB, OWN);
	*web = feed(ps, "shop", WEB_TEXT);
	return ps;
}

/* A mirror pod of another namespace has the UID that its author writes, and takes nothing from who has it. */
static void stolen_uid(void **state)
{
	struct peerset *ps = new_set();
	struct peer_feed *all;

	add(ps, 1, "shop", "{}", "{}");
	all = feed(ps, NULL, "");
	SHOW(ps, all, .uid = "a", .address = "10.1.0.1");
	SHOW(ps, all, .uid = "a", .namespace = "bank");
	SHOW(ps, all, .uid = "a", .namespace = "bank", .ended = true);
	SHOW(ps, all, .uid = "a", .namespace = "bank", .address = "10.1.0.2");
	flush(ps);
	assert_true(is_in(1, "10.1.0.1") && !is_in(1, "10.1.0.2"));
	peerset_free(ps);
}

static void own_namespace(void **state)
{
	struct peerset *ps = new_set();
	struct peer_feed *web;

	add(ps, 1, "shop", WEB, OWN);
	add(ps, 2, "bank", WEB, OWN);
	web = feed(ps, "shop", WEB_TEXT);
	assert_ptr_not_equal(web, feed(ps, "bank", WEB_TEXT));
	assert_int_equal(flush(ps), 0);
	SHOW(ps, web, .uid = "a"); /* scheduled, no address yet */
	assert_int_equal(flush(ps), 0);
	SHOW(ps, web, .uid = "a", .address = "10.1.0.1", .second = "fd00::1");
	assert_int_equal(flush(ps), 2);
	assert_true(is_in(1, "10.1.0.1") && is_in(1, "fd00::1"));
	assert_false(is_in(2, "10.1.0.1"));
	SHOW(ps, web, .uid = "a", .address = "10.1.0.1", .second = "fd00::1");
	assert_false(peerset_is_dirty(ps));
	SHOW(ps, web, .uid = "a", .address = "10.1.0.2", .second = "fd00::1");
	assert_int_equal(flush(ps), 2);
	assert_true(is_in(1, "10.1.0.2") && !is_in(1, "10.1.0.1") && is_in(1, "fd00::1"));
	SHOW(ps, web, .uid = "a", .address = "10.1.0.2", .other_label = true);
	flush(ps);
	assert_int_equal(n_kernel, 0);
	SHOW(ps, web, .uid = "a", .address = "10.1.0.2");
	SHOW(ps, web, .uid = "b", .address = "10.1.0.3", .namespace = "bank");
	flush(ps);
	assert_int_equal(n_kernel, 1); /* another namespace than the feed's isn't believed */
	peerset_gone(ps, web, "a");
	flush(ps);
	assert_int_equal(n_kernel, 0);
	assert_int_equal(peerset_size(ps).addresses, 0);
	assert_int_equal(peerset_size(ps).pods, 0);
	peerset_free(ps);
}

static void who_has_no_address_of_its_own(void **state)
{
	struct peer_feed *web;
	struct peerset *ps = new_shop(&web);

	SHOW(ps, web, .uid = "a", .address = "10.0.0.1", .host_network = true);
	SHOW(ps, web, .uid = "b", .address = "10.1.0.1", .ended = true);
	assert_int_equal(flush(ps), 0);
	SHOW(ps, web, .uid = "c", .address = "10.1.0.1");
	SHOW(ps, web, .uid = "c", .address = "10.1.0.1", .terminating = true);
	flush(ps);
	assert_true(is_in(1, "10.1.0.1")); /* it still ends what it has begun */
	SHOW(ps, web, .uid = "c", .address = "10.1.0.1", .ended = true);
	flush(ps);
	assert_int_equal(n_kernel, 0);
	peerset_free(ps);
	ps = new_set(); /* a gate that isn't a pod's has no namespace */
	add(ps, 1, NULL, WEB, OWN);
	assert_int_equal(peerset_n_feeds(ps), 0);
	peerset_free(ps);
}

/* Two feeds, one set each: whose an address is, is one question for all. */
static void address_is_used_again(void **state)
{
	struct peer_feed *web, *all;
	struct peerset *ps = new_shop(&web);

	add(ps, 2, "shop", "{}", "{}");
	all = feed(ps, NULL, "");
	SHOW(ps, web, .uid = "a", .address = "10.1.0.1", .created = 100);
	SHOW(ps, all, .uid = "a", .address = "10.1.0.1", .created = 100);
	flush(ps);
	assert_true(is_in(1, "10.1.0.1") && is_in(2, "10.1.0.1"));
	/* b, which isn't selected by 1, has the address now, and a still stands there. */
	SHOW(ps, all, .uid = "b", .address = "10.1.0.1", .created = 200, .other_label = true);
	flush(ps);
	assert_true(!is_in(1, "10.1.0.1") && is_in(2, "10.1.0.1"));
	/* a's last words change nothing, nor b's end. */
	SHOW(ps, web, .uid = "a", .address = "10.1.0.1", .created = 100, .terminating = true);
	flush(ps);
	assert_false(is_in(1, "10.1.0.1"));
	peerset_gone(ps, all, "b");
	flush(ps);
	SHOW(ps, web, .uid = "a", .address = "10.1.0.1", .created = 100, .terminating = true);
	flush(ps);
	assert_int_equal(n_kernel, 0);
	/* One that ends gets no address of another one's. */
	SHOW(ps, all, .uid = "c", .address = "10.1.0.2", .created = 300);
	SHOW(ps, web, .uid = "d", .address = "10.1.0.2", .created = 400, .terminating = true);
	flush(ps);
	assert_true(!is_in(1, "10.1.0.2") && is_in(2, "10.1.0.2"));
	peerset_free(ps);
}

static void of_two_in_one_list_the_younger(void **state)
{
	for (int order = 0; order < 2; order++) {
		struct peerset *ps = new_set();
		struct peer_feed *web, *all;

		add(ps, 1, "shop", WEB, OWN);
		add(ps, 2, "shop", "{}", "{}");
		web = feed(ps, "shop", WEB_TEXT);
		all = feed(ps, NULL, "");
		peerset_begin(ps, all);
		peerset_begin(ps, web);
		for (int i = 0; i < 2; i++)
			if (i == order)
				SHOW(ps, web, .uid = "old", .address = "10.1.0.1", .created = 100);
			else
				SHOW(ps, all, .uid = "new", .address = "10.1.0.1", .created = 200);
		flush(ps);
		assert_true(!is_in(1, "10.1.0.1") && is_in(2, "10.1.0.1"));
		peerset_end(ps, all);
		peerset_end(ps, web);
		peerset_free(ps);
	}
}

/* A pod that no feed shows, but the node does. */
static void claims_of_others(void **state)
{
	struct peer_feed *web;
	struct peerset *ps = new_shop(&web);

	SHOW(ps, web, .uid = "a", .address = "10.1.0.1", .created = 100);
	SHOW(ps, NULL, .uid = "z", .address = "10.1.0.1", .created = 99); /* an old one */
	SHOW(ps, NULL, .uid = "a", .address = "10.1.0.1", .created = 100);
	SHOW(ps, NULL, .uid = "h", .address = "10.1.0.1", .created = 101, .host_network = true);
	flush(ps);
	assert_true(is_in(1, "10.1.0.1"));
	SHOW(ps, NULL, .uid = "b", .address = "10.1.0.1", .created = 101);
	flush(ps);
	assert_int_equal(n_kernel, 0);
	peerset_free(ps);
}

static void lists_again(void **state)
{
	struct peer_feed *web;
	struct peerset *ps = new_shop(&web);

	assert_false(peerset_knows(ps, 1));
	peerset_begin(ps, web);
	SHOW(ps, web, .uid = "a", .address = "10.1.0.1");
	SHOW(ps, web, .uid = "b", .address = "10.1.0.2");
	flush(ps);
	assert_true(is_in(1, "10.1.0.1")); /* at once */
	peerset_end(ps, web);
	assert_true(peerset_knows(ps, 1));
	peerset_begin(ps, web);
	SHOW(ps, web, .uid = "b", .address = "10.1.0.2");
	assert_int_equal(flush(ps), 0); /* not before its end */
	peerset_begin(ps, web);		/* which never came */
	SHOW(ps, web, .uid = "b", .address = "10.1.0.2");
	peerset_end(ps, web);
	flush(ps);
	assert_true(!is_in(1, "10.1.0.1") && is_in(1, "10.1.0.2"));
	peerset_free(ps);
}

static void label(struct peerset *ps, const char *name, const char *team)
{
	struct label list = {(char *)"team", (char *)team};
	struct labels labels = {&list, 1};

	assert_int_equal(peerset_namespace(ps, name, team ? &labels : NULL), 0);
}

static void namespaces_by_label(void **state)
{
	struct peerset *ps = new_set();
	struct peer_feed *web;

	add(ps, 1, "shop", WEB, "{\"matchLabels\":{\"team\":\"x\"}}");
	web = feed(ps, NULL, WEB_TEXT);
	whole(ps, web);
	assert_false(peerset_knows(ps, 1));
	SHOW(ps, web, .uid = "a", .address = "10.1.0.1", .namespace = "n1");
	SHOW(ps, web, .uid = "b", .address = "10.1.0.2", .namespace = "n2");
	flush(ps);
	assert_int_equal(n_kernel, 0); /* no label known, no match */
	peerset_begin_namespaces(ps);
	label(ps, "n1", "x");
	label(ps, "n2", "y");
	peerset_end_namespaces(ps);
	assert_true(peerset_knows(ps, 1));
	flush(ps);
	assert_true(is_in(1, "10.1.0.1") && !is_in(1, "10.1.0.2"));
	label(ps, "n1", "y");
	label(ps, "n2", "x");
	flush(ps);
	assert_true(!is_in(1, "10.1.0.1") && is_in(1, "10.1.0.2"));
	label(ps, "n2", NULL);
	flush(ps);
	assert_int_equal(n_kernel, 0);
	label(ps, "n2", "x");
	flush(ps);
	peerset_begin_namespaces(ps);
	label(ps, "n1", "x");
	peerset_end_namespaces(ps); /* n2 has gone meanwhile */
	flush(ps);
	assert_true(is_in(1, "10.1.0.1") && !is_in(1, "10.1.0.2"));
	peerset_free(ps);
}

/* A namespace by its name needs no labels of namespaces, nor do all of them. */
static void feeds_as_narrow_as_can_be(void **state)
{
	struct peerset *ps = new_set();

	add(ps, 1, "shop", WEB, "{\"matchLabels\":{\"kubernetes.io/metadata.name\":\"bank\"}}");
	feed(ps, "bank", WEB_TEXT);
	add(ps, 2, "bank", WEB, OWN); /* the same feed */
	assert_int_equal(peerset_n_feeds(ps), 1);
	add(ps, 3, "shop", WEB, "{}");
	feed(ps, NULL, WEB_TEXT);
	for (size_t i = 0; i < 2; i++)
		whole(ps, peerset_feed(ps, i));
	assert_true(peerset_knows(ps, 1) && peerset_knows(ps, 2) && peerset_knows(ps, 3));
	add(ps, 4, "shop", WEB,
	    "{\"matchExpressions\":[{\"key\":\"kubernetes.io/metadata.name\",\"operator\":"
	    "\"NotIn\",\"values\":[\"bank\"]}]}");
	assert_false(peerset_knows(ps, 4));
	assert_int_equal(peerset_n_feeds(ps), 2);
	peerset_free(ps);
}

/* After a restart: what an earlier agent left stands until it is known who is who. */
static void takes_over(void **state)
{
	struct source_change there[2] = {{.set = 1, .in = true}, {.set = 9, .in = true}};
	struct peerset *ps = new_set();
	struct peer_feed *web;

	assert_true(address_parse("10.1.0.1", there[0].address));
	assert_true(address_parse("10.1.0.9", there[1].address));
	memcpy(kernel, there, sizeof(there));
	n_kernel = 2;
	add(ps, 1, "shop", WEB, OWN);
	web = feed(ps, "shop", WEB_TEXT);
	assert_int_equal(peerset_found(ps, there, 2), 0);
	assert_int_equal(flush(ps), 0);
	SHOW(ps, web, .uid = "b", .address = "10.1.0.2");
	flush(ps);
	assert_int_equal(n_kernel, 3);
	whole(ps, web);
	SHOW(ps, web, .uid = "b", .address = "10.1.0.2");
	flush(ps);
	assert_true(!is_in(1, "10.1.0.1") && is_in(1, "10.1.0.2"));
	assert_true(is_in(9, "10.1.0.9")); /* of a gate that hasn't come up yet */
	peerset_keep(ps, (uint32_t[]){1}, 1);
	assert_int_equal(peerset_size(ps).in_force, 1);
	peerset_free(ps);
}

/* A set that nobody named for a while is told anew: the kernel has dropped it. */
static void comes_again(void **state)
{
	struct peer_feed *web;
	struct peerset *ps = new_shop(&web);

	SHOW(ps, web, .uid = "a", .address = "10.1.0.1");
	flush(ps);
	peerset_keep(ps, NULL, 0);
	n_kernel = 0;
	assert_false(peerset_is_used(web));
	add(ps, 1, "shop", WEB, OWN);
	assert_true(peerset_is_used(web));
	assert_int_equal(flush(ps), 1);
	assert_true(is_in(1, "10.1.0.1"));
	peerset_keep(ps, NULL, 0);
	flush(ps);
	peerset_forget(ps, web);
	flush(ps);
	assert_int_equal(peerset_n_feeds(ps), 0);
	assert_int_equal(peerset_size(ps).addresses, 0);
	peerset_free(ps);
}

static void untold(void **state)
{
	struct source_change *list = NULL;
	struct peerset *ps = new_set();
	struct peer_feed *web;
	size_t n = 0;

	add(ps, 1, "shop", WEB, OWN);
	web = feed(ps, "shop", WEB_TEXT);
	whole(ps, web);
	SHOW(ps, web, .uid = "a", .address = "10.1.0.1");
	assert_int_equal(peerset_changes(ps, &list, &n), 0);
	peerset_untold(ps, &list[0]);
	free(list);
	assert_int_equal(flush(ps), 1);
	peerset_gone(ps, web, "a");
	assert_int_equal(peerset_changes(ps, &list, &n), 0);
	assert_int_equal(peerset_size(ps).addresses, 0);
	peerset_untold(ps, &list[0]);
	free(list);
	assert_int_equal(flush(ps), 1);
	assert_int_equal(n_kernel, 0);
	peerset_free(ps);
}

static void outlives_a_restart(void **state)
{
	struct peerset *ps = new_set(), *again = NULL;
	struct fault f = {0};
	struct peer_feed *web;
	char *text;

	add(ps, 1, "shop", WEB, "{\"matchLabels\":{\"team\":\"x\"}}");
	add(ps, 2, "shop", WEB, OWN);
	add(ps, 3, "unseen", WEB, OWN);
	web = feed(ps, NULL, WEB_TEXT);
	SHOW(ps, web, .uid = "a", .address = "10.1.0.1", .second = "fd00::1", .created = 7);
	SHOW(ps, web, .uid = "b", .address = "10.1.0.2", .namespace = "n2");
	whole(ps, web);
	SHOW(ps, web, .uid = "a", .address = "10.1.0.1", .second = "fd00::1", .created = 7);
	SHOW(ps, web, .uid = "b", .address = "10.1.0.2", .namespace = "n2");
	whole(ps, feed(ps, "shop", WEB_TEXT));
	peerset_begin_namespaces(ps);
	label(ps, "shop", "x");
	peerset_end_namespaces(ps);
	assert_true(peerset_changed(ps) && !peerset_changed(ps));
	text = peerset_print(ps);
	peerset_free(ps);
	assert_int_equal(peerset_parse(text, strlen(text), &again, &f), 0);
	free(text);
	assert_int_equal(peerset_n_feeds(again), 2);
	add(again, 1, "shop", WEB, "{\"matchLabels\":{\"team\":\"x\"}}");
	add(again, 2, "shop", WEB, OWN);
	add(again, 3, "unseen", WEB, OWN);
	assert_true(peerset_knows(again, 1) && peerset_knows(again, 2) && !peerset_knows(again, 3));
	assert_int_equal(flush(again), 2);
	assert_true(is_in(1, "10.1.0.1") && is_in(1, "fd00::1") && !is_in(1, "10.1.0.2"));
	peerset_free(again);
}

static void bad_memory(void **state)
{
	static const char *const bad[] = {
		"[]",
		"{",
		"{\"feeds\":[]}",
		"{\"version\":2}",
		"{\"version\":1,\"feeds\":[{\"selector\":\"\"}]}",
		"{\"version\":1,\"feeds\":[{\"namespace\":null,\"selector\":\"\",\"pods\":[[1]]}]}",
		"{\"version\":1,\"feeds\":[{\"namespace\":null,\"selector\":\"\",\"pods\":[{}]}]}",
		"{\"version\":1,\"feeds\":[{\"namespace\":null,\"selector\":\"\",\"pods\":"
		"[[\"a\",\"n\",1,\"10.1\"]]}]}",
		"{\"version\":1,\"namespaces\":[{\"labels\":{}}],\"feeds\":[]}",
	};
	struct peerset *ps = NULL;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct fault f = {0};

		assert_int_equal(peerset_parse(bad[i], strlen(bad[i]), &ps, &f), -EBADMSG);
		assert_true(f.text[0]);
	}
	assert_null(ps);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(own_namespace),
		cmocka_unit_test(who_has_no_address_of_its_own),
		cmocka_unit_test(address_is_used_again),
		cmocka_unit_test(of_two_in_one_list_the_younger),
		cmocka_unit_test(claims_of_others),
		cmocka_unit_test(lists_again),
		cmocka_unit_test(namespaces_by_label),
		cmocka_unit_test(feeds_as_narrow_as_can_be),
		cmocka_unit_test(takes_over),
		cmocka_unit_test(comes_again),
		cmocka_unit_test(stolen_uid),
		cmocka_unit_test(untold),
		cmocka_unit_test(outlives_a_restart),
		cmocka_unit_test(bad_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
