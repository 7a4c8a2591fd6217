/* SPDX-License-Identifier: MIT */
/* port.c - portlic port list, show. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "client.h"
#include "output.h"
#include "peers.h"
#include "port_text.h"
#include "portlic.h"
#include "table.h"
#include "when.h"

struct cell {
	char text[48];
};

static const char *number_text(const cJSON *object, const char *name, struct cell *out)
{
	snprintf(out->text, sizeof(out->text), "%.0f", member_number(object, name));
	return out->text;
}

/* "12d", relative to now; NULL: no time. */
static const char *time_text(const cJSON *port, const char *name, struct cell *out)
{
	char relative[WHEN_LEN];
	int64_t t;

	if (when_parse(member_text(port, name), &t))
		return NULL;
	snprintf(out->text, sizeof(out->text), "%s", when_relative(t, time(NULL), relative));
	return out->text;
}

/* "used/limit", "used/borrowed of 50" where the cluster counts; NULL: no limit. */
static const char *seats_text(const cJSON *seats, struct cell *out)
{
	int n;

	if (!cJSON_IsObject(seats))
		return NULL;
	n = snprintf(out->text, sizeof(out->text), "%.0f/%.0f", member_number(seats, "used"),
		     member_number(seats, "limit"));
	if (cJSON_IsNumber(json_get(seats, "total")))
		snprintf(out->text + n, sizeof(out->text) - (size_t)n, " of %.0f",
			 member_number(seats, "total"));
	return out->text;
}

#define SEATS_COLUMN 7 /* only where a port has some */

static void leave_out(const char **cells, size_t n, size_t at)
{
	memmove(&cells[at], &cells[at + 1], (n - at - 1) * sizeof(*cells));
}

static void port_row(struct table *table, const cJSON *port, bool with_seats)
{
	const cJSON *packets = json_get(port, "packets");
	const cJSON *connections = json_get(port, "connections");
	const char *name = json_get(port, "port") && cJSON_IsNumber(json_get(port, "port"))
				   ? member_text(port, "name")
				   : NULL;
	struct cell c[8];
	const char *cells[] = {member_text(port, "gate"),
			       port_text(port, c[0].text),
			       member_text(port, "protocol"),
			       name,
			       member_text(port, "state"),
			       member_text(port, "lid"),
			       time_text(port, "deadline", &c[1]),
			       seats_text(json_get(port, "seats"), &c[2]),
			       number_text(packets, "allowed", &c[3]),
			       number_text(packets, "denied", &c[4]),
			       number_text(packets, "audit", &c[5]),
			       number_text(connections, "allowed", &c[6]),
			       time_text(port, "last_access", &c[7])};

	if (!with_seats)
		leave_out(cells, ARRAY_SIZE(cells), SEATS_COLUMN);
	table_row(table, cells);
}

static bool have_seats(const cJSON *ports)
{
	const cJSON *port;

	cJSON_ArrayForEach (port, ports)
		if (cJSON_IsObject(json_get(port, "seats")))
			return true;
	return false;
}

static int print_ports(const cJSON *ports, struct failure *why)
{
	const char *columns[] = {"GATE",    "PORT",   "PROTO",	"NAME",	    "STATE",
				 "LICENSE", "ENDS",   ">SEATS", ">ALLOWED", ">DENIED",
				 ">AUDIT",  ">CONNS", "LAST"};
	bool with_seats = have_seats(ports);
	_table_ struct table table = {.columns = columns,
				      .n_columns = ARRAY_SIZE(columns) - !with_seats};
	const cJSON *port;

	if (!with_seats)
		leave_out(columns, ARRAY_SIZE(columns), SEATS_COLUMN);
	cJSON_ArrayForEach (port, ports)
		port_row(&table, port, with_seats);
	if (table_print(&table, stdout))
		return fail(why, EXIT_USAGE, "out of memory");
	return 0;
}

int cmd_port_list(const struct args *args, struct failure *why)
{
	_free_ char *path = args->n_operands ? client_path("/v1/ports?gate=", args->operands[0])
					     : strdup("/v1/ports");
	_reply_ struct reply reply = {};
	int r;

	if (!path)
		return fail(why, EXIT_USAGE, "out of memory");
	r = client_get(args, path, true, &reply, why);
	if (r)
		return r;
	if (!args->json)
		return print_ports(reply.json, why);
	puts(reply.text);
	return 0;
}

/* "PORT[/PROTO]" */
static int parse_port(const char *text, long *port, const char **protocol, struct failure *why)
{
	static const char *const protocols[] = {"tcp", "udp", "sctp"};
	char *end;

	*port = strtol(text, &end, 10);
	*protocol = *end == '/' ? end + 1 : "tcp";
	if (*text < '0' || *text > '9' || *port < 1 || *port > 65535 || (*end && *end != '/'))
		return fail(why, EXIT_USAGE, "\"%s\" is no port; give one like 8080 or 53/udp",
			    text);
	for (size_t i = 0; i < ARRAY_SIZE(protocols); i++)
		if (!strcasecmp(*protocol, protocols[i]))
			return 0;
	return fail(why, EXIT_USAGE, "\"%s\": the protocol is tcp, udp or sctp", text);
}

static bool is_port(const cJSON *item, long port, const char *protocol)
{
	const char *of = member_text(item, "protocol");
	double first = member_number(item, "port"), last = member_number(item, "end_port");

	return of && !strcasecmp(of, protocol) && first && (double)port >= first &&
	       (double)port <= (last > first ? last : first);
}

static void print_when(const cJSON *port, const char *label, const char *name)
{
	const char *text = member_text(port, name);
	char relative[WHEN_LEN], line[96];
	int64_t t;

	if (when_parse(text, &t)) {
		print_field(label, NULL);
		return;
	}
	snprintf(line, sizeof(line), "%.32s (%s)", text, when_relative(t, time(NULL), relative));
	print_field(label, line);
}

static void print_counters(const cJSON *port, const char *name)
{
	const cJSON *counters = json_get(port, name);
	char line[96];

	snprintf(line, sizeof(line), "%.0f allowed, %.0f denied, %.0f audit",
		 member_number(counters, "allowed"), member_number(counters, "denied"),
		 member_number(counters, "audit"));
	print_field(name, line);
}

/* The contract's list of reasons gives each word its sentence. */
static const char *reason_sentence(const char *word)
{
	static const struct {
		const char *word, *text;
	} sentences[] = {
#define REASON_SENTENCE(number, name, reason_word, sentence) {reason_word, sentence},
		PLIC_REASONS(REASON_SENTENCE)
#undef REASON_SENTENCE
	};

	for (size_t i = 0; i < ARRAY_SIZE(sentences); i++)
		if (!strcmp(word, sentences[i].word))
			return sentences[i].text;
	return "a reason that this version doesn't know";
}

static void print_denied(const cJSON *reason)
{
	char line[160];

	if (!reason->string || !cJSON_IsNumber(reason))
		return;
	snprintf(line, sizeof(line), "%.0f %s (%s)", reason->valuedouble, reason->string,
		 reason_sentence(reason->string));
	print_field("denied", line);
}

/* "5.5 a second, 10 at once" */
static void print_rate(const cJSON *rate)
{
	char line[96];

	if (!cJSON_IsObject(rate))
		return;
	snprintf(line, sizeof(line), "%g new connections a second, %.0f at once",
		 member_number(rate, "per_second"), member_number(rate, "burst"));
	print_field("rate", line);
}

/* "7 of 100 connections, 10 of 2000 bytes until TIME" */
static void print_quota(const cJSON *quota)
{
	static const char *const units[] = {"connections", "bytes"};
	const cJSON *used = json_get(quota, "used"), *limit = json_get(quota, "limit");
	const char *end = member_text(quota, "window_end");
	char line[192] = "";
	size_t at = 0;

	if (!cJSON_IsObject(quota))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(units); i++)
		if (json_get(limit, units[i]) && at < sizeof(line))
			at += (size_t)snprintf(line + at, sizeof(line) - at, "%s%.0f of %.0f %s",
					       at ? ", " : "", member_number(used, units[i]),
					       member_number(limit, units[i]), units[i]);
	if (at < sizeof(line))
		snprintf(line + at, sizeof(line) - at, " until %.32s%s", end ? end : "?",
			 !cJSON_IsTrue(json_get(quota, "over"))	   ? ""
			 : cJSON_IsTrue(json_get(quota, "blocks")) ? ", USED UP: refused"
								   : ", USED UP: reported");
	print_field("quota", line);
}

static void print_origins(const cJSON *port)
{
	const cJSON *origin;
	char line[256] = "";
	size_t len = 0;

	cJSON_ArrayForEach (origin, json_get(port, "origins"))
		if (origin->string && cJSON_IsNumber(origin) && len < sizeof(line))
			len += (size_t)snprintf(line + len, sizeof(line) - len, "%s%.0f %.16s",
						len ? ", " : "", origin->valuedouble,
						origin->string);
	print_field("origins", len ? line : NULL);
}

static void print_port(const cJSON *port)
{
	struct cell number;
	const cJSON *reason;
	char line[128];

	print_field("gate", member_text(port, "gate"));
	snprintf(line, sizeof(line), "%s/%s", port_text(port, number.text),
		 member_text(port, "protocol") ? member_text(port, "protocol") : "?");
	print_field("port", line);
	print_field("name", member_text(port, "name"));
	print_field("state", member_text(port, "state"));
	print_field("license", member_text(port, "lid"));
	print_when(port, "ends", "deadline");
	print_rate(json_get(port, "rate"));
	print_quota(json_get(port, "quota"));
	if (cJSON_IsTrue(json_get(port, "tls")))
		print_field("tls", "demanded");
	print_counters(port, "packets");
	print_counters(port, "bytes");
	print_counters(port, "connections");
	print_when(port, "last access", "last_access");
	print_field("last origin", member_text(port, "last_origin"));
	if (member_true(port, "probed"))
		print_field("probed", "yes: the kubelet's probes get in, whatever is licensed");
	print_origins(port);
	print_field("seats", seats_text(json_get(port, "seats"), &number));
	cJSON_ArrayForEach (reason, json_get(port, "denied"))
		print_denied(reason);
}

/* The port's own object, with its clients. */
static int show_port(const struct args *args, cJSON *item, cJSON *peers, struct failure *why)
{
	int r = 0;

	if (args->json) {
		cJSON_AddNumberToObject(item, "clients", member_number(peers, "clients"));
		cJSON_AddItemToObject(item, "peers", cJSON_DetachItemFromObject(peers, "peers"));
		r = print_json(item, why);
	} else {
		print_port(item);
		peers_print(peers);
	}
	cJSON_Delete(peers);
	return r;
}

int cmd_port_show(const struct args *args, struct failure *why)
{
	_free_ char *path = client_path("/v1/ports?gate=", args->operands[0]);
	_reply_ struct reply reply = {};
	const char *protocol;
	cJSON *item, *peers;
	long port;
	int r = parse_port(args->operands[1], &port, &protocol, why);

	if (r)
		return r;
	if (!path)
		return fail(why, EXIT_USAGE, "out of memory");
	r = client_get(args, path, true, &reply, why);
	if (r)
		return r;
	cJSON_ArrayForEach (item, reply.json) {
		if (!is_port(item, port, protocol))
			continue;
		r = peers_get(args, args->operands[0], port, protocol, &peers, why);
		return r ? r : show_port(args, item, peers, why);
	}
	return fail(
		why, EXIT_REFUSED,
		"gate \"%s\" has no license, policy or traffic for %ld/%s; `portlic port list %s` "
		"lists what it has",
		args->operands[0], port, protocol, args->operands[0]);
}
