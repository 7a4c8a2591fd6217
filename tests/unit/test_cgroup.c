/* SPDX-License-Identifier: MIT */
/* test_cgroup.c - the containers, services and runtimes of real nodes, by the paths of their cgroups. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "cgroup.h"

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define POD "pod0a1b2c3d_0000_1111_2222_333344445555"
#define SLICE "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-" POD ".slice"

enum kind { PLAIN, NAMED, RUNTIME };

static void test_paths(void **state)
{
	static const struct {
		const char *whole, *inner; /* the container, and what lies below it */
		enum kind kind;
	} rows[] = {
		/* Kubernetes: containerd and CRI-O with systemd, containerd and dockerd without */
		{SLICE "/cri-containerd-" ID ".scope", "", NAMED},
		{SLICE "/cri-containerd-" ID ".scope", "/init.scope", NAMED},
		{SLICE "/crio-" ID ".scope", "/container", NAMED},
		{SLICE "/crio-conmon-" ID ".scope", "", RUNTIME},
		{"/kubepods/burstable/" POD "/" ID, "", NAMED},
		{"/kubepods/besteffort/" POD "/" ID, "/docker/" ID, NAMED},
		{SLICE "/docker-" ID ".scope", "/system.slice/a.service", NAMED},
		/* containerd told of the wrong driver */
		{"/system.slice/containerd.service/kubepods-" POD ".slice:cri-containerd:" ID, "",
		 NAMED},
		/* podman, with root and without, in a unit of systemd; docker */
		{"/machine.slice/libpod-" ID ".scope", "/container", NAMED},
		{"/machine.slice/machine-libpod_pod_" ID ".slice/libpod-" ID ".scope", "", NAMED},
		{"/machine.slice/libpod-conmon-" ID ".scope", "", RUNTIME},
		{"/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-" ID ".scope",
		 "/container", NAMED},
		{"/system.slice/web.service/libpod-payload-" ID, "", NAMED},
		{"/libpod_parent/libpod-" ID, "", NAMED},
		{"/system.slice/docker-" ID ".scope", "", NAMED},
		{"/docker/" ID, "/x", NAMED},
		/* runtimes */
		{"/system.slice/containerd.service", "", RUNTIME},
		{"/system.slice/docker.service", "/sub", RUNTIME},
		{"/system.slice/k3s.service", "", RUNTIME},
		{"/runtime.slice/crio.service", "", RUNTIME},
		{"/openrc.docker", "", RUNTIME},
		{"/opt/engine-7", "/worker", RUNTIME},
		/* services and sessions */
		{"/system.slice/kubelet.service", "", NAMED},
		{"/system.slice/shop.service", "/worker/1", NAMED},
		{"/system.slice/run-u7.scope", "", NAMED},
		{"/user.slice/user-0.slice/session-3.scope", "", NAMED},
		{"/user.slice/user-1000.slice/user@1000.service/app.slice/dev.service", "", NAMED},
		{"/user.slice/user-1000.slice/user@1000.service/init.scope", "", NAMED},
		{"/machine.slice/systemd-nspawn@web.service", "/payload/init.scope", NAMED},
		/* made by hand: no name says where a container ends */
		{"/", "", PLAIN},
		{"/shop/app", "", PLAIN},
		{"/shop/app/worker", "", PLAIN},
		{"/containerd.service.d", "", PLAIN},
		{"/x" ID, "", PLAIN},
		{"/" ID "0", "", PLAIN},
		{"/0123456789abcdef", "", PLAIN},
	};
	static char *more[] = {"/opt/engine-*"};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char path[512];
		struct cgroup_unit unit;

		snprintf(path, sizeof(path), "%s%s", rows[i].whole, rows[i].inner);
		unit = cgroup_unit(path, more, 1);
		if (unit.len != strlen(rows[i].whole) || unit.named != (rows[i].kind != PLAIN) ||
		    unit.runtime != (rows[i].kind == RUNTIME))
			fail_msg("%s: %.*s, named %d, runtime %d", path, (int)unit.len, path,
				 unit.named, unit.runtime);
	}
}

static void test_no_more_runtimes(void **state)
{
	assert_false(cgroup_unit("/opt/engine-7", NULL, 0).runtime);
}

static void test_contained(void **state)
{
	static const char *const in[] = {SLICE, SLICE "/cri-containerd-" ID ".scope",
					 "/kubepods/besteffort/" POD, "/docker/" ID "/kubelet",
					 "/system.slice/docker-" ID
					 ".scope/system.slice/kubelet.service"};
	static const char *const out[] = {"/", "/system.slice/kubelet.service", "/kubelet",
					  "/user.slice/user-0.slice/session-3.scope",
					  "/machine.slice/libpod-conmon-" ID ".scope"};

	for (size_t i = 0; i < sizeof(in) / sizeof(in[0]); i++)
		assert_true(cgroup_is_contained(in[i]));
	for (size_t i = 0; i < sizeof(out) / sizeof(out[0]); i++)
		assert_false(cgroup_is_contained(out[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_contained),
		cmocka_unit_test(test_no_more_runtimes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
