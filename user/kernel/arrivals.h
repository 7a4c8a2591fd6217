/* SPDX-License-Identifier: MIT */
/* arrivals.h - new connections of a gate by where they came from (plic_arrivals). */
#ifndef PORTLIC_ARRIVALS_H
#define PORTLIC_ARRIVALS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "portlic.h"

/* arrivals[slot], zero at first: of the slots asked for, what came since the gate did. fd: of the map. */
void arrivals_read(int fd, uint32_t gate, uint64_t since_ns, const bool *asked, size_t n_slots,
		   struct plic_arrival (*arrivals)[PLIC_N_ORIGINS]);

/* Forgets a gate: its id is given out again. */
void arrivals_forget(int fd, uint32_t gate);

#endif
