/* SPDX-License-Identifier: MIT */
/*
 * kube.h - the Kubernetes API server: lists that are watched for ever, and single requests.
 *
 * HTTPS with the service account's CA and token (read again before each request: they are renewed on disk),
 * HTTP/1.1 or 2. What can't be reached is tried again after 1 s, then longer, up to 60 s, each pause drawn by
 * lot so that a thousand nodes don't come back at once. Nothing here ever blocks the loop or takes anything
 * away: what a consumer has been told of holds until a whole list says otherwise.
 */
#ifndef PORTLIC_AGENT_KUBE_H
#define PORTLIC_AGENT_KUBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "fault.h"

struct agent;
struct http_request;

/* The member `kubernetes` of the configuration; {} takes all of it from the pod the agent runs in. */
struct kube_config {
	bool on;
	char *api; /* "api": "https://HOST:PORT"; default $KUBERNETES_SERVICE_HOST and _PORT */
	char *token_file; /* "token_file"; default /var/run/secrets/kubernetes.io/serviceaccount/token */
	char *ca_file;	 /* "ca_file"; default .../ca.crt */
	char *node;	 /* "node"; default $NODE_NAME */
	char *namespace; /* "namespace": the agent's own; default $POD_NAMESPACE, .../namespace */
	/*
	 * "kubelet_cgroup": path of the kubelet's own in the hierarchy (v2); NULL: that of the process called
	 * kubelet. See probing.h.
	 */
	char *kubelet_cgroup;
	/*
	 * "seats_hold": seconds that seats borrowed from the cluster last without the API server; as long
	 * those of a node that died are lost to the others. TENURE_HOLD_MIN_S to _MAX_S.
	 */
	int64_t seats_hold_s;
};

/* The member `kubernetes` of root; absent, null and false: off. -EINVAL with key and remedy, -ENOMEM. */
int kube_config_read(const cJSON *root, struct kube_config *out, struct fault *f);
void kube_config_free(struct kube_config *config);

/* Why a request failed: the label `reason`. */
#define KUBE_ERRORS(X)                                                                             \
	X(UNREACHABLE, "unreachable")	/* no answer, or it broke off */                           \
	X(TOKEN, "token")		/* its file can't be read */                               \
	X(UNAUTHORIZED, "unauthorized") /* 401 */                                                  \
	X(FORBIDDEN, "forbidden")	/* 403 */                                                  \
	X(UNKNOWN, "unknown")		/* 404 */                                                  \
	X(EXPIRED, "expired")		/* 410: what is asked for is too long ago */               \
	X(THROTTLED, "throttled")	/* 429 */                                                  \
	X(SERVER, "server")		/* 5xx */                                                  \
	X(REFUSED, "refused")		/* any other status */                                     \
	X(MALFORMED, "malformed")	/* not what an API server sends, or too large */

enum kube_error {
#define KUBE_ERROR_ENUM(name, word) KUBE_FAIL_##name,
	KUBE_ERRORS(KUBE_ERROR_ENUM)
#undef KUBE_ERROR_ENUM
		KUBE_N_ERRORS
};

/* What is watched: the label `watch`. Of some there are many, one for each selector. */
#define KUBE_KINDS(X)                                                                              \
	X(OTHER, "other")                                                                          \
	X(PODS, "pods") /* of this node */                                                         \
	X(NAMESPACES, "namespaces")                                                                \
	X(NODES, "nodes")                                                                          \
	X(PEERS, "peers") /* pods that policies admit */                                           \
	X(SECRETS, "secrets")                                                                      \
	X(LICENSES, "portlicenses")                                                                \
	X(POLICIES, "portpolicies")                                                                \
	X(WRITER, "writer")	  /* the Lease of who writes */                                    \
	X(REPORTS, "reports")	  /* the Leases of all nodes */                                    \
	X(BORROWERS, "borrowers") /* ... by which they hold seats */

enum kube_kind {
#define KUBE_KIND_ENUM(name, word) KUBE_##name,
	KUBE_KINDS(KUBE_KIND_ENUM)
#undef KUBE_KIND_ENUM
		KUBE_N_KINDS
};

struct kube_watch;
struct kube_request;

/* The agent's one of it. */
struct kube {
	bool on;
	struct kube_watch *watches;
	struct kube_request *requests;
	bool answered;	   /* the last request was, well */
	bool connected;	   /* ... and no watch fails */
	uint64_t since_ns; /* boot clock: when connected changed */
	uint64_t errors[KUBE_N_ERRORS];
	uint64_t restarts[KUBE_N_KINDS];
};

/*
 * All are called from the loop. begin .. present* .. end is a whole list; between lists come changes. A list that
 * breaks off has no end: it begins anew. Objects are valid during the call. Those of a list have neither kind nor
 * apiVersion. Each may begin requests and watches, and end its own.
 */
struct kube_consumer {
	void (*begin)(void *arg);
	void (*present)(void *arg, const cJSON *object); /* is there, new or changed */
	void (*gone)(void *arg, const cJSON *object);	 /* was deleted; its last state */
	void (*end)(void *arg); /* what the list didn't name is no longer there */
};

struct kube_watch_spec {
	const char *path; /* "/api/v1/pods" */
	const char *
		query; /* more parameters, URL-escaped: "fieldSelector=spec.nodeName%3Dn1"; NULL: none */
	const char *what; /* for the log: "the pods of this node" */
	enum kube_kind kind;
	const char *
		optional; /* the kind may be unknown to this server (404): asked again each minute, quietly; NULL: not so */
	struct kube_consumer consumer;
	void *arg;
};

/* Strings are copied. NULL: no memory, or no Kubernetes is configured. It begins with the loop. */
struct kube_watch *kube_watch(struct agent *agent, const struct kube_watch_spec *spec);
void kube_unwatch(struct kube_watch *watch);		/* NULL-safe; no more calls */
bool kube_watch_synced(const struct kube_watch *watch); /* a whole list has come, once */
bool kube_watch_failing(const struct kube_watch *watch);
const char *kube_watch_error(const struct kube_watch *watch); /* why it fails, NULL: it doesn't */
bool kube_watch_absent(
	const struct kube_watch *watch); /* optional, and unknown to the server now */

struct kube_answer {
	int err; /* 0: an answer came, whatever its status; else -errno and why */
	struct fault why;
	unsigned int status;
	const cJSON *body; /* NULL: none, or no JSON */
};
typedef void kube_done(void *arg, const struct kube_answer *answer);

struct kube_request_spec {
	const char *method;	  /* "GET", "POST", "PUT", "PATCH", "DELETE" */
	const char *path;	  /* with its query */
	const char *content_type; /* of body; NULL: application/json */
	const char *body;	  /* JSON text, NULL: none */
};

/*
 * Once, without a second try, 10 s at most. NULL: it can't begin, and done isn't called. That a named object isn't
 * there is an answer and counts as no error.
 */
struct kube_request *kube_request(struct agent *agent, const struct kube_request_spec *spec,
				  kube_done *done, void *arg, struct fault *f);
void kube_cancel(struct kube_request *request); /* done isn't called any more; NULL-safe */

void kube_start(struct agent *agent);
/* Nothing is called any more. Watches and requests remain their owners' to kube_unwatch() and kube_cancel(). */
void kube_stop(struct agent *agent);

/* For `status`: {"api","node","connected":bool,"since","error":"…"|null,"watches":[{"what","synced":bool,"objects":n}]}; NULL: off. */
cJSON *kube_status(const struct agent *agent);

#endif
