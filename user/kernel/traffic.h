/* SPDX-License-Identifier: MIT */
/* traffic.h - a gate's counters of allowed traffic: slots of one lane for each CPU and one for us. */
#ifndef PORTLIC_TRAFFIC_H
#define PORTLIC_TRAFFIC_H

#include <stdint.h>

#include "fault.h"
#include "portlic.h"

uint32_t
traffic_room(uint32_t n_slots); /* slots to make for n_slots: a power of two, at least 64 */

/* An empty map for n_slots (traffic_room): its descriptor, or -errno. */
int traffic_create(unsigned int n_cpus, uint32_t n_slots, struct fault *f);

/* Totals of the first n_slots, over all lanes; last_ns is the latest. */
int traffic_read(int fd, unsigned int n_cpus, uint32_t n_slots, struct plic_traffic *totals,
		 struct fault *f);

/* Writes the totals of `from` (its first n_slots) into user space's lane of `to`. */
int traffic_carry(int from, int to, unsigned int n_cpus, uint32_t n_slots, struct fault *f);

#endif
