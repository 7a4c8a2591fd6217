/* SPDX-License-Identifier: MIT */
/* kube_seats_reclaim.c - the writer takes back what nodes have borrowed that are gone: reclaim.h's steps. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <sodium.h>

#include "agent.h"
#include "cleanup.h"
#include "kube_items.h"
#include "kube_seats.h"
#include "kubeevent.h"
#include "log.h"

#define PAGE 25 /* pools of a page of their list: one may have 192 KiB */

/* ---- the Leases of the borrowers ---- */

/* Whose name isn't made of its holder's isn't one of ours. */
static bool is_borrower(const struct lease *lease)
{
	char name[KOBJECT_NAME_MAX + 1];

	if (!kobject_is_name(lease->holder))
		return false;
	kube_node_lease(KUBE_BORROWER_LEASE, lease->holder, name);
	return !strcmp(lease->object.name, name);
}

static void on_begin(void *arg)
{
	reclaim_begin(((struct agent *)arg)->kube_seats.reclaim);
}

static void on_present(void *arg, const cJSON *object)
{
	struct agent *agent = arg;
	struct lease lease = {0};
	struct fault f = {0};

	if (lease_read(object, &lease, &f))
		return;
	if (is_borrower(&lease) &&
	    reclaim_saw(agent->kube_seats.reclaim, lease.holder, lease.object.version,
			lease.duration_s, clock_boot_ns()))
		agent->kube_seats.unread = true;
	lease_free(&lease);
}

static void on_gone(void *arg, const cJSON *object)
{
	struct agent *agent = arg;
	struct lease lease = {0};
	struct fault f = {0};

	if (lease_read(object, &lease, &f))
		return;
	if (is_borrower(&lease))
		reclaim_gone(agent->kube_seats.reclaim, lease.holder, clock_boot_ns());
	lease_free(&lease);
}

static void on_end(void *arg)
{
	struct agent *agent = arg;

	reclaim_end(agent->kube_seats.reclaim, clock_boot_ns());
}

static void start(struct agent *agent)
{
	struct kube_seats *seats = &agent->kube_seats;
	_free_ char *path = kube_own_path(agent, LEASE_API, "leases");
	const struct kube_watch_spec spec = {.path = path,
					     .query =
						     "labelSelector=portlic.dev%2Flease%3Dborrower",
					     .what = "the nodes that borrow seats",
					     .kind = KUBE_BORROWERS,
					     .consumer = {on_begin, on_present, on_gone, on_end},
					     .arg = agent};

	if (!path || reclaim_new(&seats->reclaim))
		return;
	seats->borrowers = kube_watch(agent, &spec);
	if (!seats->borrowers)
		kube_reclaim_stop(agent);
}

void kube_reclaim_stop(struct agent *agent)
{
	struct kube_seats *seats = &agent->kube_seats;

	kube_unwatch(seats->borrowers);
	seats->borrowers = NULL;
	kube_cancel(seats->reclaim_request);
	seats->reclaim_request = NULL;
	reclaim_free(seats->reclaim);
	seats->reclaim = NULL;
	seats->unread = false;
	lease_free(&seats->pool);
	free(TAKE_PTR(seats->continued));
}

/* ---- answers ---- */

static int list_pool(struct reclaim *r, const cJSON *object)
{
	struct seatpool pool = {0};
	struct lease lease = {0};
	struct fault f = {0};
	int err;

	if (lease_read(object, &lease, &f))
		return 0;
	err = kube_pool_read(&lease, &pool, &f);
	err = reclaim_listed(r, lease.object.name, lease.object.version, err ? NULL : &pool,
			     clock_boot_ns());
	seatpool_free(&pool);
	lease_free(&lease);
	return err;
}

/* false: another page comes. */
static bool listed(struct kube_seats *seats, const cJSON *body, enum outcome *what)
{
	const char *continued =
		cJSON_GetStringValue(json_get(json_get(body, "metadata"), "continue"));
	const cJSON *item;

	free(TAKE_PTR(seats->continued));
	cJSON_ArrayForEach (item, json_get(body, "items"))
		if (list_pool(seats->reclaim, item)) {
			*what = OUTCOME_FAILED;
			return true;
		}
	if (!continued || !continued[0])
		return true;
	seats->continued = kube_escape(continued);
	if (!seats->continued)
		*what = OUTCOME_FAILED;
	return !seats->continued;
}

static enum outcome got_pool(struct kube_seats *seats, const cJSON *body)
{
	struct seatpool pool = {0};
	struct fault f = {0};

	lease_free(&seats->pool);
	if (lease_read(body, &seats->pool, &f) || kube_pool_read(&seats->pool, &pool, &f))
		return OUTCOME_FAILED;
	return reclaim_got_pool(seats->reclaim, seats->pool.object.name, seats->pool.object.version,
				&pool, clock_boot_ns())
		       ? OUTCOME_FAILED
		       : OUTCOME_DONE;
}

static enum outcome got_lease(struct kube_seats *seats, const cJSON *body)
{
	struct lease lease = {0};
	struct fault f = {0};
	int err = lease_read(body, &lease, &f);

	if (!err)
		err = reclaim_got_lease(seats->reclaim, lease.object.version, lease.duration_s,
					clock_boot_ns());
	lease_free(&lease);
	return err ? OUTCOME_FAILED : OUTCOME_DONE;
}

static void tell(struct agent *agent, size_t n)
{
	char count[24];

	if (!n)
		return;
	agent->kube_seats.reclaimed += n;
	snprintf(count, sizeof(count), "%zu", n);
	log_event(LOG_INFO, "seats_reclaimed",
		  LOG_FIELDS("lease", agent->kube_seats.pool.object.name, "nodes", count),
		  "nodes that have said nothing for too long have no seats of it any more");
}

static void ask(struct agent *agent, const struct reclaim_request *next);

static void on_answer(void *arg, const struct kube_answer *answer)
{
	struct agent *agent = arg;
	struct kube_seats *seats = &agent->kube_seats;
	enum outcome what = kube_outcome(answer);

	seats->reclaim_request = NULL;
	/* A list whose next page can't be had begins anew: the server may have forgotten where it was. */
	if (what != OUTCOME_DONE)
		free(TAKE_PTR(seats->continued));
	if (what == OUTCOME_DONE && seats->reclaiming == RECLAIM_LIST &&
	    !listed(seats, answer->body, &what)) {
		ask(agent, &(struct reclaim_request){.step = RECLAIM_LIST});
		return;
	}
	if (what == OUTCOME_DONE && seats->reclaiming == RECLAIM_POOL)
		what = got_pool(seats, answer->body);
	if (what == OUTCOME_DONE && seats->reclaiming == RECLAIM_LEASE)
		what = got_lease(seats, answer->body);
	tell(agent, reclaim_answered(seats->reclaim, what, clock_boot_ns(), randombytes_random()));
	kube_reclaim_tick(agent);
}

/* ---- requests ---- */

static struct kube_request *request_list(struct agent *agent, struct fault *f)
{
	const char *continued = agent->kube_seats.continued;
	_free_ char *path = NULL, *below = NULL;

	if (asprintf(&below, "leases?labelSelector=portlic.dev%%2Flease%%3Dpool&limit=%d%s%s", PAGE,
		     continued ? "&continue=" : "", continued ? continued : "") < 0)
		below = NULL;
	path = below ? kube_own_path(agent, LEASE_API, below) : NULL;
	return path ? kube_request(agent,
				   &(struct kube_request_spec){.method = "GET", .path = path},
				   on_answer, agent, f)
		    : NULL;
}

static char *delete_body(const char *version)
{
	_json_ cJSON *root = cJSON_CreateObject();

	cJSON_AddStringToObject(root, "kind", "DeleteOptions");
	cJSON_AddStringToObject(root, "apiVersion", "v1");
	cJSON_AddStringToObject(cJSON_AddObjectToObject(root, "preconditions"), "resourceVersion",
				version);
	return cJSON_PrintUnformatted(root);
}

/* As the node that wrote it last left it, but for who is taken out. */
static char *write_body(const struct agent *agent, const struct reclaim_request *next)
{
	const struct lease *before = &agent->kube_seats.pool;
	struct lease_write write = {.namespace = agent->config.kubernetes.namespace,
				    .name = next->pool,
				    .label = "pool",
				    .holder = agent->config.kubernetes.node,
				    .duration_s = before->duration_s,
				    .now_us = kube_wall_us()};
	_free_ char *seats = NULL;
	struct fault f = {0};

	if (strcmp(before->object.version, next->version) || seatpool_text(next->write, &seats, &f))
		return NULL;
	write.seats = seats;
	return lease_text(&write, before);
}

/* NULL: it can't be made. */
static struct kube_request *request(struct agent *agent, const struct reclaim_request *next,
				    struct fault *f)
{
	bool writes = next->step == RECLAIM_PUT;
	bool deletes = next->step == RECLAIM_DELETE_POOL || next->step == RECLAIM_DELETE_LEASE;
	const char *method = writes ? "PUT" : deletes ? "DELETE" : "GET";
	char lease[KOBJECT_NAME_MAX + 1];
	const char *name = next->pool;
	_free_ char *body = NULL;

	if (next->step == RECLAIM_LIST)
		return request_list(agent, f);
	if (next->step == RECLAIM_LEASE || next->step == RECLAIM_DELETE_LEASE) {
		kube_node_lease(KUBE_BORROWER_LEASE, next->node, lease);
		name = lease;
	}
	body = writes ? write_body(agent, next) : deletes ? delete_body(next->version) : NULL;
	if ((writes || deletes) && !body)
		return NULL;
	return kube_lease_request(agent, method, name, body, on_answer, agent, f);
}

static void ask(struct agent *agent, const struct reclaim_request *next)
{
	struct kube_seats *seats = &agent->kube_seats;
	struct fault f = {0};

	seats->reclaiming = next->step;
	if (!seats->continued)
		reclaim_sent(seats->reclaim, next, clock_boot_ns());
	seats->reclaim_request = request(agent, next, &f);
	if (seats->reclaim_request)
		return;
	free(TAKE_PTR(seats->continued));
	reclaim_answered(seats->reclaim, OUTCOME_FAILED, clock_boot_ns(), randombytes_random());
}

void kube_reclaim_tick(struct agent *agent)
{
	struct kube_seats *seats = &agent->kube_seats;
	struct reclaim_request next;

	if (!kube_leads(agent) || seats->unread)
		return kube_reclaim_stop(agent);
	if (!seats->reclaim)
		start(agent);
	if (!seats->reclaim || seats->reclaim_request || !kube_watch_synced(seats->borrowers))
		return;
	next = reclaim_next(seats->reclaim, clock_boot_ns());
	if (next.step != RECLAIM_WAIT)
		ask(agent, &next);
}
