/* SPDX-License-Identifier: MIT */
/* metric.h - the metrics that there are, and the Prometheus text format 0.0.4. */
#ifndef PORTLIC_AGENT_METRIC_H
#define PORTLIC_AGENT_METRIC_H

#include <stdint.h>
#include <stdio.h>

enum metric {
	PORT_CONNECTIONS,
	PORT_PACKETS,
	PORT_BYTES,
	PORT_DENIED,
	PORT_ORIGIN_CONNECTIONS,
	PORT_LAST_ACCESS,
	PORT_SEATS,
	PORT_SEATS_LIMIT,
	PORT_QUOTA_USED,
	PORT_QUOTA_LIMIT,
	LICENSE_EXPIRY,
	LICENSE_DEADLINE,
	LICENSE_WARN,
	LICENSE_INFO,
	LICENSE_REJECTED,
	CLOCK_SUSPECT,
	GENERATION,
	APPLY_DURATION,
	GATES,
	BREAK_GLASS,
	REHEARSAL,
	TRIAL,
	UNPROTECTED,
	ATTACHMENT_LOST,
	GATE_OVERRIDDEN,
	SHIELD_ATTACHED,
	CONNECTIONS_CUT,
	FLOW_EVICTIONS,
	GATE_MEMORY,
	BINDS,
	UNLICENSED_LISTENERS,
	PORT_REMAP,
	EVENTS_LOST,
	CHECK_PROBES,
	MAP_PRESSURE,
	POD_SOURCES,
	PULL_TOTAL,
	PULL_LAST_SUCCESS,
	NOTIFY_TOTAL,
	NOTIFY_LOST,
	PODS,
	ATTACH_DELAY,
	GATE_INFO,
	KUBE_CONNECTED,
	KUBE_WATCH_RESTARTS,
	KUBE_ERRORS_TOTAL,
	CLUSTER_SEATS,
	CLUSTER_SEATS_UNTIL,
	CLUSTER_SEATS_RECLAIMED,
	BUILD_INFO,
	N_METRICS,
};

void metric_head(FILE *out, enum metric metric); /* once, before its samples */

/* labels: LABELS("gate", name, "port", port) or NO_LABELS; values are escaped. */
void metric_sample(FILE *out, enum metric metric, const char *const *labels, double value);
#define LABELS(...) ((const char *const[]){__VA_ARGS__, NULL})
#define NO_LABELS ((const char *const[]){NULL})

void metric_summary(FILE *out, enum metric metric, double sum, uint64_t count);

#endif
