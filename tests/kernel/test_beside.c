/* SPDX-License-Identifier: MIT */
/* test_beside.c - gates that come up at the same time, on threads of their own, while one that stands is looked at. */
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scene.h"

#define N 9
#define ID 7 /* all ask for it, and gate "g" has it */

struct opening {
	pthread_t thread;
	struct node *node;
	char name[16];
	const char *netns;
	struct ruleset set;
	struct gate *gate;
	struct fault f;
	int result;
};

static void *open_one(void *arg)
{
	struct opening *o = arg;
	const struct gate_spec spec = {.name = o->name, .netns = o->netns, .id = ID};

	o->result = gate_open(o->node, &spec, &o->set, &o->gate, &o->f);
	return NULL;
}

static void begin(struct opening *all, struct node *node, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct opening *o = &all[i];

		*o = (struct opening){.node = node, .netns = strdup(bed_pod((int)i + 1))};
		snprintf(o->name, sizeof(o->name), "beside%zu", i);
		o->set = bed_rule_port(1, (uint16_t)(9000 + i));
	}
	for (size_t i = 0; i < n; i++)
		assert_int_equal(pthread_create(&all[i].thread, NULL, open_one, &all[i]), 0);
}

/* Of an open one: as it was opened, and with nobody else's rules. */
static void is_whole(struct opening *o, uint16_t port)
{
	struct gate_attachment *list = NULL;
	struct ruleset set = {0};
	struct plic_gate about;
	size_t n = 0, hooks = 0;
	uint16_t slot = 0;

	must(gate_attachments(o->gate, &list, &n, &o->f), &o->f);
	for (size_t i = 0; i < n; i++)
		hooks += list[i].present && list[i].hook != HOOK_SHIELD;
	assert_true(hooks >= 3);
	must(gate_peek(o->node, o->name, &about, &set, &o->f), &o->f);
	assert_int_equal(about.id, gate_id(o->gate));
	assert_int_equal(set.cells[PLIC_CELL_HEADER].header.generation, 1);
	ruleset_lookup(&set, IPPROTO_TCP, port, RULESET_LASTING, &slot);
	assert_int_equal(slot, 1);
	ruleset_free(&set);
	free(list);
}

static void come_up_together(void **state)
{
	struct scene *s = *state;
	struct opening all[N];
	struct gate_stand stand;
	struct fault f = {0};
	bool taken[PLIC_MAX_GATES] = {0};

	taken[gate_id(s->gate)] = true;
	begin(all, s->node, N);
	for (int i = 0; i < 50; i++) {
		must(gate_stand(s->gate, false, &stand, &f), &f);
		gate_stand_free(&stand);
	}
	for (size_t i = 0; i < N; i++)
		pthread_join(all[i].thread, NULL);
	for (size_t i = 0; i < N; i++) {
		must(all[i].result, &all[i].f);
		assert_false(taken[gate_id(all[i].gate)]);
		taken[gate_id(all[i].gate)] = true;
		is_whole(&all[i], (uint16_t)(9000 + i));
	}
	for (size_t i = 0; i < N; i++) {
		must(gate_remove(all[i].gate, &f), &f);
		ruleset_free(&all[i].set);
		free((char *)all[i].netns);
		bed_delete_pod((int)i + 1);
	}
	assert_int_equal(peer_tcp(HOST, POD_V4, 8080), 0);
}

/* Each tells why it failed, whatever the others do. */
static void fail_each_for_itself(void **state)
{
	struct scene *s = *state;
	struct opening all[2];
	struct fault f = {0};

	for (size_t i = 0; i < 2; i++) {
		all[i] = (struct opening){.node = s->node, .netns = strdup("/proc/self/ns/uts")};
		snprintf(all[i].name, sizeof(all[i].name), "beside%zu", i);
		all[i].set = bed_rule_port(1, 9000);
	}
	free((char *)all[1].netns);
	all[1].netns = strdup(bed_pod(1));
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&all[i].thread, NULL, open_one, &all[i]), 0);
	for (size_t i = 0; i < 2; i++)
		pthread_join(all[i].thread, NULL);
	assert_int_equal(all[0].result, -EINVAL);
	assert_non_null(strstr(all[0].f.text, "not a network namespace"));
	must(all[1].result, &all[1].f);
	must(gate_remove(all[1].gate, &f), &f);
	for (size_t i = 0; i < 2; i++) {
		ruleset_free(&all[i].set);
		free((char *)all[i].netns);
	}
	bed_delete_pod(1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(come_up_together),
		CASE(fail_each_for_itself),
	};

	if (!bed_init())
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
