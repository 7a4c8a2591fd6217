/* SPDX-License-Identifier: MIT */
/* metrics.c - GET /metrics: the Prometheus text format 0.0.4. */
#include "api.h"

#include <inttypes.h>
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent.h"
#include "cleanup.h"
#include "gateview.h"
#include "inspect.h"
#include "ports.h"

enum metric {
	PORT_CONNECTIONS,
	PORT_PACKETS,
	PORT_BYTES,
	PORT_DENIED,
	PORT_LAST_ACCESS,
	LICENSE_EXPIRY,
	LICENSE_INFO,
	LICENSE_REJECTED,
	GENERATION,
	APPLY_DURATION,
	GATES,
	UNPROTECTED,
	ATTACHMENT_LOST,
	UNLICENSED_LISTENERS,
	MAP_PRESSURE,
	BUILD_INFO,
	N_METRICS,
};

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
	[PORT_LAST_ACCESS] = {"portlic_port_last_access_timestamp_seconds", "gauge",
			      "When a packet was let through to the port last."},
	[LICENSE_EXPIRY] = {"portlic_license_expiry_timestamp_seconds", "gauge",
			    "When the license ends, grace not counted."},
	[LICENSE_INFO] = {"portlic_license_info", "gauge", "1 for each license that was read."},
	[LICENSE_REJECTED] = {"portlic_license_rejected_total", "counter",
			      "License files that were refused, by reason."},
	[GENERATION] = {"portlic_generation", "gauge", "Number of the rules in force."},
	[APPLY_DURATION] = {"portlic_apply_duration_seconds", "summary",
			    "Time to bring changed rules into the kernel."},
	[GATES] = {"portlic_gates", "gauge", "Gates by state."},
	[UNPROTECTED] = {"portlic_unprotected_seconds_total", "counter",
			 "Upper bound of the time that interfaces of gates were uncovered."},
	[ATTACHMENT_LOST] = {"portlic_attachment_lost_total", "counter",
			     "Hooks that had been removed and were put back."},
	[UNLICENSED_LISTENERS] = {"portlic_unlicensed_listeners", "gauge",
				  "Listening ports that nothing opens."},
	[MAP_PRESSURE] = {"portlic_bpf_map_pressure", "gauge",
			  "Fill of the fullest map of its kind, 0 to 1."},
	[BUILD_INFO] = {"portlic_build_info", "gauge", "1, with the version."},
};

static const char *const verdict_words[] = {
	[PLIC_ALLOWED] = "allowed", [PLIC_DENIED] = "denied", [PLIC_AUDIT] = "audit"};

/* What a scrape is written from. */
struct scrape {
	FILE *out;
	const struct agent *agent;
	struct gate_ports {
		const char *gate;
		struct port_row *rows;
		size_t n;
	} * gates;
	size_t n_gates;
};

static void head(const struct scrape *s, enum metric metric)
{
	fprintf(s->out, "# HELP %s %s\n# TYPE %s %s\n", metrics[metric].name, metrics[metric].help,
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

/* Labels: names and values, alternating, NULL at the end. */
static void sample(const struct scrape *s, enum metric metric, const char *const *labels,
		   double value)
{
	bool first = true;

	fputs(metrics[metric].name, s->out);
	for (; labels[0]; labels += 2) {
		fputc(first ? '{' : ',', s->out);
		put_label(s->out, labels[0], labels[1]);
		first = false;
	}
	fprintf(s->out, "%s %.17g\n", first ? "" : "}", value);
}
#define LABELS(...) ((const char *const[]){__VA_ARGS__, NULL})
#define NO_LABELS ((const char *const[]){NULL})

/* ---- ports ---- */

/* Ports that no rule names are one `other` for each protocol: a scan must not make series. */
static void fold(struct gate_ports *ports)
{
	struct port_row *others[256] = {NULL}; /* by protocol */
	size_t i, j, n = 0;

	for (i = 0; i < ports->n; i++) {
		struct port_row *row = &ports->rows[i], *to = NULL;

		if (!row->slot) {
			row->port = row->end_port = 0;
			to = others[row->ip_proto];
		}
		if (!to) {
			ports->rows[n] = *row;
			if (!row->slot)
				others[row->ip_proto] = &ports->rows[n];
			n++;
			continue;
		}
		for (j = 0; j < ARRAY_SIZE(to->count); j++) {
			to->count[j].packets += row->count[j].packets;
			to->count[j].bytes += row->count[j].bytes;
			to->count[j].connections += row->count[j].connections;
		}
		for (j = 0; j < PORTS_N_REASONS; j++)
			to->denied[j] += row->denied[j];
		if (row->access_ns > to->access_ns)
			to->access_ns = row->access_ns;
	}
	ports->n = n;
}

static const char *port_label(const struct port_row *row, char *text, size_t len)
{
	if (!row->port)
		return "other";
	if (row->port == row->end_port)
		snprintf(text, len, "%u", row->port);
	else
		snprintf(text, len, "%u-%u", row->port, row->end_port);
	return text;
}

static void put_row(const struct scrape *s, enum metric metric, const char *gate,
		    const struct port_row *row)
{
	const char *proto = row->ip_proto ? proto_word(row->ip_proto) : "other";
	char text[16];
	const char *port = port_label(row, text, sizeof(text));
	size_t i;

	if (metric == PORT_LAST_ACCESS) {
		if (row->access_ns)
			sample(s, metric, LABELS("gate", gate, "protocol", proto, "port", port),
			       clock_at(&s->agent->clock, row->access_ns));
		return;
	}
	if (metric == PORT_DENIED) {
		for (i = 1; i < PORTS_N_REASONS; i++)
			if (row->denied[i])
				sample(s, metric,
				       LABELS("gate", gate, "protocol", proto, "port", port,
					      "reason", reason_word(i)),
				       row->denied[i]);
		return;
	}
	for (i = 0; i < ARRAY_SIZE(verdict_words); i++)
		sample(s, metric,
		       LABELS("gate", gate, "protocol", proto, "port", port, "verdict",
			      verdict_words[i]),
		       metric == PORT_CONNECTIONS ? row->count[i].connections
		       : metric == PORT_PACKETS	  ? row->count[i].packets
						  : row->count[i].bytes);
}

static void put_ports(const struct scrape *s)
{
	enum metric metric;
	size_t i, j;

	for (metric = PORT_CONNECTIONS; metric <= PORT_LAST_ACCESS; metric++) {
		head(s, metric);
		for (i = 0; i < s->n_gates; i++)
			for (j = 0; j < s->gates[i].n; j++)
				put_row(s, metric, s->gates[i].gate, &s->gates[i].rows[j]);
	}
}

/* ---- licenses ---- */

/* A lid may stand in several files while it is renewed: the one in force speaks for it. */
static bool speaks(const struct licenses *licenses, size_t i)
{
	const struct license_view *views = licenses->views;
	size_t j;

	for (j = 0; j < licenses->n_views; j++) {
		if (j == i || strcmp(views[j].lic->lid, views[i].lic->lid))
			continue;
		if (views[j].lic->seq > views[i].lic->seq ||
		    (views[j].lic->seq == views[i].lic->seq && j < i))
			return false;
	}
	return true;
}

static void put_licenses(const struct scrape *s)
{
	const struct licenses *licenses = &s->agent->licenses;
	size_t i;

	head(s, LICENSE_EXPIRY);
	for (i = 0; i < licenses->n_views; i++)
		if (speaks(licenses, i))
			sample(s, LICENSE_EXPIRY, LABELS("lid", licenses->views[i].lic->lid),
			       licenses->views[i].lic->exp);
	head(s, LICENSE_INFO);
	for (i = 0; i < licenses->n_views; i++) {
		const struct license *lic = licenses->views[i].lic;

		if (speaks(licenses, i))
			sample(s, LICENSE_INFO,
			       LABELS("lid", lic->lid, "sub", lic->sub, "plan",
				      lic->plan ? lic->plan : "", "state",
				      license_state_word(licenses->views[i].state)),
			       1);
	}
	head(s, LICENSE_REJECTED);
	for (i = 1; i < LICENSES_N_REASONS; i++)
		sample(s, LICENSE_REJECTED, LABELS("reason", licenses_reason_word(i)),
		       licenses->rejected[i]);
}

/* ---- gates ---- */

static void put_gates(const struct scrape *s)
{
	const struct gates *gates = &s->agent->gates;
	uint64_t lost[GATE_N_HOOKS] = {0}, unprotected_ns = 0;
	unsigned int states[GATE_N_STATES] = {0};
	size_t i, j, n, fullest = 0;

	for (i = 0; i < gates->n_entries; i++) {
		const struct gate_entry *entry = gates->entries[i];

		states[entry->state]++;
		unprotected_ns += entry->unprotected_ns;
		for (j = 0; j < GATE_N_HOOKS; j++)
			lost[j] += entry->lost[j];
		if (entry->counters.n_denials > fullest)
			fullest = entry->counters.n_denials;
	}
	head(s, GATES);
	for (i = 0; i < GATE_N_STATES; i++)
		sample(s, GATES, LABELS("state", gate_state_word(i)), states[i]);
	head(s, UNPROTECTED);
	sample(s, UNPROTECTED, NO_LABELS, unprotected_ns / 1e9);
	head(s, ATTACHMENT_LOST);
	for (i = 0; i < GATE_N_HOOKS; i++)
		sample(s, ATTACHMENT_LOST, LABELS("hook", gate_hook_word(i)), lost[i]);
	head(s, UNLICENSED_LISTENERS);
	for (i = 0; i < gates->n_entries; i++) {
		const struct gate_entry *entry = gates->entries[i];

		for (j = n = 0; j < entry->stand.n_listeners; j++)
			n += gate_unlicensed(entry, &entry->stand.listeners[j]);
		sample(s, UNLICENSED_LISTENERS, LABELS("gate", entry->name), n);
	}
	head(s, MAP_PRESSURE);
	sample(s, MAP_PRESSURE, LABELS("map", PLIC_MAP_DENIALS),
	       (double)fullest / PLIC_MAX_DENIALS);
}

static void put_agent(const struct scrape *s)
{
	const struct gates *gates = &s->agent->gates;

	head(s, GENERATION);
	sample(s, GENERATION, NO_LABELS, gates->generation);
	head(s, APPLY_DURATION);
	fprintf(s->out, "%s_sum %.9g\n%s_count %" PRIu64 "\n", metrics[APPLY_DURATION].name,
		gates->apply_seconds_sum, metrics[APPLY_DURATION].name, gates->apply_count);
	head(s, BUILD_INFO);
	sample(s, BUILD_INFO, LABELS("version", PORTLIC_VERSION), 1);
}

static void list_ports(struct scrape *s)
{
	const struct gates *gates = &s->agent->gates;
	size_t i;

	s->gates = calloc(gates->n_entries + 1, sizeof(*s->gates));
	for (i = 0; s->gates && i < gates->n_entries; i++) {
		struct gate_ports *ports = &s->gates[s->n_gates];

		ports->gate = gates->entries[i]->name;
		if (ports_list(gates->entries[i], clock_boot_ns(), &ports->rows, &ports->n))
			continue;
		fold(ports);
		s->n_gates++;
	}
}

static void counted(void *arg)
{
	struct http_request *request = arg;
	struct scrape s = {.agent = request->http->agent};
	char *text = NULL;
	size_t len, i;

	s.out = open_memstream(&text, &len);
	if (!s.out) {
		http_reply(request, MHD_HTTP_INTERNAL_SERVER_ERROR, NULL, NULL);
		return;
	}
	list_ports(&s);
	put_ports(&s);
	put_licenses(&s);
	put_gates(&s);
	put_agent(&s);
	fclose(s.out);
	for (i = 0; i < s.n_gates; i++)
		free(s.gates[i].rows);
	free(s.gates);
	http_reply(request, MHD_HTTP_OK, "text/plain; version=0.0.4; charset=utf-8", text);
}

void api_metrics_get(struct agent *agent, struct http_request *request, const char *name)
{
	inspect_gates(agent, NULL, INSPECT_COUNTERS, counted, request);
}
