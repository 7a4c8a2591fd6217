/* SPDX-License-Identifier: MIT */
/* test_jobs.c - which job runs beside which, and in what order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent.h"
#include "jobs.h"

void agent_stop_if_idle(struct agent *agent)
{
}

/* One that tells when it begins, ends once it may, and tells when it is done. */
struct step {
	struct job job;
	char name;
	uv_sem_t begun, may_end;
};

static struct agent agent;
static struct step steps[26];
static char begun[64], ended[64], done[64];
static uv_mutex_t lock;

static void note(char *list, char name)
{
	uv_mutex_lock(&lock);
	list[strlen(list)] = name;
	uv_mutex_unlock(&lock);
}

static void work(struct job *job)
{
	struct step *step = (struct step *)job;

	note(begun, step->name);
	uv_sem_post(&step->begun);
	uv_sem_wait(&step->may_end);
	note(ended, step->name);
}

static void on_done(struct job *job)
{
	note(done, ((struct step *)job)->name);
}

static void submit(char name, enum job_kind kind)
{
	struct step *step = &steps[name - 'a'];

	*step = (struct step){.job = {.kind = kind, .work = work, .done = on_done}, .name = name};
	uv_sem_init(&step->begun, 0);
	uv_sem_init(&step->may_end, 0);
	job_submit(&agent, &step->job);
}

static void begins(char name)
{
	uv_sem_wait(&steps[name - 'a'].begun);
}

static void let(const char *names)
{
	for (; *names; names++)
		uv_sem_post(&steps[*names - 'a'].may_end);
}

static int setup(void **state)
{
	memset(&agent, 0, sizeof(agent));
	memset(begun, 0, sizeof(begun));
	memset(ended, 0, sizeof(ended));
	memset(done, 0, sizeof(done));
	uv_loop_init(&agent.loop);
	jobs_init(&agent.jobs);
	return 0;
}

static int teardown(void **state)
{
	return uv_loop_close(&agent.loop);
}

static void all_end(const char *names)
{
	let(names);
	uv_run(&agent.loop, UV_RUN_DEFAULT);
	assert_int_equal(agent.jobs.unfinished, 0);
	assert_string_equal(done, ended);
}

/* All end in turn, however they were submitted. */
static void alone_one_after_another(void **state)
{
	submit('a', JOB_ALONE);
	submit('b', JOB_ALONE);
	submit('c', JOB_ALONE);
	begins('a');
	assert_string_equal(begun, "a");
	all_end("cba");
	assert_string_equal(ended, "abc");
}

static void three_open_and_one_looks(void **state)
{
	submit('a', JOB_OPENS);
	submit('b', JOB_OPENS);
	submit('c', JOB_OPENS);
	submit('d', JOB_OPENS);
	begins('a');
	begins('b');
	begins('c');
	submit('l', JOB_LOOKS);
	submit('m', JOB_LOOKS);
	begins('l');
	assert_null(strchr(begun, 'd'));
	assert_null(strchr(begun, 'm'));
	all_end("abcdlm");
}

/* What looks goes ahead of what waits, and the next that waits has its turn before the next look. */
static void looks_go_ahead_in_turns(void **state)
{
	submit('a', JOB_ALONE);
	begins('a');
	submit('b', JOB_ALONE);
	submit('c', JOB_ALONE);
	submit('l', JOB_LOOKS);
	submit('m', JOB_LOOKS);
	submit('n', JOB_LOOKS);
	all_end("abclmn");
	assert_string_equal(begun, "albmcn");
}

/* It may take down the gate that is to be looked at, and its entry is freed behind it. */
static void nothing_overtakes_a_look(void **state)
{
	submit('a', JOB_LOOKS);
	begins('a');
	submit('l', JOB_LOOKS);
	submit('r', JOB_ALONE);
	submit('o', JOB_OPENS);
	all_end("alro");
	assert_string_equal(begun, "alro");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(alone_one_after_another, setup, teardown),
		cmocka_unit_test_setup_teardown(three_open_and_one_looks, setup, teardown),
		cmocka_unit_test_setup_teardown(looks_go_ahead_in_turns, setup, teardown),
		cmocka_unit_test_setup_teardown(nothing_overtakes_a_look, setup, teardown),
	};

	jobs_setup();
	uv_mutex_init(&lock);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
