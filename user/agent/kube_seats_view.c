/* SPDX-License-Identifier: MIT */
/* kube_seats_view.c - what is told of seats that the cluster counts. */
#include <inttypes.h>
#include <stdio.h>

#include "agent.h"
#include "kube_seats.h"
#include "metric.h"
#include "ports.h"
#include "reply.h"
#include "seating.h"
#include "stamp.h"

#define NO_ROOM                                                                                    \
	"clients sit on %d other ports of its license already, as many as its pool has room for"
#define WARN_NS 60000000000ULL /* a renewal that fails once is no news */

/* The last reading may be of before the share's end. */
static uint32_t in_force(const struct borrow_port *port)
{
	return clock_boot_ns() < port->now.until_ns ? port->now.seats : 0;
}

/* ---- the status ---- */

static cJSON *port_json(const struct seat_line *line, const struct borrow_port *port)
{
	cJSON *object = cJSON_CreateObject();

	cJSON_AddNumberToObject(object, "port", port->now.port);
	cJSON_AddStringToObject(object, "protocol", proto_word(port->now.proto));
	json_put_u64(object, "total", port->now.total);
	json_put_u64(object, "borrowed", in_force(port));
	json_put_u64(object, "used", port->now.used);
	if (line->borrow.looked)
		json_put_u64(object, "elsewhere", port->others);
	else
		cJSON_AddNullToObject(object, "elsewhere");
	cJSON_AddBoolToObject(object, "short", borrow_short(&line->borrow, port, clock_boot_ns()));
	return object;
}

static cJSON *line_json(const struct seat_line *line)
{
	cJSON *object = cJSON_CreateObject(), *ports;
	char key[20];

	snprintf(key, sizeof(key), "%016" PRIx64, line->line);
	json_put_string(object, "iss", line->borrow.iss);
	json_put_string(object, "lid", line->borrow.lid);
	cJSON_AddStringToObject(object, "line", key);
	json_put_string(object, "error", line->trouble.text[0] ? line->trouble.text : NULL);
	ports = cJSON_AddArrayToObject(object, "ports");
	for (size_t i = 0; i < line->borrow.n_ports; i++)
		cJSON_AddItemToArray(ports, port_json(line, &line->borrow.ports[i]));
	return object;
}

cJSON *kube_seats_json(const struct agent *agent)
{
	const struct kube_seats *seats = &agent->kube_seats;
	bool holds = tenure_holds(&seats->tenure, clock_boot_ns());
	cJSON *root, *lines;

	if (!agent->kube_sync.on)
		return cJSON_CreateNull();
	root = cJSON_CreateObject();
	json_put_u64(root, "hold", (uint64_t)agent->config.kubernetes.seats_hold_s);
	json_put_moment(root, "until", &agent->clock, holds ? seats->tenure.until_ns : 0);
	cJSON_AddBoolToObject(root, "lost", seats->lost_told);
	json_put_string(root, "error", seats->trouble.text[0] ? seats->trouble.text : NULL);
	lines = cJSON_AddArrayToObject(root, "lines");
	for (const struct seat_line *line = seats->lines; line; line = line->next)
		cJSON_AddItemToArray(lines, line_json(line));
	return root;
}

static const char *lid_of(const struct seat_line *line)
{
	return line->borrow.lid ? line->borrow.lid : "of no file";
}

static void warn_port(const struct seat_line *line, const struct borrow_port *port, size_t others,
		      cJSON *warnings)
{
	char more[64] = "";

	if (others)
		snprintf(more, sizeof(more), "; so it is on %zu more of its ports", others);
	if (port->full)
		json_warn(warnings,
			  "license line %s: no seats of the cluster can be borrowed for "
			  "%u/%s: " NO_ROOM "%s",
			  lid_of(line), port->now.port, proto_word(port->now.proto), SEATPOOL_PORTS,
			  more);
	else
		json_warn(warnings,
			  "license line %s: all %u seats of the cluster on %u/%s are lent, "
			  "%u here and %llu elsewhere, and clients are refused here: who "
			  "needs more needs a license with more%s",
			  lid_of(line), port->now.total, port->now.port,
			  proto_word(port->now.proto), in_force(port),
			  (unsigned long long)port->others, more);
}

/* One for all ports of a line: somebody who scans a range finds hundreds of them. */
static void warn_line(const struct seat_line *line, cJSON *warnings)
{
	const struct borrow_port *first = NULL;
	uint64_t now = clock_boot_ns();
	size_t others = 0;

	if (line->troubled)
		json_warn(warnings,
			  "license line %s: its seats of the cluster can't be borrowed: %s",
			  lid_of(line), line->trouble.text);
	for (size_t i = 0; i < line->borrow.n_ports; i++) {
		const struct borrow_port *port = &line->borrow.ports[i];

		if (!borrow_short(&line->borrow, port, now))
			continue;
		others += !!first;
		first = first ? first : port;
	}
	if (first)
		warn_port(line, first, others, warnings);
}

static void warn_tenure(const struct agent *agent, cJSON *warnings)
{
	const struct kube_seats *seats = &agent->kube_seats;
	const struct tenure *t = &seats->tenure;
	uint64_t now = clock_boot_ns();
	char until[STAMP_LEN], since[STAMP_LEN], name[KOBJECT_NAME_MAX + 1];

	kube_node_lease(KUBE_BORROWER_LEASE, agent->config.kubernetes.node, name);
	if (seats->doubled >= KUBE_SEATS_DOUBLED)
		json_warn(warnings,
			  "somebody else renews the Lease \"%s\" too: if "
			  "another node has this one's name, both have the same seats of the "
			  "cluster, twice as many as there are; give it another name",
			  name);
	if (seats->lost_told)
		json_warn(warnings,
			  "SEATS LOST: this node holds no seats of the cluster since %s, for it "
			  "couldn't renew its Lease in time, and its clients are refused%s%s",
			  stamp_format(clock_at(&agent->clock, t->until_ns), until),
			  seats->trouble.text[0] ? ": " : "", seats->trouble.text);
	else if (!t->renewed_ns && seats->trouble.text[0] && t->failures > 2)
		json_warn(warnings, "no seats of the cluster can be borrowed by this node: %s",
			  seats->trouble.text);
	else if (t->renewed_ns && seats->trouble.text[0] && now - t->renewed_ns > 2 * WARN_NS)
		json_warn(warnings,
			  "seats of the cluster can't be renewed since %s: %s; what this node has "
			  "borrowed it holds until %s",
			  stamp_format(clock_at(&agent->clock, t->renewed_ns), since),
			  seats->trouble.text,
			  stamp_format(clock_at(&agent->clock, t->until_ns), until));
}

void kube_seats_warn(const struct agent *agent, cJSON *warnings)
{
	const struct kube_seats *seats = &agent->kube_seats;

	if (!agent->kube_sync.on)
		return;
	warn_tenure(agent, warnings);
	for (const struct seat_line *line = seats->lines; line; line = line->next)
		warn_line(line, warnings);
}

/* ---- metrics ---- */

static void put_port(FILE *out, const struct seat_line *line, const struct borrow_port *port)
{
	const char *proto = proto_word(port->now.proto);
	const struct {
		const char *state;
		uint64_t n;
	} samples[] = {{"licensed", port->now.total},
		       {"borrowed", in_force(port)},
		       {"used", port->now.used}};
	char number[8];

	snprintf(number, sizeof(number), "%u", port->now.port);
	for (size_t i = 0; i < ARRAY_SIZE(samples); i++)
		metric_sample(out, CLUSTER_SEATS,
			      LABELS("lid", lid_of(line), "protocol", proto, "port", number,
				     "state", samples[i].state),
			      (double)samples[i].n);
}

void kube_seats_metrics(FILE *out, const struct agent *agent)
{
	const struct kube_seats *seats = &agent->kube_seats;

	if (!agent->kube_sync.on)
		return;
	metric_head(out, CLUSTER_SEATS);
	for (const struct seat_line *line = seats->lines; line; line = line->next)
		for (size_t i = 0; i < line->borrow.n_ports; i++)
			put_port(out, line, &line->borrow.ports[i]);
	metric_head(out, CLUSTER_SEATS_UNTIL);
	if (seats->tenure.until_ns && kube_seats_lent(agent))
		metric_sample(out, CLUSTER_SEATS_UNTIL, NO_LABELS,
			      (double)clock_at(&agent->clock, seats->tenure.until_ns));
	metric_head(out, CLUSTER_SEATS_RECLAIMED);
	metric_sample(out, CLUSTER_SEATS_RECLAIMED, NO_LABELS, (double)seats->reclaimed);
}

/* ---- a refusal ---- */

static void say(const struct agent *agent, const struct seat_line *line,
		const struct borrow_port *port, char *out, size_t size)
{
	const struct kube_seats *seats = &agent->kube_seats;
	const char *why = line->trouble.text[0] ? line->trouble.text : seats->trouble.text;
	uint64_t lent = port->others + in_force(port);
	bool unheard = !seats->tenure.renewed_ns && seats->trouble.text[0];

	if (port->full)
		snprintf(out, size, "this node can't borrow seats of the cluster here: " NO_ROOM,
			 SEATPOOL_PORTS);
	else if (seats->lost_told || line->troubled || unheard)
		snprintf(out, size,
			 "this node has %u of the cluster's %u seats and can't borrow any: %s",
			 in_force(port), port->now.total, why[0] ? why : "it has lost them");
	else if (line->borrow.looked && lent >= port->now.total)
		snprintf(out, size,
			 "all of the cluster's %u seats are lent, %u of them to this node: wait "
			 "until a client leaves, here or elsewhere, or load a license with more "
			 "seats",
			 port->now.total, in_force(port));
	else
		snprintf(
			out, size,
			"this node has borrowed %u of the cluster's %u seats, which are taken, and "
			"borrows more: try again in a few seconds",
			in_force(port), port->now.total);
}

bool kube_seats_explain(const struct agent *agent, const struct gate_entry *entry, uint8_t ip_proto,
			uint16_t port, char *out, size_t size)
{
	struct seating s;

	if (!agent->kube_sync.on || !entry->rules ||
	    !seating_at(&entry->rules->compiled.set, ip_proto, port, clock_boot_ns(), &s))
		return false;
	for (size_t i = 0; i < s.n_license; i++) {
		const struct seat_line *line = kube_seats_line(agent, s.license[i].line);
		const struct borrow_port *at =
			line ? borrow_find(&line->borrow, ip_proto, port) : NULL;

		if (!s.license[i].shared || !s.license[i].gives || !at)
			continue;
		say(agent, line, at, out, size);
		return true;
	}
	return false;
}
