/* SPDX-License-Identifier: MIT */
/*
 * seatpool.h - who has borrowed how many seats of one license line (iss, lid): a short JSON text in an
 * annotation of the line's Lease. Pure.
 *
 *   {"iss":"https://vendor.example","lid":"acme","ports":["8080/tcp","53/udp"],
 *    "nodes":{"node-a":[5,3],"node-b":[0,1]},"waiting":{"8080/tcp":["node-b"]}}
 *
 * The numbers of a node stand in the order of "ports"; zeros at the end are left out. Who waits is named in
 * "nodes" too. How many seats there are
 * in all isn't said here: each node takes that from the license, which is signed.
 */
#ifndef PORTLIC_SEATPOOL_H
#define PORTLIC_SEATPOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fault.h"

#define SEATPOOL_PORTS 64
#define SEATPOOL_NODES 8192
#define SEATPOOL_MAX_BYTES 196608 /* all annotations of an object may be 256 KiB */
#define SEATPOOL_WAITING 16 /* no more of a port add themselves: that somebody waits is enough */

struct seatpool_port {
	uint16_t port;
	uint8_t proto; /* IP protocol number: TCP, UDP or SCTP */
};

struct seatpool_node {
	char *name;
	uint64_t waits; /* bit i: clients were refused at ports[i] for want of a seat */
	uint32_t seats[SEATPOOL_PORTS];
};

struct seatpool {
	char *iss, *lid;
	struct seatpool_port ports[SEATPOOL_PORTS];
	size_t n_ports;
	struct seatpool_node *nodes; /* by name */
	size_t n_nodes, room;
};

/* An empty one. -ENOMEM. */
int seatpool_new(struct seatpool *pool, const char *iss, const char *lid);
void seatpool_free(struct seatpool *pool);
int seatpool_copy(const struct seatpool *pool, struct seatpool *out); /* -ENOMEM */

/* The text needs no NUL at its end. -EBADMSG and why; -ENOMEM. *out is untouched then. */
int seatpool_read(const char *text, size_t len, struct seatpool *out, struct fault *f);
/* Ports and nodes that nothing is said of are left out. -EFBIG and why; -ENOMEM. *out is the caller's. */
int seatpool_text(const struct seatpool *pool, char **out, struct fault *f);

/* Index of the port; SEATPOOL_PORTS: it isn't there. */
size_t seatpool_port(const struct seatpool *pool, uint8_t proto, uint16_t port);
/*
 * Index of the port, which is put there, in the place of one that nobody uses; SEATPOOL_PORTS: no room. Something is
 * to be said of it before another is added.
 */
size_t seatpool_add_port(struct seatpool *pool, uint8_t proto, uint16_t port);
bool seatpool_has_room(const struct seatpool *pool); /* for another port */
struct seatpool_node *seatpool_node(const struct seatpool *pool, const char *name); /* or NULL */
/* Puts it there with nothing. NULL: no memory, or SEATPOOL_NODES are there. */
struct seatpool_node *seatpool_add_node(struct seatpool *pool, const char *name);
/* true: it was there. */
bool seatpool_remove(struct seatpool *pool, const char *name);

/* Somebody has or wants some of ports[port]. */
bool seatpool_port_used(const struct seatpool *pool, size_t port);
/* What is lent of ports[port], over all nodes. */
uint64_t seatpool_lent(const struct seatpool *pool, size_t port);
/* How many wait for ports[port], but this node. */
size_t seatpool_waiting(const struct seatpool *pool, size_t port, const char *but);
/* Nobody has or wants anything. */
bool seatpool_empty(const struct seatpool *pool);

#endif
