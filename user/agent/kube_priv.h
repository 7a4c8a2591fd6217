/* SPDX-License-Identifier: MIT */
/* kube_priv.h - what watches and single requests share (kube*.c only; use kube.h). */
#ifndef PORTLIC_AGENT_KUBE_PRIV_H
#define PORTLIC_AGENT_KUBE_PRIV_H

#include <stdint.h>
#include <uv.h>

#include "kube.h"
#include "kubestream.h"
#include "kubeevent.h"
#include "transfer.h"

#define KUBE_OK 200
#define KUBE_GONE 410
#define KUBE_TIMED_OUT 504

enum kube_phase {
	KUBE_WAITING,  /* the timer runs */
	KUBE_LISTING,  /* a page of the list comes */
	KUBE_WATCHING, /* events come */
	KUBE_STOPPED,
};

struct kube_watch {
	struct kube_watch *next;
	struct agent *agent;
	char *path, *query, *what;
	bool optional;
	enum kube_kind kind;
	struct kube_consumer consumer;
	void *arg;

	uv_timer_t timer;
	struct transfer *transfer;
	struct kube_stream stream;
	enum kube_phase phase;
	unsigned int busy; /* calls that are under way and still need it */
	bool unwatched;	   /* ... and it is freed behind them */

	char version[KUBE_VERSION_MAX + 1]; /* up to which all is known, "": nothing is */
	char *continued;		    /* the next page, NULL: the first */
	bool relist;			    /* the changes since version aren't to be had */
	bool newest; /* the list has to come from the store itself: a cache had none that is new enough */
	size_t n_items, n_objects; /* of the list that comes; in all */
	bool synced, absent;

	unsigned int failures, expiries; /* without a watch that worked */
	bool failing;
	struct fault why; /* of the last failure */
	enum kube_error reason;
	bool begun;	      /* once */
	uint64_t answered_ns; /* since when the present one stands, 0: not yet */
	bool heard;	      /* something came by it */
	int error_code;	      /* an ERROR event's, 0: none came */
	char *token;	      /* that was sent last */
};

struct kube_call {
	const char *method; /* NULL: GET */
	const char *path;   /* with its query */
	const char *type, *body;
	int64_t timeout_s, stall_s;
	transfer_part *part;
};

/* Begins a request with the token as it is on disk now; *token (may be NULL) gets a copy. NULL: fault. */
struct transfer *kube_call(struct agent *agent, const struct kube_call *call, transfer_done *done,
			   void *arg, char **token, enum kube_error *reason, struct fault *f);

/* Is the token on disk another one than this? */
bool kube_token_changed(const struct agent *agent, const char *token);

/* An answer that isn't what was asked for: which kind, and in words. */
enum kube_error kube_judge(const struct transfer_result *result, struct fault *why);
enum kube_error kube_judge_status(int status);
const char *kube_error_word(enum kube_error reason);

/* A good answer came, or a watch changed: computes `connected` anew. */
void kube_look(struct agent *agent, bool answered);

/* ---- a watch: its life and its requests (kube_watch.c) ---- */

/* The next request: a page of the list if one is due, else a watch. */
void kube_watch_begin(struct kube_watch *watch);
/* ... after so long. */
void kube_watch_wait(struct kube_watch *watch, uint64_t ms);
/* Asks for the watch's path with its own query behind this one. query NULL: no memory, and it failed. */
void kube_watch_request(struct kube_watch *watch, const char *query, int64_t timeout_s,
			int64_t stall_s);
/* Around calls of a consumer. leave is true: the watch was ended meanwhile, and is no more. */
void kube_watch_enter(struct kube_watch *watch);
bool kube_watch_leave(struct kube_watch *watch);
void kube_watch_stop(struct kube_watch *watch);

/* ---- its list (kube_listing.c) ---- */

void kube_listing_begin(struct kube_watch *watch);
/* An object of a page. -ECANCELED: its consumer ended the watch; -EINVAL, -ENOMEM. */
int kube_listing_take(struct kube_watch *watch, char *json, size_t len, struct fault *f);
void kube_listing_done(struct kube_watch *watch); /* a page is whole */

/* ---- its changes (kube_watching.c) ---- */

void kube_watching_begin(struct kube_watch *watch);
/* As kube_listing_take, an event. -EREMOTE: the server ended it, watch->error_code says why. */
int kube_watching_take(struct kube_watch *watch, char *json, size_t len, struct fault *f);
void kube_watching_done(struct kube_watch *watch); /* the server ended it well */
bool kube_watching_worked(const struct kube_watch *watch);

/* ---- what went wrong (kube_failing.c): each says when it goes on ---- */

void kube_watch_failed(struct kube_watch *watch, enum kube_error reason, const struct fault *why,
		       int64_t retry_after_s);
/* No good end of a request. */
void kube_watch_went_wrong(struct kube_watch *watch, const struct transfer_result *result);
/* What comes can't be read on. */
void kube_watch_broke(struct kube_watch *watch, int err, struct fault *why);
/* Something good came. */
void kube_watch_fine(struct kube_watch *watch);

/* ---- single requests ---- */

void kube_request_stop(struct kube_request *request);
struct kube_request *kube_request_next(const struct kube_request *request);

#endif
