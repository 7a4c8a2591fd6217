/* SPDX-License-Identifier: MIT */
/* status.c - portlic status: what the agent of this node holds, and what to worry about. */
#include <string.h>
#include <time.h>

#include "attachments.h"
#include "client.h"
#include "output.h"
#include "when.h"

/* "2 active, 1 rejected" out of {"active":2,"rejected":1,"grace":0}. */
static void print_numbers(const char *label, const cJSON *numbers)
{
	char line[256] = "";
	const cJSON *item;
	size_t at = 0;

	cJSON_ArrayForEach (item, numbers) {
		if (!item->string || !cJSON_IsNumber(item) || item->valuedouble == 0 ||
		    at >= sizeof(line))
			continue;
		at += (size_t)snprintf(line + at, sizeof(line) - at, "%s%.0f %s", at ? ", " : "",
				       item->valuedouble, item->string);
	}
	print_field(label, at ? line : "none");
}

/* Can root in a pod take the wire gate away? It can where it is a clsact filter. */
static const char *wire_text(const cJSON *gates, const cJSON *status)
{
	bool any_removable = false;
	const cJSON *gate;

	cJSON_ArrayForEach (gate, gates) {
		const struct attachments n = attachments_count(gate, "wire");

		if (n.gone)
			return "gone";
		if (n.overridden)
			return "overridden";
		any_removable |= n.removable != 0;
	}
	if (any_removable || cJSON_IsFalse(json_get(json_get(status, "features"), "tcx")))
		return "removable";
	return "link";
}

static void print_gates(const cJSON *gates)
{
	const cJSON *gate;

	cJSON_ArrayForEach (gate, gates) {
		const char *error = member_text(gate, "error");
		_free_ char *hooks = attachments_text(gate), *line = NULL;

		if (asprintf(&line, "%s: %s, %s, %.0f ports allowed; %s%s%s",
			     member_text(gate, "name") ? member_text(gate, "name") : "?",
			     member_text(gate, "mode") ? member_text(gate, "mode") : "?",
			     member_text(gate, "state") ? member_text(gate, "state") : "?",
			     member_number(gate, "ports_allowed"), hooks ? hooks : "",
			     error ? "; " : "", error ? error : "") < 0)
			line = NULL;
		print_field("gate", line);
	}
}

static void print_clock(const cJSON *clock)
{
	const char *effective = member_text(clock, "effective");
	double resets = member_number(clock, "resets");
	char line[192], times[48] = "";

	if (!effective) /* an agent of another version */
		return;
	if (resets > 0)
		snprintf(times, sizeof(times), ", reset %.0f time%s", resets,
			 resets == 1 ? "" : "s");
	snprintf(line, sizeof(line), "%.32s, %s%s", effective,
		 member_true(clock, "suspect")	      ? "SUSPECT"
		 : member_true(clock, "synchronised") ? "synchronised"
						      : "not synchronised",
		 times);
	print_field("clock", line);
}

/* "acme: same, 3h ago, next in 2h", a line a source. */
static void print_pull(const cJSON *sources)
{
	const cJSON *source;

	cJSON_ArrayForEach (source, sources) {
		const char *name = member_text(source, "source"),
			   *result = member_text(source, "result");
		char line[256], at[2][WHEN_LEN] = {"never", "now"};
		int64_t t;

		if (!when_parse(member_text(source, "last_success"), &t))
			when_relative(t, time(NULL), at[0]);
		if (!when_parse(member_text(source, "next"), &t))
			when_relative(t, time(NULL), at[1]);
		snprintf(line, sizeof(line), "%.64s: %.16s, good %s, next %s", name ? name : "?",
			 result ? result : "not yet tried", at[0], at[1]);
		print_field("pull", line);
	}
}

/* "by the kubelet's cgroup /sys/fs/cgroup/system.slice/kubelet.service"; nothing without Kubernetes. */
static void print_probes(const cJSON *probes)
{
	const char *told = member_text(probes, "told"), *cgroup = member_text(probes, "cgroup");
	_free_ char *line = NULL;

	if (!told || !strcmp(told, "none"))
		return;
	if (cgroup && asprintf(&line, "by the kubelet's cgroup %s", cgroup) < 0)
		line = NULL;
	print_field("probes", cgroup ? line : "by a budget, see below");
}

/* PARTLY: the server answers, and something can't be followed. */
static const char *connection_word(const cJSON *kubernetes)
{
	const cJSON *watch;

	if (member_true(kubernetes, "connected"))
		return "connected to";
	cJSON_ArrayForEach (watch, json_get(kubernetes, "watches"))
		if (member_true(watch, "synced") && !member_text(watch, "error"))
			return "PARTLY CONNECTED to";
	return "NOT CONNECTED to";
}

/* "connected to https://10.96.0.1:443 as n1 since 3h ago; pods of this node: 12, namespaces: 4" */
static void print_kubernetes(const cJSON *kubernetes)
{
	const char *api = member_text(kubernetes, "api"), *node = member_text(kubernetes, "node");
	char line[4096], since[WHEN_LEN] = "the start";
	const cJSON *watch;
	bool first = true;
	size_t at;
	int64_t t;

	if (!api)
		return;
	if (!when_parse(member_text(kubernetes, "since"), &t))
		when_relative(t, time(NULL), since);
	snprintf(line, sizeof(line), "%s %.128s as %.64s since %s", connection_word(kubernetes),
		 api, node ? node : "?", since);
	cJSON_ArrayForEach (watch, json_get(kubernetes, "watches")) {
		const char *what = member_text(watch, "what");
		char n[24] = "unknown";

		at = strlen(line);
		if (member_true(watch, "synced"))
			snprintf(n, sizeof(n), "%.0f", member_number(watch, "objects"));
		else if (member_true(watch, "absent"))
			strcpy(n, "none");
		snprintf(line + at, sizeof(line) - at, "%s%.160s: %s%s", first ? "; " : ", ",
			 what ? what : "?", n, member_text(watch, "error") ? " (FAILS)" : "");
		first = false;
	}
	print_field("kubernetes", line);
}

/* "8080/TCP 2 used, 3 of 50 borrowed, 40 elsewhere, SHORT" */
static void add_seats(const cJSON *port, char *line, size_t size)
{
	const cJSON *elsewhere = json_get(port, "elsewhere");
	size_t at = strlen(line);

	at += (size_t)snprintf(line + at, size - at, "%s%.0f/%.8s %.0f used, %.0f of %.0f borrowed",
			       at ? "; " : "", member_number(port, "port"),
			       member_text(port, "protocol") ? member_text(port, "protocol") : "?",
			       member_number(port, "used"), member_number(port, "borrowed"),
			       member_number(port, "total"));
	if (at < size && cJSON_IsNumber(elsewhere))
		at += (size_t)snprintf(line + at, size - at, ", %.0f elsewhere",
				       elsewhere->valuedouble);
	if (at < size && member_true(port, "short"))
		snprintf(line + at, size - at, ", SHORT");
}

/* "acme: 8080/TCP 2 used, 3 of 50 borrowed, 40 elsewhere; held until in 58m", for each license line. */
static void print_seats(const cJSON *seats)
{
	bool lost = member_true(seats, "lost");
	char line[4096], until[WHEN_LEN];
	const cJSON *item, *port;
	int64_t t;

	cJSON_ArrayForEach (item, json_get(seats, "lines")) {
		const char *lid = member_text(item, "lid");
		_free_ char *text = NULL;

		line[0] = '\0';
		cJSON_ArrayForEach (port, json_get(item, "ports"))
			if (strlen(line) < sizeof(line) - 256)
				add_seats(port, line, sizeof(line));
		if (when_parse(member_text(seats, "until"), &t))
			t = 0;
		if (asprintf(&text, "%s: %s%s%s", lid ? lid : "?", line,
			     lost ? "; LOST"
			     : t  ? "; held until "
				  : "",
			     lost || !t ? "" : when_relative(t, time(NULL), until)) < 0)
			text = NULL;
		print_field("seats", text);
	}
}

/* "12 gated, 3 waiting, 1 excluded, 40 unselected"; nothing without Kubernetes. */
static void print_pods(const cJSON *pods)
{
	char line[160] = "";
	const cJSON *state;

	cJSON_ArrayForEach (state, pods) {
		size_t at = strlen(line);

		snprintf(line + at, sizeof(line) - at, "%s%.0f %.24s", at ? ", " : "",
			 state->valuedouble, state->string);
	}
	if (line[0])
		print_field("pods", line);
}

static void print_status(const cJSON *status, const cJSON *gates)
{
	const cJSON *trust = json_get(status, "trust"), *item;
	const char *wire = wire_text(gates, status);
	char line[192], relative[WHEN_LEN];
	int64_t started;

	snprintf(line, sizeof(line), "portlicd %.32s, %s%.32s",
		 member_text(status, "version") ? member_text(status, "version") : "?",
		 when_parse(member_text(status, "started"), &started) ? "" : "started ",
		 when_parse(member_text(status, "started"), &started)
			 ? ""
			 : when_relative(started, time(NULL), relative));
	print_field("agent", line);
	print_field("audience", member_text(status, "audience"));
	snprintf(line, sizeof(line), "%.0f", member_number(status, "generation"));
	print_field("generation", line);
	snprintf(line, sizeof(line), "%.0f vendors, %.0f keys", member_number(trust, "vendors"),
		 member_number(trust, "keys"));
	print_field("trust", line);
	print_clock(json_get(status, "clock"));
	print_numbers("licenses", json_get(status, "licenses"));
	print_numbers("gates", json_get(status, "gates"));
	if (!strcmp(wire, "removable"))
		print_field("wire",
			    "removable: before Linux 6.6, root in a pod can take the filter "
			    "away; the agent puts it back and counts the gap");
	else
		print_field("wire", wire);
	print_gates(gates);
	print_pull(json_get(status, "pull"));
	print_kubernetes(json_get(status, "kubernetes"));
	print_seats(json_get(status, "cluster_seats"));
	print_pods(json_get(status, "pods"));
	print_probes(json_get(status, "probes"));
	cJSON_ArrayForEach (item, json_get(status, "warnings"))
		print_field("WARNING", cJSON_GetStringValue(item));
}

int cmd_status(const struct args *args, struct failure *why)
{
	_reply_ struct reply status = {}, gates = {};
	int r = client_get(args, "/v1/status", false, &status, why);

	if (!r)
		r = client_get(args, "/v1/gates", true, &gates, why);
	if (r)
		return r;
	if (args->json) {
		cJSON_AddStringToObject(status.json, "wire", wire_text(gates.json, status.json));
		return print_json(status.json, why);
	}
	print_status(status.json, gates.json);
	return 0;
}
