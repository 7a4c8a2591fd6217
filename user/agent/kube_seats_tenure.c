/* SPDX-License-Identifier: MIT */
/* kube_seats_tenure.c - the Lease by which this node holds what it has borrowed: tenure.h's steps, asked of the API server. */
#include <stdio.h>
#include <string.h>

#include <sodium.h>

#include "agent.h"
#include "cleanup.h"
#include "kube_items.h"
#include "kube_seats.h"
#include "log.h"
#include "stamp.h"

/* Lost is what was held and ran out; told once, and once when it is over. */
static void look(struct agent *agent)
{
	struct kube_seats *seats = &agent->kube_seats;
	bool holds = tenure_holds(&seats->tenure, clock_boot_ns());
	bool lost =
		!holds && seats->tenure.until_ns && (seats->lost_told || kube_seats_lent(agent));

	if (lost == seats->lost_told)
		return;
	seats->lost_told = lost;
	if (lost)
		log_event(
			LOG_ERROR, "seats_lost", LOG_FIELDS("node", agent->config.kubernetes.node),
			"this node holds no seats of the cluster any more, for it couldn't renew "
			"its Lease in time%s%s; their clients are reset, and others may have them",
			seats->trouble.text[0] ? ": " : "", seats->trouble.text);
	else
		log_event(LOG_INFO, "seats_back", LOG_FIELDS("node", agent->config.kubernetes.node),
			  "this node may hold seats of the cluster again");
}

/* Without the version of what is there the next renewal would be refused: that is looked at anew. */
static bool keep(struct kube_seats *seats, const cJSON *body, struct fault *f)
{
	struct lease lease = {0};

	if (lease_read(body, &lease, f))
		return false;
	lease_free(&seats->lease);
	seats->lease = lease;
	return true;
}

/*
 * Two nodes of one name would hold the same seats, each of them all: nothing here can tell them apart, but for that
 * each finds what the other wrote. An answer that was lost looks alike, once.
 */
static void mind_others(struct agent *agent, enum outcome what)
{
	struct kube_seats *seats = &agent->kube_seats;

	if (seats->tenure.asked != TENURE_WRITE)
		return;
	if (what == OUTCOME_DONE) {
		seats->doubled = seats->conflicted ? seats->doubled : 0;
		seats->conflicted = false;
	}
	if (what != OUTCOME_CONFLICT || seats->tenure.failures)
		return;
	seats->conflicted = true;
	if (++seats->doubled == KUBE_SEATS_DOUBLED)
		log_event(LOG_WARN, "seats_doubled",
			  LOG_FIELDS("node", agent->config.kubernetes.node),
			  "somebody else renews this node's Lease too: two nodes of one name "
			  "would have the same seats twice");
}

static void on_answer(void *arg, const struct kube_answer *answer)
{
	struct agent *agent = arg;
	struct kube_seats *seats = &agent->kube_seats;
	enum outcome what = kube_outcome(answer);

	seats->tenure_request = NULL;
	kube_seats_trouble(answer, &seats->trouble);
	if (what == OUTCOME_DONE && !keep(seats, answer->body, &seats->trouble))
		what = OUTCOME_FAILED;
	if (what == OUTCOME_MISSING || what == OUTCOME_CONFLICT)
		seats->trouble = (struct fault){0};
	if (what == OUTCOME_MISSING)
		lease_free(&seats->lease);
	mind_others(agent, what);
	tenure_answered(&seats->tenure, what, clock_boot_ns(), randombytes_random());
	look(agent);
	kube_seats_round(agent);
}

static char *body_of(const struct agent *agent, const char *name, enum tenure_step step)
{
	const struct kube_seats *seats = &agent->kube_seats;
	const struct lease_write write = {.namespace = agent->config.kubernetes.namespace,
					  .name = name,
					  .label = "borrower",
					  .holder = agent->config.kubernetes.node,
					  .duration_s = seats->tenure.hold_s,
					  .now_us = kube_wall_us()};

	return lease_text(&write, step == TENURE_WRITE ? &seats->lease : NULL);
}

static void ask(struct agent *agent, enum tenure_step step)
{
	struct kube_seats *seats = &agent->kube_seats;
	const char *method = step == TENURE_GET ? "GET" : step == TENURE_CREATE ? "POST" : "PUT";
	char name[KOBJECT_NAME_MAX + 1];
	_free_ char *body = NULL;

	kube_node_lease(KUBE_BORROWER_LEASE, agent->config.kubernetes.node, name);
	if (step != TENURE_GET) {
		body = body_of(agent, name, step);
		if (!body)
			return;
	}
	tenure_sent(&seats->tenure, step, clock_boot_ns());
	seats->tenure_request =
		kube_lease_request(agent, method, name, body, on_answer, agent, &seats->trouble);
	if (!seats->tenure_request)
		tenure_answered(&seats->tenure, OUTCOME_FAILED, clock_boot_ns(),
				randombytes_random());
}

void kube_tenure_tick(struct agent *agent)
{
	struct kube_seats *seats = &agent->kube_seats;
	enum tenure_step step =
		tenure_next(&seats->tenure, kube_seats_wanted(agent), clock_boot_ns());

	look(agent);
	if (step != TENURE_WAIT && !seats->tenure_request)
		ask(agent, step);
}
