/* SPDX-License-Identifier: MIT */
/*
 * seatworld.h - a cluster that shares the seats of one license line: nodes with a kernel, clients and an agent
 * each, and an API server that delays, loses and refuses. The agents are tenure.h, borrow.h and reclaim.h; what
 * is around them is imitated. At each change: no more seats are in force, or taken, than the license gives.
 */
#ifndef PORTLIC_TESTS_SEATWORLD_H
#define PORTLIC_TESTS_SEATWORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "borrow.h"
#include "reclaim.h"
#include "tenure.h"

#define S 1000000000ULL
#define MS 1000000ULL
#define STEP (100 * MS)
#define MAX_NODES 1000
#define PORTS 2

struct request;

/* What the kernel of a node has; it lives on when the agent dies. */
struct kernel_port {
	bool exists; /* the entry of plic_shares */
	uint32_t seats;
	uint64_t until_ns, asked;
	uint64_t used;	 /* seats taken */
	uint64_t demand; /* clients that want to sit */
};

struct node {
	char name[24];
	bool off;	   /* the whole node */
	bool dead, paused; /* the agent */
	uint64_t stops_t;  /* ... stands still until then */
	bool cut;	   /* from the API server */
	uint64_t boot_t;   /* when it booted, by the true time */
	uint64_t boot_ns;  /* what its clock said then */
	int drift;	   /* of its clock, a part in a thousand */
	struct kernel_port kernel[PORTS];
	bool rule;	 /* the license is in force here */
	uint32_t hold_s; /* of the next life */
	/* The agent. */
	struct tenure tenure;
	struct borrow borrow;
	uint64_t lease_version, pool_version;
	uint64_t round_t; /* next round */
	bool begun;	  /* the first round's writes are done */
	bool writing;	  /* a round's are not */
	uint64_t write_t;
	bool write[PORTS];
	uint32_t write_seats[PORTS];
	uint64_t write_until[PORTS];
	struct request *tenure_request, *borrow_request, *reclaim_request;
	/* Of a writer. */
	struct reclaim *reclaim;
	bool watching;		   /* the first list has come */
	uint64_t heard[MAX_NODES]; /* the versions of the Leases that its watch has told */
};

extern struct cluster {
	struct node *nodes;
	int n;
	uint64_t t; /* the true time, ns */
	uint32_t seed;
	uint32_t total[PORTS];
	/* The API server. */
	bool down, creates; /* a PUT makes what isn't there */
	uint64_t version;
	uint64_t pool_version; /* 0: there is none */
	struct seatpool pool;
	uint64_t lease_version[MAX_NODES];
	uint32_t lease_hold[MAX_NODES];
	/* How bad it is. */
	uint64_t most_delay; /* each way */
	unsigned int stops; /* an agent stands still for a while, once in so many steps; 0: never */
	unsigned int lossy; /* one of so many requests and answers is lost; 0: none */
	bool unchecked;	    /* the license has shrunk: more may be in force for a while */
	/* What was counted. */
	unsigned long gets, puts, conflicts, renewals, others, bytes, refused;
	struct request *requests;
} cluster;

uint32_t lot(void);
void cluster_begin(int n, uint32_t seed, uint32_t total0, uint32_t total1, uint32_t hold_s);
void cluster_end(void);
void run(uint64_t ns);

uint64_t clock_of(const struct node *node);
void agent_begin(struct node *node);
void agent_kill(struct node *node);
void node_off(struct node *node);  /* crashes, with its kernel */
void node_boot(struct node *node); /* with an empty one; its clock begins anew */
void writer_begin(struct node *node);
void writer_end(struct node *node);

bool in_force(const struct node *node, int port);
uint64_t sum_in_force(int port); /* or taken, where that is more */
uint64_t sum_used(int port);
uint64_t sum_lent(int port); /* by the pool */

/* seatserver.c: the API server. */
enum object { OBJECT_POOL = -1, OBJECT_POOLS = -2 }; /* else a node's Lease */
enum method { GET, POST, PUT, DELETE };
enum status { OK, CONFLICT, MISSING, FAILED };
struct request {
	struct request *next;
	struct node *node;
	enum method method;
	int object;
	uint64_t version;     /* of PUT and DELETE */
	uint32_t hold_s;      /* of a Lease: written, and then read */
	struct seatpool pool; /* the same */
	uint64_t sent_t, arrives_t, answers_t;
	bool arrived, given_up;
	enum status status;
	uint64_t got_version;
};
struct request *request_send(struct node *node, enum method method, int object, uint64_t version);
void requests_step(void);			   /* those that arrive now */
bool request_is_answered(struct request *request); /* for an agent that looks; status tells */
void request_give_up(struct request *request);	   /* it may be on its way all the same */

#endif
