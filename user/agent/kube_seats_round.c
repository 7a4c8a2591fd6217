/* SPDX-License-Identifier: MIT */
/* kube_seats_round.c - a round: the kernel's shares are read, judged by borrow.h, and written. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent.h"
#include "cleanup.h"
#include "jobs.h"
#include "kube_seats.h"
#include "log.h"
#include "ports.h"
#include "shares.h"

#define NS_PER_S 1000000000ULL
#define SHORT_NS (300 * NS_PER_S) /* without for so long: the next time is news again */

struct share_write {
	struct plic_usage_key usage;
	uint32_t seats;
	uint64_t until_ns;
	bool write, lower, drop, forget, full;
	int result;
};

struct round_job {
	struct job job;
	struct share *shares;
	size_t n;
	int result;
};

struct write_job {
	struct job job;
	size_t n;
	struct share_write items[];
};

static void finish_round(struct agent *agent)
{
	struct kube_seats *seats = &agent->kube_seats;

	seats->rounding = false;
	if (!agent->kube_sync.on)
		return;
	if (seats->again)
		kube_seats_round(agent);
	else
		kube_seats_ask(agent);
}

static int write_one(const struct node *node, struct share_write *w)
{
	uint32_t seats = w->seats;
	int r = 0;

	if (w->drop)
		return shares_drop(node, &w->usage);
	if (w->forget)
		return shares_forget(node, &w->usage);
	if (w->lower)
		r = shares_lower(node, &w->usage, &seats);
	if (!r && w->write)
		r = shares_write(node, &w->usage, seats, w->until_ns);
	return r ? r : shares_set_full(node, &w->usage, w->full);
}

static void write_work(struct job *job)
{
	struct write_job *writes = (struct write_job *)job;

	for (size_t i = 0; i < writes->n; i++)
		writes->items[i].result = write_one(job->agent->node, &writes->items[i]);
}

/* -EAGAIN: what ended has to be seen to first; -ENOENT: it has gone meanwhile. The next round does it. */
static void write_done(struct job *job)
{
	struct write_job *writes = (struct write_job *)job;
	int err = 0;

	for (size_t i = 0; i < writes->n; i++) {
		int r = writes->items[i].result;

		err = r && r != -EAGAIN && r != -ENOENT ? r : err;
	}
	job->agent->kube_seats.settled |= !err;
	if (err)
		log_event(LOG_ERROR, "seats_failed", LOG_NO_FIELDS,
			  "what was borrowed can't be written into the kernel's table: %s",
			  strerror(-err));
	finish_round(job->agent);
	free(writes);
}

static void write_port(const struct agent *agent, const struct seat_line *line,
		       const struct borrow_port *port, struct share_write *w)
{
	uint32_t had = port->share;

	*w = (struct share_write){.usage = {.line = line->line,
					    .owner = PLIC_NODE_WIDE,
					    .port = port->now.port,
					    .proto = port->now.proto},
				  .full = borrow_exhausted(&line->borrow, port)};
	if (borrow_kernel(&line->borrow, port, &agent->kube_seats.tenure, &w->seats,
			  &w->until_ns)) {
		w->lower = w->seats < had;
		w->write = !w->lower || w->until_ns != port->now.until_ns;
	}
	w->drop = !port->now.total && port->now.until_ns && borrow_over(&line->borrow, port);
	w->forget = !w->write && !w->lower && port->now.asked && !port->now.until_ns &&
		    borrow_idle(&line->borrow, port, clock_boot_ns());
}

static void write_all(struct agent *agent)
{
	struct write_job *writes;
	struct seat_line *line;
	size_t n = 0;

	for (line = agent->kube_seats.lines; line; line = line->next)
		n += line->borrow.n_ports;
	writes = n ? calloc(1, sizeof(*writes) + n * sizeof(writes->items[0])) : NULL;
	for (line = agent->kube_seats.lines; writes && line; line = line->next)
		for (size_t i = 0; i < line->borrow.n_ports; i++)
			if (line->borrow.ports[i].named)
				write_port(agent, line, &line->borrow.ports[i],
					   &writes->items[writes->n++]);
	if (!writes) {
		agent->kube_seats.settled |= !n;
		return finish_round(agent);
	}
	writes->job.work = write_work;
	writes->job.done = write_done;
	job_submit(agent, &writes->job);
}

/*
 * Shares of an earlier life of this agent go on, but not for longer than the Lease that is renewed now says; an entry
 * without seats was no share of it.
 */
static void begin(struct agent *agent, const struct share *shares, size_t n)
{
	struct kube_seats *seats = &agent->kube_seats;
	uint64_t now = clock_boot_ns(), latest = 0;

	for (size_t i = 0; i < n; i++)
		if (shares[i].seats && shares[i].until_ns > now && shares[i].until_ns > latest)
			latest = shares[i].until_ns;
	seats->begun = true;
	tenure_begin(&seats->tenure, (uint32_t)agent->config.kubernetes.seats_hold_s, latest, now);
}

/* Told once, until there were enough for a while. */
static void tell_short(struct seat_line *line)
{
	uint64_t now = clock_boot_ns();
	bool news = !line->short_ns || now - line->short_ns > SHORT_NS;
	char name[24];

	for (size_t i = 0; i < line->borrow.n_ports; i++) {
		const struct borrow_port *port = &line->borrow.ports[i];

		if (!borrow_short(&line->borrow, port, now))
			continue;
		line->short_ns = now;
		if (!news)
			return;
		snprintf(name, sizeof(name), "%u/%s", port->now.port, proto_word(port->now.proto));
		log_event(LOG_WARN, "seats_exhausted",
			  LOG_FIELDS("lid", line->borrow.lid ? line->borrow.lid : "", "port", name),
			  port->full ? "its pool has no room for another port, of the %u seats %u "
				       "are here, and clients are refused"
				     : "all %u seats of the cluster are lent, %u of them here, and "
				       "clients are refused",
			  port->now.total, port->share);
		return;
	}
}

/* What the rules name and what the kernel has, of one line. */
struct readings {
	struct borrow_reading *list;
	size_t n, n_wishes;
};

static struct borrow_reading *reading_put(struct readings *r, uint8_t proto, uint16_t port)
{
	size_t i = 0;

	while (i < r->n && (r->list[i].proto != proto || r->list[i].port != port))
		i++;
	if (i == r->n)
		r->list[r->n++] = (struct borrow_reading){.port = port, .proto = proto};
	return &r->list[i];
}

static void read_line(struct readings *r, uint64_t line, const struct round_job *round,
		      const struct seat_wish *wishes, size_t n_wishes)
{
	r->n = r->n_wishes = 0;
	for (size_t i = 0; i < n_wishes; i++)
		if (wishes[i].line == line)
			reading_put(r, wishes[i].proto, wishes[i].port)->total = wishes[i].total;
	r->n_wishes = r->n;
	for (size_t i = 0; i < round->n; i++) {
		const struct share *share = &round->shares[i];
		struct borrow_reading *at;

		if (share->usage.line != line || share->usage.owner != PLIC_NODE_WIDE)
			continue;
		at = reading_put(r, share->usage.proto, share->usage.port);
		at->seats = share->seats;
		at->until_ns = share->until_ns;
		at->asked = share->asked;
		at->used = share->used;
	}
}

/* The line is kept until the kernel's entry is ended, or the entry would bring it back round after round. */
static bool stands(const struct round_job *round, uint64_t line)
{
	uint64_t now = clock_boot_ns();

	for (size_t i = 0; i < round->n; i++)
		if (round->shares[i].usage.line == line && round->shares[i].until_ns > now)
			return true;
	return false;
}

static int judge_lines(struct agent *agent, const struct round_job *round,
		       const struct seat_wish *wishes, size_t n)
{
	_free_ struct borrow_reading *list = calloc(n + round->n + 1, sizeof(*list));
	struct seat_line **at = &agent->kube_seats.lines;
	struct readings r = {.list = list};
	int err = list ? 0 : -ENOMEM;

	while (*at && !err) {
		struct seat_line *line = *at;

		read_line(&r, line->line, round, wishes, n);
		err = borrow_round(&line->borrow, r.list, r.n, &agent->kube_seats.tenure,
				   clock_boot_ns());
		tell_short(line);
		if (!err && !r.n_wishes && !line->request && borrow_done(&line->borrow) &&
		    !stands(round, line->line))
			kube_seats_drop(at);
		else
			at = &line->next;
	}
	return err;
}

static int put_lines(struct agent *agent, const struct round_job *round,
		     const struct seat_wish *wishes, size_t n)
{
	uint64_t now = clock_boot_ns();
	int err = 0;

	for (size_t i = 0; i < n && !err; i++)
		err = kube_seats_put(agent, wishes[i].line) ? 0 : -ENOMEM;
	for (size_t i = 0; i < round->n && !err; i++)
		if (round->shares[i].until_ns > now)
			err = kube_seats_put(agent, round->shares[i].usage.line) ? 0 : -ENOMEM;
	return err;
}

static void judge(struct agent *agent, const struct round_job *round)
{
	_free_ struct seat_wish *wishes = NULL;
	size_t n = 0;
	int err = kube_seats_wishes(agent, round->shares, round->n, &wishes, &n);

	if (!agent->kube_seats.begun)
		begin(agent, round->shares, round->n);
	if (!err)
		err = put_lines(agent, round, wishes, n);
	if (!err)
		err = judge_lines(agent, round, wishes, n);
	if (err)
		return finish_round(agent);
	write_all(agent);
}

static void round_work(struct job *job)
{
	struct round_job *round = (struct round_job *)job;

	round->result = shares_read(job->agent->node, &round->shares, &round->n);
}

static void round_done(struct job *job)
{
	struct round_job *round = (struct round_job *)job;
	struct agent *agent = job->agent;

	if (round->result || !agent->kube_sync.on)
		finish_round(agent);
	else
		judge(agent, round);
	free(round->shares);
	free(round);
}

/* Before all gates were tried nobody knows what their rules name. */
void kube_seats_round(struct agent *agent)
{
	struct kube_seats *seats = &agent->kube_seats;
	struct round_job *round;

	if (!agent->kube_sync.on || !agent->ready || agent->stopping)
		return;
	seats->again = seats->rounding;
	if (seats->rounding)
		return;
	round = calloc(1, sizeof(*round));
	if (!round)
		return;
	seats->rounding = true;
	round->job.work = round_work;
	round->job.done = round_done;
	job_submit(agent, &round->job);
}
