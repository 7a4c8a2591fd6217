/* SPDX-License-Identifier: MIT */
/* host_scene.h - what the tests of a cgroup's gate begin with. */
#ifndef PORTLIC_TEST_HOST_SCENE_H
#define PORTLIC_TEST_HOST_SCENE_H

#include "scene.h"

#define OUTSIDER 7000 /* TCP and UDP, of a process that isn't in the cgroup */

/*
 * Servers in cgroup "a" and the outsider in none, all in pod 0, whose namespace has no gate; gate "g"
 * (id 7) on the cgroup, with the slots of a scene.
 */
int host_setup(void **state);
int host_teardown(void **state);
#define HOST_CASE(test) cmocka_unit_test_setup_teardown(test, host_setup, host_teardown)

struct gate *host_gate(struct scene *s, const char *name, const char *cgroup, uint32_t id,
		       const struct ruleset *set);

/* n connections were denied; who waits for a second may send each SYN once more. */
void assert_denied(struct gate *gate, uint16_t port, uint64_t n);

int host_bind(int family, int type, uint16_t port); /* in pod 0: 0 or errno */

#endif
