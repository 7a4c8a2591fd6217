/* SPDX-License-Identifier: MIT */
/* metric.c - the one table of metrics, and how a sample is written. */
#include "metric.h"

#include <inttypes.h>
#include <stdbool.h>

static const struct {
	const char *name, *type, *help;
} metrics[N_METRICS] = {
	[PORT_CONNECTIONS] = {"portlic_port_connections_total", "counter",
			      "Connections towards a port since its gate came."},
	[PORT_PACKETS] = {"portlic_port_packets_total", "counter",
			  "Packets towards a port; a merged frame counts as its segments."},
	[PORT_BYTES] = {"portlic_port_bytes_total", "counter",
			"Bytes towards a port, from the IP header on."},
	[PORT_DENIED] = {"portlic_port_denied_total", "counter",
			 "Packets that were denied or, in audit, would have been, by reason."},
	[PORT_ORIGIN_CONNECTIONS] = {"portlic_port_origin_connections_total", "counter",
				     "Connections that were let in, by where they came from."},
	[PORT_LAST_ACCESS] = {"portlic_port_last_access_timestamp_seconds", "gauge",
			      "When a packet was let through to the port last."},
	[PORT_QUOTA_USED] =
		{"portlic_port_quota_used", "gauge",
		 "Connections and bytes that count against a port's quota in its window."},
	[PORT_QUOTA_LIMIT] = {"portlic_port_quota_limit", "gauge",
			      "What the quota gives in a window."},
	[PORT_SEATS] = {"portlic_port_seats", "gauge",
			"Clients that have a seat on a port; more than the limit: overdraft."},
	[PORT_SEATS_LIMIT] = {"portlic_port_seats_limit", "gauge",
			      "Seats that a port has now; absent without a limit."},
	[LICENSE_EXPIRY] = {"portlic_license_expiry_timestamp_seconds", "gauge",
			    "When the license ends, grace not counted."},
	[LICENSE_DEADLINE] = {"portlic_license_deadline_timestamp_seconds", "gauge",
			      "Until when the license admits new connections; absent if for ever."},
	[LICENSE_WARN] = {"portlic_license_warn", "gauge",
			  "1 if the license ends soon and no renewal is loaded."},
	[LICENSE_INFO] = {"portlic_license_info", "gauge", "1 for each license that was read."},
	[LICENSE_REJECTED] = {"portlic_license_rejected_total", "counter",
			      "License files that were refused, by reason."},
	[CLOCK_SUSPECT] = {"portlic_clock_suspect", "gauge",
			   "1 if the wall clock is behind what is proven."},
	[GENERATION] = {"portlic_generation", "gauge", "Number of the rules in force."},
	[APPLY_DURATION] = {"portlic_apply_duration_seconds", "summary",
			    "Time to bring changed rules into the kernel."},
	[GATES] = {"portlic_gates", "gauge", "Gates by state."},
	[REHEARSAL] = {"portlic_gate_rehearsal_until_timestamp_seconds", "gauge",
		       "When a gate's enforced rehearsal ends; absent without one."},
	[TRIAL] = {"portlic_trial_until_timestamp_seconds", "gauge",
		   "When what is on trial is taken back; absent if nothing is."},
	[BREAK_GLASS] = {"portlic_gate_break_glass_until_timestamp_seconds", "gauge",
			 "When a gate's break-glass ends; absent without one."},
	[UNPROTECTED] = {"portlic_unprotected_seconds_total", "counter",
			 "Upper bound of the time that interfaces of gates were uncovered."},
	[ATTACHMENT_LOST] = {"portlic_attachment_lost_total", "counter",
			     "Hooks that had been removed or outranked and were put back."},
	[GATE_OVERRIDDEN] =
		{"portlic_gate_overridden", "gauge",
		 "1 while a foreign program decides before the gate's hook, or instead."},
	[SHIELD_ATTACHED] = {"portlic_shield_attached", "gauge",
			     "1 while the gate has its shield (native XDP) on an interface."},
	[CONNECTIONS_CUT] =
		{"portlic_connections_cut_total", "counter",
		 "Connections that were reset: the right to their port is over, or all its seats "
		 "are taken."},
	[FLOW_EVICTIONS] =
		{"portlic_flow_evictions_total", "counter",
		 "Outbound UDP and SCTP flows that a gate's table had no room for, the oldest."},
	[GATE_MEMORY] = {"portlic_gate_memory_bytes", "gauge",
			 "What the kernel charges for the gate's maps and programs."},
	[BINDS] = {"portlic_gate_binds_total", "counter",
		   "Binds by processes of a gate's cgroup to ports that nothing opens."},
	[UNLICENSED_LISTENERS] = {"portlic_unlicensed_listeners", "gauge",
				  "Listening ports that nothing opens."},
	[PORT_REMAP] =
		{"portlic_port_remap_total", "counter",
		 "Connections that reached the socket of another port than the client named."},
	[EVENTS_LOST] = {"portlic_events_lost_total", "counter",
			 "Events left out: more than a reason's rate, or nobody read them."},
	[CHECK_PROBES] = {"portlic_check_probes_total", "counter",
			  "Probes of `portlic check`, which the counters of ports leave out."},
	[MAP_PRESSURE] = {"portlic_bpf_map_pressure", "gauge",
			  "Fill of the fullest map of its kind, 0 to 1."},
	[POD_SOURCES] = {"portlic_pod_sources", "gauge",
			 "Addresses of pods that policies admit by labels, once for each set."},
	[PULL_TOTAL] = {"portlic_pull_total", "counter",
			"Pulls of a license or revocation list, by result."},
	[PULL_LAST_SUCCESS] = {"portlic_pull_last_success_timestamp_seconds", "gauge",
			       "When the source gave something good last, an unchanged file too."},
	[NOTIFY_TOTAL] = {"portlic_notify_total", "counter",
			  "Tries to deliver an event to a target, by result."},
	[NOTIFY_LOST] = {"portlic_notify_lost_total", "counter",
			 "Events that a target never took: its queue was full, or it failed for "
			 "too long."},
	[PODS] = {"portlic_pods", "gauge",
		  "Pods of this node: gated, waiting for their sandbox, excluded (selected, and "
		  "they "
		  "run without a gate), unselected."},
	[ATTACH_DELAY] =
		{"portlic_attach_delay_seconds", "summary",
		 "From the first process of a pod's sandbox, or its runtime's call, to its "
		 "gate."},
	[GATE_INFO] = {"portlic_gate_info", "gauge", "1, with the pod that the gate is of."},
	[KUBE_CONNECTED] = {"portlic_kubernetes_connected", "gauge",
			    "1 while the API server answers and all watches work."},
	[KUBE_WATCH_RESTARTS] =
		{"portlic_kubernetes_watch_restarts_total", "counter",
		 "Watches that were begun again; each ends by itself within minutes."},
	[KUBE_ERRORS_TOTAL] = {"portlic_kubernetes_errors_total", "counter",
			       "Requests to the API server that failed, by reason."},
	[CLUSTER_SEATS] = {"portlic_cluster_seats", "gauge",
			   "Seats that the cluster counts: licensed for all of it, borrowed by "
			   "this node, used here."},
	[CLUSTER_SEATS_UNTIL] =
		{"portlic_cluster_seats_until_timestamp_seconds", "gauge",
		 "Until when this node holds what it has borrowed; absent without anything."},
	[CLUSTER_SEATS_RECLAIMED] =
		{"portlic_cluster_seats_reclaimed_total", "counter",
		 "Nodes from which this agent, as the writer, took back what they had borrowed."},
	[BUILD_INFO] = {"portlic_build_info", "gauge", "1, with the version."},
};

void metric_head(FILE *out, enum metric metric)
{
	fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", metrics[metric].name, metrics[metric].help,
		metrics[metric].name, metrics[metric].type);
}

static void put_label(FILE *out, const char *name, const char *value)
{
	fprintf(out, "%s=\"", name);
	for (; *value; value++) {
		if (*value == '\n')
			fputs("\\n", out);
		else if (*value == '"' || *value == '\\')
			fprintf(out, "\\%c", *value);
		else
			fputc(*value, out);
	}
	fputc('"', out);
}

void metric_sample(FILE *out, enum metric metric, const char *const *labels, double value)
{
	bool first = true;

	fputs(metrics[metric].name, out);
	for (; labels[0]; labels += 2) {
		fputc(first ? '{' : ',', out);
		put_label(out, labels[0], labels[1]);
		first = false;
	}
	/* Counters whole, durations to the nanosecond. */
	fprintf(out, "%s %.*f\n", first ? "" : "}", value == (int64_t)value ? 0 : 9, value);
}

void metric_summary(FILE *out, enum metric metric, double sum, uint64_t count)
{
	fprintf(out, "%s_sum %.9g\n%s_count %" PRIu64 "\n", metrics[metric].name, sum,
		metrics[metric].name, count);
}
