/* SPDX-License-Identifier: MIT */
/* test_pod_cgroup.c - pods and containers in the paths of cgroups, and the names of gates. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "cleanup.h"
#include "pod.h"

#define UID "de7cc372-9aaa-4d36-8403-7035046ee8d8"
#define UID_ "de7cc372_9aaa_4d36_8403_7035046ee8d8"
#define HASH "0123456789abcdef0123456789abcdef"
#define ID HASH HASH

static void test_paths(void **state)
{
	static const struct {
		const char *pod, *below, *uid, *container;
	} rows[] = {
		/* cgroupfs */
		{"/kubepods/besteffort/pod" UID, "/" ID, UID, ID},
		{"/kubepods/burstable/pod" UID, "/" ID, UID, ID},
		{"/kubepods/pod" UID, "/" ID, UID, ID},
		{"/kubepods/pod" UID, "", UID, ""},
		{"/kubepods/pod" UID, "/", UID, ""},
		{"/kubepods/pod" UID, "/" ID "/inner/" ID, UID, ID},
		{"/kubepods/pod" HASH, "/" ID, HASH, ID},
		{"/portlic-k8s/kubepods/besteffort/pod" UID, "/" ID, UID, ID},
		{"/docker/" ID "/kubepods/besteffort/pod" UID, "/" ID, UID, ID},
		{"/kubepods/besteffort/pod" UID, "/crio-" ID, UID, ID},
		{"/kubepods/besteffort/pod" UID, "/crio-conmon-" ID, UID, ""},
		/* systemd */
		{"/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod" UID_ ".slice",
		 "/cri-containerd-" ID ".scope", UID, ID},
		{"/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" UID_ ".slice",
		 "/crio-" ID ".scope", UID, ID},
		{"/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" UID_ ".slice",
		 "/crio-" ID ".scope/container", UID, ID},
		{"/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" UID_ ".slice",
		 "/crio-conmon-" ID ".scope", UID, ""},
		{"/kubepods.slice/kubepods-pod" UID_ ".slice", "/cri-containerd-" ID ".scope", UID,
		 ID},
		{"/kubepods.slice/kubepods-pod" UID_ ".slice", "/docker-" ID ".scope", UID, ID},
		{"/kubepods.slice/kubepods-pod" UID_ ".slice", "/" ID, UID, ID},
		{"/kubepods.slice/kubepods-pod" HASH ".slice", "/cri-containerd-" ID ".scope", HASH,
		 ID},
		{"/kubepods.slice/kubepods-pod" UID_ ".slice", "", UID, ""},
		{"/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-besteffort.slice/"
		 "kubelet-kubepods-besteffort-pod" UID_ ".slice",
		 "/cri-containerd-" ID ".scope", UID, ID},
		{"/../../kubepods.slice/kubepods-pod" UID_ ".slice", "/cri-containerd-" ID ".scope",
		 UID, ID},
		/* a cluster inside a pod: the pod is the outer one */
		{"/kubepods/pod" UID, "/" ID "/kubepods/pod" HASH "/" ID, UID, ID},
		/* what is no container's name */
		{"/kubepods/pod" UID, "/0123", UID, ""},
		{"/kubepods/pod" UID, "/" ID "0", UID, ""},
		{"/kubepods/pod" UID, "/x" ID, UID, ""},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char path[1024];
		struct pod_cgroup out;

		snprintf(path, sizeof(path), "%s%s", rows[i].pod, rows[i].below);
		if (!pod_cgroup_parse(path, &out))
			fail_msg("%s: no pod's", path);
		if (strcmp(out.uid, rows[i].uid) || strcmp(out.container, rows[i].container) ||
		    out.pod_len != strlen(rows[i].pod))
			fail_msg("%s: %s %s %zu", path, out.uid, out.container, out.pod_len);
	}
}

static void test_no_pods(void **state)
{
	static const char *const paths[] = {
		"",
		"/",
		"/init.scope",
		"/kubepods",
		"/kubepods/besteffort",
		"/kubepods.slice/kubepods-besteffort.slice",
		"/pod" UID "/" ID,
		"/user.slice/pod" UID,
		"/libpod_parent/" ID "/libpod-" ID,
		"/machine.slice/libpod-" ID ".scope",
		"/kubepodsx/pod" UID,
		"/xkubepods/pod" UID,
		"/xkubepods.slice/kubepods-pod" UID_ ".slice",
		"/kubepods/podx" UID,
		"/kubepods/pod" UID "0",
		"/kubepods/pod" UID_, /* underscores are systemd's */
		"/kubepods.slice/kubepods-pod" UID ".slice",
		"/kubepods/pod" HASH "0",
		"/kubepods/podde7cc3729-aaa-4d36-8403-7035046ee8d8",
		"/kubepods/podge7cc372-9aaa-4d36-8403-7035046ee8d8",
		"/kubepods/pod",
		"/system.slice/kubelet.service",
	};

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		struct pod_cgroup out = {.pod_len = 99};

		if (pod_cgroup_parse(paths[i], &out) || out.pod_len != 99)
			fail_msg("%s: pod %s", paths[i], out.uid);
	}
}

#define N10 "abcdefghij"
#define N50 N10 N10 N10 N10 N10

static void test_gate_names(void **state)
{
	static const char *const rows[][4] = {
		{"shop", "web-1", UID, "shop.web-1.de7cc372"},
		{"shop", "web.1", HASH, "shop.web.1.01234567"},
		{"shop", "web", "u-1", "shop.web.u-1"},
		{"shop", "web", "abcdefg-1", "shop.web.abcdefg"},
		{"shop", N50, UID, "shop." N10 N10 N10 N10 "abcdefghi.de7cc372"},
		{N50 N10 "abc", "web", UID, N50 ".web.de7cc372"},
		{N50 N10 "abc", N50, UID, N10 N10 N10 "abc." N10 N10 ".de7cc372"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct pod pod = {.namespace = (char *)rows[i][0],
					.name = (char *)rows[i][1],
					.uid = (char *)rows[i][2]};
		char name[POD_GATE_NAME_SIZE];

		pod_gate_name(&pod, name);
		assert_string_equal(name, rows[i][3]);
		assert_in_range(strlen(name), 1, 63);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_no_pods),
		cmocka_unit_test(test_gate_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
