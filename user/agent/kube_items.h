/* SPDX-License-Identifier: MIT */
/*
 * kube_items.h - the licenses and policies that the API server has, and the one agent that writes of them.
 *
 * Every agent watches the Secrets with the label KUBE_LICENSE_LABEL and the PortLicenses of its own namespace, and
 * the PortPolicies of the cluster; they become files of the stores (outside.h). Each says in a Lease of its own
 * what holds on its node, when that changes. The one that holds the Lease KUBE_WRITER_LEASE reads those and writes
 * status and Events: so what is written grows with the licenses and not with the nodes.
 */
#ifndef PORTLIC_AGENT_KUBE_ITEMS_H
#define PORTLIC_AGENT_KUBE_ITEMS_H

#include <stdbool.h>
#include <uv.h>

#include "election.h"
#include "kube.h"
#include "lease.h"
#include "nodereport.h"
#include "portlicense.h"

/* What has to be said of a configuration without "namespace". */
#define KUBE_NO_NAMESPACE                                                                          \
	"licenses and policies of the API server aren't read: give \"kubernetes\" the "            \
	"\"namespace\" that they are in, or POD_NAMESPACE"

#define KUBE_LICENSE_LABEL "portlic.dev/license"
#define KUBE_WRITER_LEASE "portlic-writer"
#define KUBE_NODE_LEASE "portlic-node-" /* and the node's name */

struct agent;
struct kube_items;

/* One PortLicense or PortPolicy. */
struct kube_item {
	struct kube_item *next;
	struct kube_items *kind;
	struct kobject object;
	char *file;	      /* in the store */
	bool by_secret;	      /* a PortLicense that names a Secret: what it names is the file */
	struct fault trouble; /* why its spec can't be taken, "" if it can */
	cJSON *status;	      /* as the API server has it; NULL: none */
	bool seen;	      /* by the list that runs */

	/* The writer's. */
	struct kube_request *request; /* its status is being written */
	cJSON *sent;		      /* that one */
	cJSON *replaced;  /* what it replaces; the watch may tell of it before the answer does */
	uint64_t next_ns; /* not before */
	unsigned int failures; /* in a row */
};

struct kube_items {
	struct agent *agent;
	const char *what, *event; /* "a PortLicense", "license_unread": for the log */
	struct source *source;	  /* NULL: the objects aren't files each */
	const char *prefix;	  /* of the file of an object, whose name follows */
	char *own_path;		  /* of the list; '/' and a name behind it is an object's */
	struct kube_watch *watch;
	struct kube_item *list;
	bool unread; /* an object of the list that runs couldn't be read */
	uint64_t
		absent_ns; /* boot clock: since when the kind is unknown to the server, 0: it isn't */
};

/* What a node said last. */
struct kube_node {
	struct kube_node *next;
	char *name; /* of its Lease */
	int64_t renewed;
	struct nodereport report;
};

struct kube_sync {
	bool on;
	struct kube_items secrets, licenses, policies;
	uv_timer_t soon; /* to a rescan */

	/* the Lease of the writer */
	struct kube_watch *lease_watch;
	struct election election;
	struct lease lease; /* in sight; no name: none */
	struct kube_request *lease_request;
	bool lease_seen; /* by the list that runs */
	bool leading;	 /* as it was told last */

	/* this node's report */
	struct kube_request *report_request;
	char *reported, *reporting; /* what the API server has, what it is being told */
	bool report_absent;	    /* the Lease isn't there */
	uint64_t report_ns;	    /* boot clock: when it was written last */
	uint64_t report_due_ns;	    /* 0: nothing is to be said */
	uint64_t report_alive_ns;   /* when it is written again though nothing changed */
	unsigned int report_failures;

	/* the writer's: what all nodes say */
	struct kube_watch *nodes_watch;
	struct kube_node *nodes;
	size_t n_nodes;
	struct kube_request *drop_request; /* of the Lease of a node that is gone */
	struct kube_news *news;		   /* Events that are being told */
};

/* The configuration says to; also before the start. Then seats of the cluster are borrowed, too. */
bool kube_sync_configured(const struct agent *agent);
void kube_sync_start(struct agent *agent);
void kube_sync_stop(struct agent *agent);
/* To be called every second. */
void kube_sync_tick(struct agent *agent);
/* For the status: {"holder":"NODE"|null,"leading":bool}, null: off. NULL: no memory. */
cJSON *kube_sync_json(const struct agent *agent);

/* ---- among the files kube_*.c ---- */

/* What came changes a store: it is read anew in a moment. */
void kube_sync_soon(struct agent *agent);

/* A path below the agent's namespace: /apis/GROUP/VERSION/namespaces/NS/RESOURCE; NULL: no memory. */
char *kube_own_path(const struct agent *agent, const char *api, const char *resource);
/* Of a Lease there: POST makes it, PATCH merges body into it. As kube_request(). */
struct kube_request *kube_lease_request(struct agent *agent, const char *method, const char *name,
					const char *body, kube_done *done, void *arg,
					struct fault *f);

/* Of a node's own Lease: prefix and node; of a long name its hash. */
void kube_node_lease(const char *prefix, const char *node, char name[KOBJECT_NAME_MAX + 1]);

/*
 * The item of an object, made if there is none; takes *object over in any case. file NULL: it stays. NULL: no
 * memory. status: of the API's object, copied.
 */
struct kube_item *kube_item_put(struct kube_items *items, struct kobject *object, const char *file,
				const cJSON *status);
struct kube_item *kube_item_find(const struct kube_items *items, const char *name);
void kube_item_drop(struct kube_items *items, struct kube_item *item);
/* An object can't be read: logged, and what the list that runs doesn't name stays. */
void kube_items_unread(struct kube_items *items, const struct fault *why);
/* The object's file goes. */
void kube_items_withdraw(struct kube_items *items, const char *name);
/* Of a consumer whose objects are files of the store; arg: struct kube_items. */
void kube_items_begin(void *arg);
void kube_items_gone(void *arg, const cJSON *object);
void kube_items_end(void *arg);
/* The kind is unknown to the server for so long that its objects count as gone. now: boot clock. */
void kube_items_tick(struct kube_items *items, uint64_t now);
void kube_items_free(struct kube_items *items);

void kube_licenses_start(struct agent *agent);
void kube_policies_start(struct agent *agent);

void kube_lease_start(struct agent *agent);
void kube_lease_tick(struct agent *agent);
/* This agent may write now. To be asked before each write. */
bool kube_leads(const struct agent *agent);

void kube_report_tick(struct agent *agent);
void kube_census_start(struct agent *agent); /* of the writer */
void kube_census_stop(struct agent *agent);
void kube_census_tick(struct agent *agent);
/* How many nodes there are, and on how many the token of that hash holds. */
void kube_census_count(const struct agent *agent, const char *file, const char *hash, size_t *holds,
		       size_t *all);
/* How it stands elsewhere, for a license that isn't this node's; STATE_REJECTED: nowhere. */
enum license_state kube_census_state(const struct agent *agent, const char *file);

void kube_status_tick(struct agent *agent);
void kube_status_stop(struct agent *agent); /* what is under way is cancelled */

struct license_event;
void kube_tell(struct agent *agent, const struct kube_item *item, const struct license_event *what);
void kube_tell_stop(struct agent *agent);

/* Microseconds of the wall clock since 1970 UTC. */
int64_t kube_wall_us(void);
/* How long to wait after so many failed writes in a row: 2 s, doubled, at most 60, drawn between half and all of it. */
uint64_t kube_retry_ns(unsigned int failures);
/* HTTP 2xx. */
bool kube_well(const struct kube_answer *answer);
enum outcome kube_outcome(const struct kube_answer *answer);
/* The member of metadata of an answer's object; "": none. */
const char *kube_meta(const struct kube_answer *answer, const char *member);

#endif
