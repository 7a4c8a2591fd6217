/* SPDX-License-Identifier: MIT */
/*
 * kube_listed.h - whether all PortPolicies have been read once on this node, by this agent or one before it. Until
 * then nobody knows which pods they select, so portlic-cni starts none but those of the system's namespaces.
 */
#ifndef PORTLIC_AGENT_KUBE_LISTED_H
#define PORTLIC_AGENT_KUBE_LISTED_H

#include <stdbool.h>

#include <cjson/cJSON.h>

#include "fault.h"

struct agent;

struct kube_listed {
	char *path;	      /* STATE_DIR/portpolicies-listed, which is there once they were */
	bool listed;	      /* in the store, and so they are after a restart */
	bool due;	      /* a whole list has come; it is in the store with the next scan */
	bool unwritten;	      /* the file has to be written yet */
	struct fault trouble; /* why it can't be, "" if it can */
};

/* Reads what was. -ENOMEM. */
int kube_listed_open(struct agent *agent);
void kube_listed_close(struct kube_listed *listed);

/* A whole list has been put into the store, or the server doesn't know the kind: there are none. */
void kube_listed_note(struct agent *agent);
/* The store was scanned. */
void kube_listed_scanned(struct agent *agent);
/* Nobody asks the API server for them any more: what comes later has to be listed anew. */
void kube_listed_forget(struct agent *agent);
/* To be called every second: a disk that was full may have room again. */
void kube_listed_tick(struct agent *agent);

/* They are asked for and were never listed. */
bool kube_listed_wanting(const struct agent *agent);
/* Why not, for the end of a sentence. */
const char *kube_listed_why(const struct agent *agent);
void kube_listed_warn(const struct agent *agent, cJSON *warnings);

#endif
