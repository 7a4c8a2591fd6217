/* SPDX-License-Identifier: MIT */
/* guests.h - ports with seats in a scene, and clients of theirs. */
#ifndef PORTLIC_TEST_GUESTS_H
#define PORTLIC_TEST_GUESTS_H

#include "scene.h"

#define FIRST "10.77.0.101"
#define SECOND_CLIENT "10.77.0.102"
#define THIRD "10.77.0.103"
#define MAPPED "::ffff:"

/* A scene whose host has these addresses. */
int guests_setup(void **state);
#define GUESTS(test) cmocka_unit_test_setup_teardown(test, guests_setup, scene_teardown)

/* 8080/TCP and 5353/UDP with the limit; seats 0: without. */
struct ruleset limited_set(uint64_t generation, const struct plic_limit *limit,
			   enum plic_mode mode);
void apply_limit(struct gate *gate, const struct plic_limit *limit, enum plic_mode mode);

/* seats_round() over the scene's gate: connections that were cut. */
unsigned int round_of(struct scene *s);

/* A connection to 8080 from one of the host's addresses, or -errno. */
int connect_as(const char *address);
bool is_reset(int fd);

/* As on a kernel without tracing: nothing tells the ledger whose sockets these are. */
void blind_the_ledger(struct scene *s);

#endif
