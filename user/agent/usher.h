/* SPDX-License-Identifier: MIT */
/* usher.h - once a second: seats and those who sit in them are brought in line (kernel/seats.h). */
#ifndef PORTLIC_AGENT_USHER_H
#define PORTLIC_AGENT_USHER_H

struct agent;

/* One round over all gates. Skipped while the one before is still under way. */
void usher_round(struct agent *agent);

#endif
