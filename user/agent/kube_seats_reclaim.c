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

static enum reclaim_answer judge(const struct kube_answer *answer)
{
	if (kube_well(answer))
		return RECLAIM_DONE;
	if (answer->err)
		return RECLAIM_FAILED;
	return answer->status == 409   ? RECLAIM_CONFLICT
	       : answer->status == 404 ? RECLAIM_MISSING
				       : RECLAIM_FAILED;
}

static int read_pool(const struct lease *lease, struct seatpool *out)
{
	struct fault f = {0};

	return lease->seats ? seatpool_read(lease->seats, strlen(lease->seats), out, &f) : -EBADMSG;
}

static int list_pool(struct reclaim *r, const cJSON *object)
{
	struct seatpool pool = {0};
	struct lease lease = {0};
	struct fault f = {0};
	int err;

	if (lease_read(object, &lease, &f))
		return 0;
	err = read_pool(&lease, &pool);
	err = reclaim_listed(r, lease.object.name, lease.object.version, err ? NULL : &pool,
			     clock_boot_ns());
	seatpool_free(&pool);
	lease_free(&lease);
	return err;
}

/* false: another page comes. */
static bool listed(struct kube_seats *seats, const cJSON *body, enum reclaim_answer *what)
{
	const char *continued =
		cJSON_GetStringValue(json_get(json_get(body, "metadata"), "continue"));
	const cJSON *item;

	free(TAKE_PTR(seats->continued));
	cJSON_ArrayForEach (item, json_get(body, "items"))
		if (list_pool(seats->reclaim, item)) {
			*what = RECLAIM_FAILED;
			return true;
		}
	if (!continued || !continued[0])
		return true;
	seats->continued = kube_escape(continued);
	if (!seats->continued)
		*what = RECLAIM_FAILED;
	return !seats->continued;
}

static enum reclaim_answer got_pool(struct kube_seats *seats, const cJSON *body)
{
	struct seatpool pool = {0};
	struct fault f = {0};

	lease_free(&seats->pool);
	if (lease_read(body, &seats->pool, &f) || read_pool(&seats->pool, &pool))
		return RECLAIM_FAILED;
	return reclaim_got_pool(seats->reclaim, seats->pool.object.name, seats->pool.object.version,
				&pool, clock_boot_ns())
		       ? RECLAIM_FAILED
		       : RECLAIM_DONE;
}

static enum reclaim_answer got_lease(struct kube_seats *seats, const cJSON *body)
{
	struct lease lease = {0};
	struct fault f = {0};
	int err = lease_read(body, &lease, &f);

	if (!err)
		err = reclaim_got_lease(seats->reclaim, lease.object.version, lease.duration_s,
					clock_boot_ns());
	lease_free(&lease);
	return err ? RECLAIM_FAILED : RECLAIM_DONE;
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
	enum reclaim_answer what = judge(answer);

	seats->reclaim_request = NULL;
	/* A list whose next page can't be had begins anew: the server may have forgotten where it was. */
	if (what != RECLAIM_DONE)
		free(TAKE_PTR(seats->continued));
	if (what == RECLAIM_DONE && seats->reclaiming == RECLAIM_LIST &&
	    !listed(seats, answer->body, &what)) {
		ask(agent, &(struct reclaim_request){.step = RECLAIM_LIST});
		return;
	}
	if (what == RECLAIM_DONE && seats->reclaiming == RECLAIM_POOL)
		what = got_pool(seats, answer->body);
	if (what == RECLAIM_DONE && seats->reclaiming == RECLAIM_LEASE)
		what = got_lease(seats, answer->body);
	tell(agent, reclaim_answered(seats->reclaim, what, clock_boot_ns(), randombytes_random()));
	kube_reclaim_tick(agent);
}

/* ---- requests ---- */

/* Below the namespace's Leases. */
static char *place(const struct kube_seats *seats, const struct reclaim_request *next)
{
	char name[KOBJECT_NAME_MAX + 1] = "";
	char *text;
	int n;

	if (next->node && (next->step == RECLAIM_LEASE || next->step == RECLAIM_DELETE_LEASE))
		kube_node_lease(KUBE_BORROWER_LEASE, next->node, name);
	if (next->step == RECLAIM_LIST)
		n = asprintf(&text,
			     "leases?labelSelector=portlic.dev%%2Flease%%3Dpool&limit=%d%s%s", PAGE,
			     seats->continued ? "&continue=" : "",
			     seats->continued ? seats->continued : "");
	else
		n = asprintf(&text, "leases/%s", name[0] ? name : next->pool);
	return n < 0 ? NULL : text;
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

static bool prepare(const struct agent *agent, const struct reclaim_request *next,
		    struct kube_request_spec *spec, char **path, char **body)
{
	_free_ char *below = place(&agent->kube_seats, next);

	*path = below ? kube_own_path(agent, LEASE_API, below) : NULL;
	spec->method = "GET";
	if (next->step == RECLAIM_PUT) {
		spec->method = "PUT";
		*body = write_body(agent, next);
	} else if (next->step == RECLAIM_DELETE_POOL || next->step == RECLAIM_DELETE_LEASE) {
		spec->method = "DELETE";
		*body = delete_body(next->version);
	}
	spec->path = *path;
	spec->body = *body;
	return *path && (*body || !strcmp(spec->method, "GET"));
}

static void ask(struct agent *agent, const struct reclaim_request *next)
{
	struct kube_seats *seats = &agent->kube_seats;
	struct kube_request_spec spec = {0};
	_free_ char *path = NULL, *body = NULL;
	struct fault f = {0};
	bool ready = prepare(agent, next, &spec, &path, &body);

	seats->reclaiming = next->step;
	if (!seats->continued)
		reclaim_sent(seats->reclaim, next, clock_boot_ns());
	if (ready)
		seats->reclaim_request = kube_request(agent, &spec, on_answer, agent, &f);
	if (seats->reclaim_request)
		return;
	free(TAKE_PTR(seats->continued));
	reclaim_answered(seats->reclaim, RECLAIM_FAILED, clock_boot_ns(), randombytes_random());
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
