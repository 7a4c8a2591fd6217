/* SPDX-License-Identifier: MIT */
/* lease.h - a Lease of coordination.k8s.io/v1, as an object of the API. Pure. */
#ifndef PORTLIC_LEASE_H
#define PORTLIC_LEASE_H

#include "kobject.h"

struct lease {
	struct kobject object;
	char *holder;	    /* spec.holderIdentity; "" for nobody */
	int64_t duration_s; /* 0: not said */
	char *acquired;	    /* as they were written; NULL: not said */
	char *renewed;
	int64_t transitions;
	char *report;  /* the annotation LEASE_REPORT; NULL: none */
	int64_t nodes; /* the annotation LEASE_NODES; 0: none */
	char *seats;   /* the annotation LEASE_SEATS; NULL: none */
};

#define LEASE_API "/apis/coordination.k8s.io/v1"
#define LEASE_REPORT "portlic.dev/report" /* annotation of a node's Lease: see nodereport.h */
#define LEASE_NODES "portlic.dev/nodes"	  /* annotation of the writer's Lease: how many there are */
#define LEASE_SEATS "portlic.dev/seats"	  /* annotation of a license line's Lease: see seatpool.h */
#define LEASE_LABEL "portlic.dev/lease"	  /* label: "writer", "node", "pool" or "borrower" */

/* -EINVAL with the member that is wrong; -ENOMEM. *out is untouched then. */
int lease_read(const cJSON *object, struct lease *out, struct fault *f);
void lease_free(struct lease *lease);

/* What is written: before NULL makes one, else it replaces exactly that version. */
struct lease_write {
	const char *namespace, *name, *label;
	const char *holder;
	int64_t duration_s;
	const char *report; /* NULL: no annotation */
	int64_t nodes;	    /* 0: no annotation */
	const char *seats;  /* NULL: no annotation */
	int64_t now_us;	    /* microseconds since 1970 UTC */
};
char *lease_text(const struct lease_write *write, const struct lease *before); /* NULL: no memory */

/* RFC 3339 with microseconds (MicroTime). */
#define LEASE_TIME_LEN 40
const char *lease_time(int64_t us, char text[LEASE_TIME_LEN]);

#endif
