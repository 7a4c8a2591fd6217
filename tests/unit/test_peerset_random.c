/* SPDX-License-Identifier: MIT */
/*
 * test_peerset_random.c - a small cluster in which anything happens, held against what has to be true of the
 * kernel's sets at any time; and a large one, whose memory and time are printed.
 */
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "address.h"
#include "json.h"
#include "peerset.h"

#define N_PODS 8
#define N_ADDRESSES 6
#define N_NAMESPACES 3
#define N_SETS 4
#define N_LABELS 2
#define STEPS 60000

static const char *const namespaces[N_NAMESPACES] = {"n0", "n1", "n2"};
static const char *const words[N_LABELS] = {"web", "db"};

struct model_pod {
	bool there; /* runs */
	bool terminating;
	int namespace, label, address;
	int64_t created;
	char uid[24];
};

static struct {
	struct peerset *ps;
	struct model_pod pods[N_PODS];
	int teams[N_NAMESPACES]; /* -1: the namespace isn't known */
	bool kernel[N_SETS][N_ADDRESSES];
	int64_t now;
	unsigned int seed;
} m;

/* Set 0: web of n0. 1: web of all. 2: db of namespaces of team 1. 3: everybody of n1, and web of team 0. */
static bool admits(int set, const struct model_pod *pod)
{
	switch (set) {
	case 0:
		return pod->namespace == 0 && pod->label == 0;
	case 1:
		return pod->label == 0;
	case 2:
		return pod->label == 1 && m.teams[pod->namespace] == 1;
	default:
		return pod->namespace == 1 || (pod->label == 0 && m.teams[pod->namespace] == 0);
	}
}

static int roll(int n)
{
	return rand_r(&m.seed) % n;
}

static struct selector selector(const char *text)
{
	_json_ cJSON *object = cJSON_Parse(text);
	struct selector s = {0};
	struct fault f = {0};

	assert_int_equal(selector_parse(object, &s, &f), 0);
	return s;
}

static void add_sets(struct peerset *ps)
{
	struct selector web = selector("{\"matchLabels\":{\"app\":\"web\"}}");
	struct selector db = selector("{\"matchLabels\":{\"app\":\"db\"}}");
	struct selector all = {0}, team0 = selector("{\"matchLabels\":{\"team\":\"0\"}}");
	struct selector team1 = selector("{\"matchLabels\":{\"team\":\"1\"}}");
	struct selector n1 = selector("{\"matchLabels\":{\"kubernetes.io/metadata.name\":\"n1\"}}");
	const struct from_pods sets[N_SETS][2] = {
		{{web, NULL}},
		{{web, &all}},
		{{db, &team1}},
		{{all, &n1}, {web, &team0}},
	};

	for (uint32_t i = 0; i < N_SETS; i++)
		assert_int_equal(peerset_add(ps, i + 1, sets[i], i == 3 ? 2 : 1, "n0"), 0);
	selector_free(&web);
	selector_free(&db);
	selector_free(&team0);
	selector_free(&team1);
	selector_free(&n1);
}

/* The feed selects the pod, as the API server would say. */
static bool shows(const struct peer_feed *feed, const struct model_pod *pod)
{
	if (feed->namespace && strcmp(feed->namespace, namespaces[pod->namespace]))
		return false;
	return !feed->text[0] || strstr(feed->text, words[pod->label]);
}

static void show(struct peer_feed *feed, const struct model_pod *pod, bool ended)
{
	struct label app = {(char *)"app", (char *)words[pod->label]};
	struct cidr ip = {.address = {[10] = 0xff, [11] = 0xff, 10, 1, 0, (uint8_t)pod->address},
			  .len = 128};
	struct pod as = {
		.uid = (char *)pod->uid,
		.namespace = (char *)namespaces[pod->namespace],
		.labels = {&app, 1},
		.created = pod->created,
		.terminating = pod->terminating,
		.ended = ended,
		.ips = &ip,
		.n_ips = 1,
	};

	assert_int_equal(peerset_pod(m.ps, feed, &as), 0);
}

/* All feeds hear of a pod. */
static void tell(const struct model_pod *pod, bool ended)
{
	for (size_t i = 0; i < peerset_n_feeds(m.ps); i++) {
		struct peer_feed *feed = peerset_feed(m.ps, i);

		if (pod->there && shows(feed, pod))
			show(feed, pod, ended);
		else
			peerset_gone(m.ps, feed, pod->uid);
	}
}

static void list(struct peer_feed *feed)
{
	peerset_begin(m.ps, feed);
	for (int i = 0; i < N_PODS; i++)
		if (m.pods[i].there && shows(feed, &m.pods[i]))
			show(feed, &m.pods[i], false);
	peerset_end(m.ps, feed);
}

static void set_team(int namespace, int team)
{
	char text[8];
	struct label label = {(char *)"team", text};
	struct labels labels = {&label, 1};

	snprintf(text, sizeof(text), "%d", team);
	m.teams[namespace] = team;
	assert_int_equal(peerset_namespace(m.ps, namespaces[namespace], team < 0 ? NULL : &labels),
			 0);
}

static void start_pod(struct model_pod *pod)
{
	*pod = (struct model_pod){.there = true,
				  .namespace = roll(N_NAMESPACES),
				  .label = roll(N_LABELS),
				  .address = roll(N_ADDRESSES),
				  .created = ++m.now};
	snprintf(pod->uid, sizeof(pod->uid), "u%lld", (long long)m.now);
	tell(pod, false);
}

static void step(void)
{
	struct model_pod *pod = &m.pods[roll(N_PODS)];

	switch (roll(8)) {
	case 0:
		if (pod->there)
			tell(pod, true);
		pod->there = false;
		break;
	case 1:
		pod->there = false;
		tell(pod, false);
		break;
	case 2:
		pod->terminating = true;
		tell(pod, false);
		break;
	case 3:
		pod->label = roll(N_LABELS);
		tell(pod, false);
		break;
	case 4:
		set_team(roll(N_NAMESPACES), roll(3) - 1);
		break;
	case 5:
		list(peerset_feed(m.ps, (size_t)roll((int)peerset_n_feeds(m.ps))));
		break;
	default:
		if (!pod->there)
			start_pod(pod);
	}
}

static void flush(void)
{
	struct source_change *changes = NULL;
	size_t n = 0;

	assert_int_equal(peerset_changes(m.ps, &changes, &n), 0);
	for (size_t i = 0; i < n; i++) {
		bool *cell = &m.kernel[changes[i].set - 1][changes[i].address[15]];

		assert_true(*cell != changes[i].in);
		if (roll(10))
			*cell = changes[i].in;
		else
			peerset_untold(m.ps, &changes[i]); /* it failed */
	}
	free(changes);
}

/* Nobody is in who mustn't be; of who has an address alone, nobody is missing. */
static void compare(bool settled)
{
	for (int set = 0; set < N_SETS; set++)
		for (int at = 0; at < N_ADDRESSES; at++) {
			bool may = false;
			int n = 0;

			for (int i = 0; i < N_PODS; i++) {
				const struct model_pod *pod = &m.pods[i];

				if (!pod->there || pod->address != at)
					continue;
				n++;
				may |= admits(set, pod);
			}
			if (m.kernel[set][at])
				assert_true(may);
			if (settled && n == 1)
				assert_int_equal(m.kernel[set][at], may);
		}
}

static void settle(void)
{
	for (int i = 0; i < N_PODS; i++) {
		m.pods[i].terminating = false;
		tell(&m.pods[i], false);
	}
	while (peerset_is_dirty(m.ps))
		flush();
	compare(true);
}

/* As a restart does: what is remembered, and what the kernel has. */
static void restart(void)
{
	char *text = peerset_print(m.ps);
	struct source_change in[N_SETS * N_ADDRESSES];
	struct fault f = {0};
	size_t n = 0;

	peerset_free(m.ps);
	assert_int_equal(peerset_parse(text, strlen(text), &m.ps, &f), 0);
	free(text);
	add_sets(m.ps);
	for (uint32_t set = 0; set < N_SETS; set++)
		for (uint8_t at = 0; at < N_ADDRESSES; at++)
			if (m.kernel[set][at])
				in[n++] = (struct source_change){
					.set = set + 1,
					.in = true,
					.address = {[10] = 0xff, [11] = 0xff, 10, 1, 0, at}};
	assert_int_equal(peerset_found(m.ps, in, n), 0);
}

static void anything_happens(void **state)
{
	m.seed = 7;
	m.ps = peerset_new();
	add_sets(m.ps);
	assert_int_equal(peerset_n_feeds(m.ps), 4);
	for (size_t i = 0; i < 4; i++)
		list(peerset_feed(m.ps, i));
	peerset_begin_namespaces(m.ps);
	for (int i = 0; i < N_NAMESPACES; i++)
		set_team(i, roll(2));
	peerset_end_namespaces(m.ps);
	for (int i = 0; i < STEPS; i++) {
		step();
		if (roll(3) == 0) {
			while (peerset_is_dirty(m.ps))
				flush();
			compare(false);
		}
		if (i % 200 == 199)
			settle();
		if (i % 2000 == 1999)
			restart();
	}
	peerset_free(m.ps);
}

/* --- a large cluster: 20,000 pods on 1,000 nodes in 200 namespaces, all of which two policies name */

#define LARGE 20000

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void show_large(struct peerset *ps, struct peer_feed *feed, uint32_t i, uint32_t address)
{
	char uid[40], namespace[16];
	struct cidr ip = {.address = {[10] = 0xff,
				      [11] = 0xff,
				      10,
				      (uint8_t)(address >> 16),
				      (uint8_t)(address >> 8),
				      (uint8_t)address},
			  .len = 128};
	struct label app = {(char *)"app", (char *)"web"};
	struct pod pod = {.uid = uid,
			  .namespace = namespace,
			  .labels = {&app, 1},
			  .created = i,
			  .ips = &ip,
			  .n_ips = 1};

	snprintf(uid, sizeof(uid), "%08x-1234-4321-8888-0123456789ab", i);
	snprintf(namespace, sizeof(namespace), "team-%u", i % 200);
	assert_int_equal(peerset_pod(ps, feed, &pod), 0);
}

static size_t changes_of(struct peerset *ps)
{
	struct source_change *changes = NULL;
	size_t n = 0;

	assert_int_equal(peerset_changes(ps, &changes, &n), 0);
	free(changes);
	return n;
}

static void twenty_thousand(void **state)
{
	struct selector web = selector("{\"matchLabels\":{\"app\":\"web\"}}"), all = {0};
	const struct from_pods pods = {web, &all};
	struct mallinfo2 before = mallinfo2(), after;
	struct peerset *ps = peerset_new();
	double began = seconds(), listed, flushed, churned;
	struct peerset_size size;
	struct peer_feed *feed;

	assert_int_equal(peerset_add(ps, 1, &pods, 1, "x"), 0);
	assert_int_equal(peerset_add(ps, 2, &pods, 1, "y"), 0);
	feed = peerset_feed(ps, 0);
	peerset_begin(ps, feed);
	for (uint32_t i = 0; i < LARGE; i++)
		show_large(ps, feed, i, i);
	peerset_end(ps, feed);
	listed = seconds();
	assert_int_equal(changes_of(ps), 2 * LARGE);
	flushed = seconds();
	after = mallinfo2();
	for (uint32_t i = 0; i < 1000; i++) { /* one pod after the other is replaced */
		char uid[40];

		snprintf(uid, sizeof(uid), "%08x-1234-4321-8888-0123456789ab", i);
		peerset_gone(ps, feed, uid);
		show_large(ps, feed, LARGE + i, LARGE + i);
		assert_int_equal(changes_of(ps), 4);
	}
	churned = seconds();
	size = peerset_size(ps);
	assert_int_equal(size.pods, LARGE);
	assert_int_equal(size.in_force, 2 * LARGE);
	assert_true(size.bytes < 16 << 20);
	printf("# %d pods in 2 sets: %.1f MB, %.3f s for the list, %.3f s for the changes, %.6f s "
	       "for a pod that is replaced\n",
	       LARGE, (double)(after.uordblks - before.uordblks) / (1 << 20), listed - began,
	       flushed - listed, (churned - flushed) / 1000);
	peerset_free(ps);
	selector_free(&web);
}

/* More than there is room for: the others stay, and come in as soon as somebody goes. */
static void more_than_fit(void **state)
{
	struct selector web = selector("{\"matchLabels\":{\"app\":\"web\"}}"), all = {0};
	const struct from_pods pods = {web, &all};
	struct peerset *ps = peerset_new();
	struct peer_feed *feed;

	assert_int_equal(peerset_add(ps, 1, &pods, 1, "x"), 0);
	feed = peerset_feed(ps, 0);
	peerset_begin(ps, feed);
	for (uint32_t i = 0; i < PEERSET_MAX + 10; i++)
		show_large(ps, feed, i, i);
	peerset_end(ps, feed);
	assert_int_equal(changes_of(ps), PEERSET_MAX);
	assert_int_equal(peerset_size(ps).lacking, 10);
	assert_true(peerset_is_dirty(ps));
	assert_int_equal(changes_of(ps), 0);
	peerset_gone(ps, feed, "00000000-1234-4321-8888-0123456789ab");
	peerset_gone(ps, feed, "00000001-1234-4321-8888-0123456789ab");
	assert_int_equal(changes_of(ps), 4);
	assert_int_equal(peerset_size(ps).lacking, 8);
	assert_int_equal(peerset_size(ps).in_force, PEERSET_MAX);
	peerset_free(ps);
	selector_free(&web);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(anything_happens),
		cmocka_unit_test(twenty_thousand),
		cmocka_unit_test(more_than_fit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
