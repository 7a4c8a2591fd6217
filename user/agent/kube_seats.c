/* SPDX-License-Identifier: MIT */
/* kube_seats.c - the license lines whose seats the cluster counts, and the life of all that borrows them. */
#include "kube_seats.h"

#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "agent.h"
#include "cleanup.h"
#include "kube_items.h"
#include "limit.h"

bool kube_seats_wanted(const struct agent *agent)
{
	uint64_t now = clock_boot_ns();

	for (const struct seat_line *line = agent->kube_seats.lines; line; line = line->next)
		if (borrow_wants_tenure(&line->borrow, now))
			return true;
	return false;
}

bool kube_seats_lent(const struct agent *agent)
{
	for (const struct seat_line *line = agent->kube_seats.lines; line; line = line->next)
		for (size_t i = 0; i < line->borrow.n_ports; i++)
			if (line->borrow.ports[i].lent)
				return true;
	return false;
}

/* ---- lines ---- */

struct seat_line *kube_seats_line(const struct agent *agent, uint64_t key)
{
	struct seat_line *line = agent->kube_seats.lines;

	while (line && line->line != key)
		line = line->next;
	return line;
}

static const struct license *license_of(const struct agent *agent, uint64_t key)
{
	for (size_t i = 0; i < agent->licenses.n_views; i++)
		if (limit_line(agent->licenses.views[i].lic) == key)
			return agent->licenses.views[i].lic;
	return NULL;
}

/* Its file is there again. */
static void line_name(struct seat_line *line, const struct license *lic)
{
	_free_ char *iss = strdup(lic->iss), *lid = strdup(lic->lid);

	if (!iss || !lid)
		return;
	line->borrow.iss = TAKE_PTR(iss);
	line->borrow.lid = TAKE_PTR(lid);
}

/* Of a line that no file is of any more the pool knows whose it is. */
struct seat_line *kube_seats_put(struct agent *agent, uint64_t key)
{
	struct seat_line *line = kube_seats_line(agent, key);
	const struct license *lic = line && line->borrow.iss ? NULL : license_of(agent, key);

	if (line && lic)
		line_name(line, lic);
	if (line)
		return line;
	line = calloc(1, sizeof(*line));
	if (!line ||
	    borrow_begin(&line->borrow, lic ? lic->iss : NULL, lic ? lic->lid : NULL,
			 agent->config.kubernetes.node, clock_boot_ns(), randombytes_random())) {
		free(line);
		return NULL;
	}
	line->agent = agent;
	line->line = key;
	line->next = agent->kube_seats.lines;
	agent->kube_seats.lines = line;
	return line;
}

void kube_seats_drop(struct seat_line **at)
{
	struct seat_line *line = *at;

	*at = line->next;
	kube_cancel(line->request);
	borrow_free(&line->borrow);
	lease_free(&line->lease);
	free(line);
}

/* ---- life ---- */

void kube_seats_ask(struct agent *agent)
{
	if (!agent->kube_seats.settled || agent->stopping)
		return;
	kube_tenure_tick(agent);
	kube_pool_tick(agent);
}

void kube_seats_tick(struct agent *agent)
{
	kube_seats_ask(agent);
	kube_reclaim_tick(agent);
}

void kube_seats_stop(struct agent *agent)
{
	struct kube_seats *seats = &agent->kube_seats;

	kube_reclaim_stop(agent);
	kube_cancel(seats->tenure_request);
	seats->tenure_request = NULL;
	lease_free(&seats->lease);
	while (seats->lines)
		kube_seats_drop(&seats->lines);
}
