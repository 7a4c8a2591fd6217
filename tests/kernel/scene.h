/* SPDX-License-Identifier: MIT */
/* scene.h - what the tests of a gate begin with, and what they look at. */
#ifndef PORTLIC_TEST_SCENE_H
#define PORTLIC_TEST_SCENE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "bed.h"
#include "gate_priv.h"
#include "peer.h"

/* What listens in the pod; the first of each is licensed. */
extern const uint16_t tcp_ports[2], udp_ports[2];

/* Pod 0 with servers, and gate "g" (id 7) with slot 1 for 8080/TCP, slot 2 for 5353/UDP. */
struct scene {
	struct node *node;
	struct gate *gate;
	struct ruleset set;
	pid_t server;
};
int scene_setup(void **state);
int scene_teardown(void **state);
#define CASE(test) cmocka_unit_test_setup_teardown(test, scene_setup, scene_teardown)

int fewer(int n); /* less of what an emulated machine takes a second for */
void must(int r, const struct fault *f);

struct gate_counters counters(struct gate *gate);
uint64_t allowed_packets(struct gate *gate, size_t slot);
uint64_t denied_connections(struct gate *gate, uint16_t port);
bool filters_left(int number);			   /* of ours, or a qdisc for them, in that pod */
int link_id_in(const char *dir, const char *name); /* of a pin; -1: there is none */
int link_id(const char *name);			   /* of gate "g" */

/* Pod 1 beyond the host, at FAR_V4, a server on its port; the host routes. far_end: it goes. */
#define FAR_V4 "10.78.0.2"
pid_t far_begin(uint16_t port);
void far_end(pid_t server);

#endif
