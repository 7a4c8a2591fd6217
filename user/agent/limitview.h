/* SPDX-License-Identifier: MIT */
/* limitview.h - the limits of a port as they hold now, and what is used of them. */
#ifndef PORTLIC_AGENT_LIMITVIEW_H
#define PORTLIC_AGENT_LIMITVIEW_H

#include <stdbool.h>

#include "jsonput.h"
#include "portlic.h"

struct agent;
struct gate_entry;
struct port_row;

struct limit_view {
	const struct plic_limit *rate;	/* the lowest one, NULL: none */
	const struct plic_limit *quota; /* that new clients are charged to, NULL: none */
	bool tls;			/* is demanded */
	uint64_t connections, bytes;	/* used of the quota in its window; of a range, by the port
					   that used the most */
	uint64_t ends_ns;		/* of the window, boot clock */
	bool over;			/* the quota is used up */
};

void limit_view(const struct agent *agent, const struct gate_entry *entry,
		const struct port_row *row, uint64_t now_ns, struct limit_view *out);

/* Members "rate", "quota" and "tls" of a port in docs/api.md. */
void limit_json(const struct agent *agent, const struct limit_view *view, cJSON *item);

#endif
