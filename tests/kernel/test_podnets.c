/* SPDX-License-Identifier: MIT */
/* test_podnets.c - the namespaces of pods by their processes: whose, the oldest, its container, its cgroup. */
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "bed.h"
#include "group.h"
#include "podnets.h"

#define UID_A "0e7f5c3a-1111-4222-8333-444455556666"
#define UID_B "0e7f5c3a-9999-4888-8777-666655554444"
#define ID_1 "1111111111111111111111111111111111111111111111111111111111111111"
#define ID_2 "2222222222222222222222222222222222222222222222222222222222222222"

/* As the cgroupfs driver has them, and systemd's. */
static const char *const groups[] = {
	"kubepods",
	"kubepods/burstable",
	"kubepods/burstable/pod" UID_A,
	"kubepods/burstable/pod" UID_A "/" ID_1,
	"kubepods/burstable/pod" UID_A "/" ID_2,
	"kubepods.slice",
	"kubepods.slice/kubepods-pod0e7f5c3a_9999_4888_8777_666655554444.slice",
	"kubepods.slice/kubepods-pod0e7f5c3a_9999_4888_8777_666655554444.slice/cri-containerd-" ID_1
	".scope",
};
#define SANDBOX_A 3
#define APP_A 4
#define SANDBOX_B 7
#define N_GROUPS (sizeof(groups) / sizeof(groups[0]))

static pid_t children[8];
static size_t n_children;

/* In a cgroup, and in a namespace of its own or in that of a process; 20 ms apart, so that ages differ. */
static pid_t start(size_t group, pid_t beside)
{
	char path[64];
	int ready[2], home = -1;
	pid_t pid;
	char byte;

	assert_int_equal(pipe(ready), 0);
	usleep(20000);
	group_join(groups[group]);
	pid = fork();
	if (!pid) {
		snprintf(path, sizeof(path), "/proc/%d/ns/net", beside);
		if (beside ? netns_enter(path, 0, &home, NULL) : unshare(CLONE_NEWNET))
			_exit(1);
		if (write(ready[1], "", 1) != 1)
			_exit(1);
		pause();
		_exit(0);
	}
	group_join(NULL);
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	children[n_children++] = pid;
	return pid;
}

static uint64_t inode(pid_t pid)
{
	char path[64];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%d/ns/net", pid);
	assert_int_equal(stat(path, &st), 0);
	return st.st_ino;
}

static int make(void **state)
{
	for (size_t i = 0; i < N_GROUPS; i++)
		group_make(groups[i]);
	return 0;
}

static int end(void **state)
{
	while (n_children) {
		kill(children[--n_children], SIGKILL);
		waitpid(children[n_children], NULL, 0);
	}
	for (size_t i = N_GROUPS; i-- > 0;)
		group_remove(groups[i]);
	return 0;
}

/* The i-th of a pod's. */
static const struct podnet *find(const struct podnets *nets, const char *uid, size_t i)
{
	for (size_t j = 0; j < nets->n; j++)
		if (!strcmp(nets->list[j].uid, uid) && !i--)
			return &nets->list[j];
	return NULL;
}

static void finds_the_sandbox(void **state)
{
	pid_t sandbox = start(SANDBOX_A, 0), app = start(APP_A, sandbox);
	pid_t other = start(SANDBOX_B, 0);
	struct podnets nets;
	const struct podnet *a, *b;
	struct fault f = {0};
	char tail[256];

	assert_int_equal(podnets_read(&nets, &f), 0);
	a = find(&nets, UID_A, 0);
	b = find(&nets, UID_B, 0);
	assert_non_null(a);
	assert_non_null(b);
	assert_null(find(&nets, UID_A, 1));
	assert_int_equal(a->pid, sandbox);
	assert_int_equal(a->netns, inode(app));
	assert_string_equal(a->container, ID_1);
	snprintf(tail, sizeof(tail), "/portlic-%d/%s", getpid(), groups[SANDBOX_A - 1]);
	assert_string_equal(a->cgroup + strlen(a->cgroup) - strlen(tail), tail);
	assert_int_equal(b->netns, inode(other));
	assert_string_equal(b->container, ID_1);
	snprintf(tail, sizeof(tail), "/portlic-%d/%s", getpid(), groups[SANDBOX_B - 1]);
	assert_string_equal(b->cgroup + strlen(b->cgroup) - strlen(tail), tail);
	podnets_free(&nets);
}

static void older_namespaces_come_first(void **state)
{
	pid_t sandbox = start(SANDBOX_A, 0), inner = start(APP_A, 0);
	const struct podnet *first, *second;
	struct podnets nets;

	assert_int_equal(podnets_read(&nets, NULL), 0);
	first = find(&nets, UID_A, 0);
	second = find(&nets, UID_A, 1);
	assert_non_null(second);
	assert_int_equal(first->netns, inode(sandbox));
	assert_int_equal(second->netns, inode(inner));
	assert_string_equal(second->container, ID_2);
	assert_true(first->born_ns < second->born_ns);
	podnets_free(&nets);
}

static void takes_a_lasting_path(void **state)
{
	pid_t sandbox = start(SANDBOX_A, 0);
	struct podnets nets;
	const struct podnet *net;
	char path[256], want[64], command[256];

	assert_int_equal(podnets_read(&nets, NULL), 0);
	net = find(&nets, UID_A, 0);
	assert_int_equal(podnet_path(net, path, sizeof(path)), 0);
	snprintf(want, sizeof(want), "/proc/%d/ns/net", sandbox);
	assert_string_equal(path, want);
	snprintf(command, sizeof(command), "ip netns attach podnets-%d %d", getpid(), sandbox);
	bed_run(command);
	assert_int_equal(podnet_path(net, path, sizeof(path)), 0);
	snprintf(want, sizeof(want), "/run/netns/podnets-%d", getpid());
	assert_string_equal(path, want);
	snprintf(command, sizeof(command), "ip netns del podnets-%d", getpid());
	bed_run(command);
	kill(sandbox, SIGKILL);
	waitpid(sandbox, NULL, 0);
	n_children = 0;
	assert_int_equal(podnet_path(net, path, sizeof(path)), -ENOENT);
	podnets_free(&nets);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(finds_the_sandbox, make, end),
		cmocka_unit_test_setup_teardown(older_namespaces_come_first, make, end),
		cmocka_unit_test_setup_teardown(takes_a_lasting_path, make, end),
	};

	if (!bed_init() || !group_init())
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
