/* SPDX-License-Identifier: MIT */
/* rival.h - who a foreign program is. */
#ifndef PORTLIC_RIVAL_H
#define PORTLIC_RIVAL_H

#include "gate.h"

/* By its id; a program that has just gone keeps "?" for a name. */
void rival_is(struct gate_rival *rival, uint32_t prog_id);

#endif
