/* SPDX-License-Identifier: MIT */
/* kube_seats_pool.c - asks the pools of the license lines for seats and gives them back: borrow.h's steps. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <sodium.h>

#include "agent.h"
#include "cleanup.h"
#include "kube_items.h"
#include "kube_seats.h"
#include "kubeevent.h"
#include "log.h"

#define POOL_NAME_LEN sizeof(KUBE_POOL_LEASE "0123456789abcdef")

static const char *pool_name(const struct seat_line *line, char name[POOL_NAME_LEN])
{
	snprintf(name, POOL_NAME_LEN, KUBE_POOL_LEASE "%016" PRIx64, line->line);
	return name;
}

void kube_seats_trouble(const struct kube_answer *answer, struct fault *f)
{
	const char *text = kube_status_text(answer->body);

	*f = (struct fault){0};
	if (answer->err)
		*f = answer->why;
	else if (!kube_well(answer))
		fault_set(f, EIO, "the API server answered %u%s%.300s%s", answer->status,
			  text ? ": " : "", text ? text : "",
			  answer->status == 403
				  ? "; the service account needs its role of deploy/kubernetes/base"
				  : "");
}

/* ---- answers ---- */

/* Once for each trouble that lasts; a conflict is none. */
static void tell(struct seat_line *line)
{
	bool is = line->trouble.text[0];

	if (is && !line->troubled && line->borrow.failures > 2)
		log_event(LOG_WARN, "seats_unborrowed",
			  LOG_FIELDS("lid", line->borrow.lid ? line->borrow.lid : ""),
			  "its seats of the cluster can't be borrowed: %s; it is tried again",
			  line->trouble.text);
	line->troubled = is && (line->troubled || line->borrow.failures > 2);
}

int kube_pool_read(const struct lease *lease, struct seatpool *out, struct fault *f)
{
	if (!lease->seats)
		return fault_set(f, EBADMSG, "it has no annotation " LEASE_SEATS);
	return seatpool_read(lease->seats, strlen(lease->seats), out, f);
}

/* What can't be read, or is another line's, is left alone: who has what of it stays as it is. */
static void found(struct seat_line *line, const struct kube_answer *answer)
{
	uint64_t now = clock_boot_ns();
	uint32_t random = randombytes_random();
	struct seatpool pool = {0};
	struct lease lease = {0};
	struct fault why = {0};
	char name[POOL_NAME_LEN];
	int err = lease_read(answer->body, &lease, &why);

	if (!err)
		err = kube_pool_read(&lease, &pool, &why);
	if (err) {
		borrow_answered(&line->borrow, OUTCOME_FAILED, now, random);
	} else {
		lease_free(&line->lease);
		line->lease = lease;
		lease = (struct lease){0};
		err = borrow_got(&line->borrow, &pool, now, random);
		if (err)
			fault_set(&why, -err,
				  err == -EINVAL ? "it is another license's" : "out of memory");
	}
	lease_free(&lease);
	if (err)
		fault_set(&line->trouble, -err,
			  "the Lease \"%s\" isn't the pool of this license: %s; if it stays so, "
			  "delete it, and the nodes write down anew what they have (till then too "
			  "much may be lent)",
			  pool_name(line, name), why.text);
}

static void on_answer(void *arg, const struct kube_answer *answer)
{
	struct seat_line *line = arg;
	enum outcome what = kube_outcome(answer);

	line->request = NULL;
	kube_seats_trouble(answer, &line->trouble);
	if (what == OUTCOME_CONFLICT || what == OUTCOME_MISSING)
		line->trouble = (struct fault){0};
	if (what == OUTCOME_DONE && line->borrow.asked == BORROW_GET)
		found(line, answer);
	else
		borrow_answered(&line->borrow, what, clock_boot_ns(), randombytes_random());
	tell(line);
	kube_seats_round(line->agent);
}

/* ---- requests ---- */

static char *body_of(struct seat_line *line, const char *name, bool create, struct fault *f)
{
	struct lease_write write = {.namespace = line->agent->config.kubernetes.namespace,
				    .name = name,
				    .label = "pool",
				    .holder = line->agent->config.kubernetes.node,
				    .duration_s = line->agent->kube_seats.tenure.hold_s,
				    .now_us = kube_wall_us()};
	_free_ char *seats = NULL;

	if (seatpool_text(&line->borrow.pool, &seats, f))
		return NULL;
	write.seats = seats;
	return lease_text(&write, create ? NULL : &line->lease);
}

static int prepare(struct seat_line *line, enum borrow_step step, const char *name, char **body,
		   struct fault *f)
{
	if (step == BORROW_GET)
		return 0;
	if (borrow_enter(&line->borrow, clock_boot_ns()))
		return fault_set(f, ENOSPC, "there is no room for its ports in the pool");
	*body = body_of(line, name, step == BORROW_CREATE, f);
	return *body ? 0 : -ENOMEM;
}

static void ask(struct seat_line *line, enum borrow_step step)
{
	const char *method = step == BORROW_GET ? "GET" : step == BORROW_CREATE ? "POST" : "PUT";
	char name[POOL_NAME_LEN];
	_free_ char *body = NULL;
	int err = prepare(line, step, pool_name(line, name), &body, &line->trouble);

	borrow_sent(&line->borrow, step, clock_boot_ns());
	if (!err)
		line->request = kube_lease_request(line->agent, method, name, body, on_answer, line,
						   &line->trouble);
	if (line->request)
		return;
	borrow_answered(&line->borrow, OUTCOME_FAILED, clock_boot_ns(), randombytes_random());
	tell(line);
}

/* Not while shares are written: what is lowered has to have been, before it is given back. */
void kube_pool_tick(struct agent *agent)
{
	struct kube_seats *seats = &agent->kube_seats;
	uint64_t now = clock_boot_ns();

	for (struct seat_line *line = seats->lines; line && !seats->rounding; line = line->next) {
		enum borrow_step step = borrow_next(&line->borrow, &seats->tenure, now);

		if (step != BORROW_WAIT && !line->request)
			ask(line, step);
	}
}
