/* SPDX-License-Identifier: MIT */
/* seatserver.c - the API server of seatworld.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cleanup.h"
#include "seatworld.h"

#define PATIENCE (10 * S) /* an agent waits for an answer no longer */

struct request *request_send(struct node *node, enum method method, int object, uint64_t version)
{
	struct request *r = calloc(1, sizeof(*r));

	assert_non_null(r);
	*r = (struct request){.next = cluster.requests,
			      .node = node,
			      .method = method,
			      .object = object,
			      .version = version,
			      .sent_t = cluster.t};
	r->arrives_t = cluster.t + lot() % cluster.most_delay;
	r->answers_t = r->arrives_t + lot() % cluster.most_delay;
	cluster.requests = r;
	return r;
}

static uint64_t *version_of(int object)
{
	return object < 0 ? &cluster.pool_version : &cluster.lease_version[object];
}

/* The text as it would be sent, now and then: it is the slow part. */
static void copy_pool(const struct seatpool *from, struct seatpool *to)
{
	struct fault f = {""};
	char *text = NULL;

	if (lot() % 32) {
		assert_int_equal(seatpool_copy(from, to), 0);
		return;
	}
	assert_int_equal(seatpool_text(from, &text, &f), 0);
	assert_int_equal(seatpool_read(text, strlen(text), to, &f), 0);
	if (strlen(text) > cluster.bytes)
		cluster.bytes = strlen(text);
	free(text);
}

static void keep(struct request *r)
{
	*version_of(r->object) = r->got_version = ++cluster.version;
	if (r->object >= 0) {
		cluster.lease_hold[r->object] = r->hold_s;
		return;
	}
	seatpool_free(&cluster.pool);
	cluster.pool = r->pool;
	r->pool = (struct seatpool){0};
}

static enum status read_object(struct request *r, uint64_t is)
{
	if (!is)
		return r->object == OBJECT_POOLS ? OK : MISSING;
	r->got_version = is;
	if (r->object >= 0)
		r->hold_s = cluster.lease_hold[r->object];
	else
		copy_pool(&cluster.pool, &r->pool);
	return OK;
}

static enum status execute(struct request *r)
{
	uint64_t is = *version_of(r->object);

	if (r->method == GET)
		return read_object(r, is);
	if (r->method == POST ? is : is && is != r->version)
		return CONFLICT;
	if (!is && (r->method == DELETE || (r->method == PUT && !cluster.creates)))
		return MISSING;
	if (r->method == DELETE)
		*version_of(r->object) = 0;
	else
		keep(r);
	return OK;
}

static void count(const struct request *r)
{
	cluster.conflicts += r->status == CONFLICT;
	if (r->object >= 0 && r->method != GET && r->object == r->node - cluster.nodes)
		cluster.renewals++;
	else if (r->object == OBJECT_POOL && r->method == GET)
		cluster.gets++;
	else if (r->object == OBJECT_POOL)
		cluster.puts++;
	else
		cluster.others++;
}

static bool is_lost(const struct request *r)
{
	return cluster.down || r->node->cut || (cluster.lossy && lot() % cluster.lossy == 0);
}

static void arrive(struct request *r)
{
	r->arrived = true;
	r->status = is_lost(r) ? FAILED : execute(r);
	count(r);
}

void requests_step(void)
{
	struct request **at = &cluster.requests, *r;

	while ((r = *at)) {
		if (!r->arrived && cluster.t >= r->arrives_t)
			arrive(r);
		if (!r->given_up || !r->arrived) {
			at = &r->next;
			continue;
		}
		*at = r->next;
		seatpool_free(&r->pool);
		free(r);
	}
}

/* One who was stopped finds answer and alarm at the same time: either may come first. */
bool request_is_answered(struct request *r)
{
	bool late = cluster.t >= r->sent_t + PATIENCE;

	if (r->arrived && cluster.t >= r->answers_t && (!late || lot() % 2)) {
		if (is_lost(r))
			r->status = FAILED;
		return true;
	}
	if (!late)
		return false;
	r->status = FAILED;
	return true;
}

void request_give_up(struct request *r)
{
	r->given_up = true;
}
