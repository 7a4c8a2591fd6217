/* SPDX-License-Identifier: MIT */
/*
 * bed.h - a machine of its own for a test: private mounts with a bpf file system, a network namespace
 * that plays the host and others that play pods. All of it goes with the process.
 */
#ifndef PORTLIC_TEST_BED_H
#define PORTLIC_TEST_BED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gate.h"
#include "netns.h"
#include "node_priv.h"

#define POD_V4 "10.77.0.2"
#define POD_V6 "fd77::2"
#define HOST_V4 "10.77.0.1"

/* Once a process. False: this machine can't, and why was printed as a skip. */
bool bed_init(void);

/* A fresh bpf file system and node; pods are numbered from 0, and number 0 has a veth to the host. */
struct node *bed_node(void);
const char *bed_bpffs(void);
void bed_end(struct node *node);

const char *bed_pod(int number); /* makes namespace `number`, returns its path */
void bed_delete_pod(int number);
void bed_pod_run(int number, const char *command); /* a shell command inside; must succeed */
void bed_run(const char *command);		   /* on the host's side */
void bed_enter(int number, int *home);

/* Rule set of generation with those TCP and UDP ports licensed, slots 1.. in that order. */
struct ruleset bed_rules(uint64_t generation, const uint16_t *tcp, size_t n_tcp,
			 const uint16_t *udp, size_t n_udp);
struct ruleset bed_rule_port(uint64_t generation, uint16_t tcp);

struct gate *bed_gate(struct node *node, const char *name, int number, uint32_t id,
		      const struct ruleset *set);

size_t bed_count_pins(const char *below); /* files and directories in BPFFS/below, recursively */

#endif
