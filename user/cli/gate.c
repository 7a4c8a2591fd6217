/* SPDX-License-Identifier: MIT */
/* gate.c - portlic gate add, set, del, list. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "attachments.h"
#include "client.h"
#include "files.h"
#include "output.h"
#include "policy.h"
#include "table.h"

static void print_gate_line(const cJSON *gate)
{
	const char *name = member_text(gate, "name"), *mode = member_text(gate, "mode");
	const char *until = member_text(json_get(gate, "break_glass"), "until");
	const char *state = member_text(gate, "state"), *error = member_text(gate, "error");
	const cJSON *shield = json_get(gate, "shield");
	const char *setting = member_text(shield, "setting"),
		   *detail = member_text(shield, "detail");
	_free_ char *shown = printable(name ? name : "?");

	printf("gate %s: %s, %s%s%s", shown ? shown : "?", mode ? mode : "?", state ? state : "?",
	       until ? ", until " : "", until ? until : "");
	if (setting && strcmp(setting, "off"))
		printf(", shield %s%s", setting,
		       member_true(shield, "attached") ? " (attached)" : "");
	printf("\n");
	if (error)
		warning("gate \"%s\": %s", name ? name : "?", error);
	if (detail)
		warning("%s", detail);
}

/* The namespace's path as the agent is to open it: it doesn't share our working directory. */
static int netns_path(const struct args *args, char **out, struct failure *why)
{
	const char *netns = option_text(args, OPT_NETNS);
	_free_ char *cwd = NULL;
	int r;

	if (!netns)
		r = asprintf(out, "/proc/%" PRId64 "/ns/net", args->options[OPT_PID].number);
	else if (!strchr(netns, '/'))
		r = asprintf(out, "/run/netns/%s", netns);
	else if (netns[0] == '/')
		r = asprintf(out, "%s", netns);
	else if ((cwd = getcwd(NULL, 0)))
		r = asprintf(out, "%s/%s", cwd, netns);
	else
		return fail(why, EXIT_USAGE,
			    "can't tell the working directory: %m; give an absolute "
			    "path with --netns");
	return r < 0 ? fail(why, EXIT_USAGE, "out of memory") : 0;
}

/* The policy's own bytes go to the agent, which judges them: no member is lost on the way. */
static int add_policy(const char *file, cJSON *body, struct failure *why)
{
	_buffer_ struct buffer policy = {};
	_json_ cJSON *parsed = NULL;
	_free_ char *what = NULL;
	int r = file_read(file, POLICY_MAX_BYTES, &policy, why);

	if (r)
		return r;
	if (asprintf(&what, "policy \"%s\"", file) < 0)
		return fail(why, EXIT_USAGE, "out of memory");
	if (json_parse_object(what, policy.bytes, policy.len, &parsed, &why->fault))
		return EXIT_USAGE;
	if (!cJSON_AddRawToObject(body, "policy", policy.bytes))
		return fail(why, EXIT_USAGE, "out of memory");
	return 0;
}

static int send_gate(const struct args *args, const char *method, const char *path,
		     const cJSON *body, struct failure *why)
{
	_free_ char *text = cJSON_PrintUnformatted(body);
	_reply_ struct reply reply = {};
	int r;

	if (!text || !path)
		return fail(why, EXIT_USAGE, "out of memory");
	r = client_call(args, method, path, text, strlen(text), &reply, why);
	if (r)
		return r;
	if (args->json)
		puts(reply.text);
	else
		print_gate_line(reply.json);
	return 0;
}

/* A cgroup goes as it is named: the agent knows where the hierarchy is mounted. */
static int add_place(const struct args *args, cJSON *body, struct failure *why)
{
	const char *cgroup = option_text(args, OPT_CGROUP);
	_free_ char *netns = NULL;
	int r;

	if (!!option_text(args, OPT_NETNS) + !!option_text(args, OPT_PID) + !!cgroup != 1)
		return fail(why, EXIT_USAGE,
			    "`gate add` needs one of --netns NAME|PATH, --pid PID and --cgroup "
			    "PATH");
	r = cgroup ? 0 : netns_path(args, &netns, why);
	if (r == 0)
		cJSON_AddStringToObject(body, cgroup ? "cgroup" : "netns", cgroup ? cgroup : netns);
	return r;
}

int cmd_gate_add(const struct args *args, struct failure *why)
{
	const char *policy = option_text(args, OPT_POLICY);
	_json_ cJSON *body = cJSON_CreateObject();
	int r;

	cJSON_AddStringToObject(body, "name", args->operands[0]);
	r = add_place(args, body, why);
	if (r)
		return r;
	if (policy)
		r = add_policy(policy, body, why);
	return r ? r : send_gate(args, "POST", "/v1/gates", body, why);
}

int cmd_gate_set(const struct args *args, struct failure *why)
{
	const char *mode = option_text(args, OPT_MODE), *shield = option_text(args, OPT_SHIELD);
	_free_ char *path = client_path("/v1/gates/", args->operands[0]);
	_json_ cJSON *body = cJSON_CreateObject();

	if (!option_text(args, OPT_FOR) != !option_text(args, OPT_WHY))
		return fail(why, EXIT_USAGE,
			    "--for and --why go together: who breaks the glass says why, and it "
			    "ends by itself");
	if (!mode && (!shield || option_text(args, OPT_FOR)))
		return fail(why, EXIT_USAGE,
			    "`gate set` needs --mode enforce|audit|off|policy or --shield "
			    "off|on|auto (--for goes with --mode)");
	if (mode)
		cJSON_AddStringToObject(body, "mode", mode);
	if (shield)
		cJSON_AddStringToObject(body, "shield", shield);
	if (option_text(args, OPT_FOR)) {
		cJSON_AddNumberToObject(body, "for", args->options[OPT_FOR].number);
		cJSON_AddStringToObject(body, "why", option_text(args, OPT_WHY));
	}
	return send_gate(args, "PATCH", path, body, why);
}

int cmd_gate_del(const struct args *args, struct failure *why)
{
	const char *name = args->operands[0];
	_reply_ struct reply reply = {};
	int r = client_delete(args, "/v1/gates/", name, &reply, why);

	return r ? r : print_done(args, "gate", name, "deleted", why);
}

static void gate_row(struct table *table, const cJSON *gate)
{
	_free_ char *hooks = attachments_text(gate);
	char generation[24], ports[24], listeners[24];
	const cJSON *unlicensed = json_get(gate, "unlicensed_listeners");
	const char *until = member_text(json_get(gate, "break_glass"), "until");
	const char *mode = member_text(gate, "mode"), *error = member_text(gate, "error");
	const char *cgroup = member_text(gate, "cgroup");
	const char *detail = member_text(json_get(gate, "shield"), "detail");
	_free_ char *shown = NULL;

	snprintf(generation, sizeof(generation), "%.0f", member_number(gate, "generation"));
	snprintf(ports, sizeof(ports), "%.0f", member_number(gate, "ports_allowed"));
	snprintf(listeners, sizeof(listeners), "%d", cJSON_GetArraySize(unlicensed));
	if (mode && until && asprintf(&shown, "%s until %s", mode, until) < 0)
		shown = NULL;
	table_row(table, (const char *[]){member_text(gate, "name"), shown ? shown : mode,
					  member_text(gate, "state"), generation, ports, listeners,
					  member_text(gate, "policy"), hooks,
					  cgroup ? cgroup : member_text(gate, "netns"),
					  error ? error : detail});
}

int cmd_gate_list(const struct args *args, struct failure *why)
{
	static const char *const columns[] = {"GATE",	      "MODE",	     "STATE",  ">GEN",
					      ">PORTS",	      ">UNLICENSED", "POLICY", "HOOKS",
					      "NETNS/CGROUP", "ERROR"};
	_table_ struct table table = {.columns = columns, .n_columns = ARRAY_SIZE(columns)};
	_reply_ struct reply reply = {};
	const cJSON *gate;
	int r = client_get(args, "/v1/gates", true, &reply, why);

	if (r)
		return r;
	if (args->json) {
		puts(reply.text);
		return 0;
	}
	cJSON_ArrayForEach (gate, reply.json)
		gate_row(&table, gate);
	if (table_print(&table, stdout))
		return fail(why, EXIT_USAGE, "out of memory");
	return 0;
}
