/* SPDX-License-Identifier: MIT */
/* commands.c - the table of verbs: it drives dispatch, help, completion and the test of the man page. */
#include <stdio.h>

#include "commands.h"
#include "cleanup.h"

#define ANY_NUMBER SIZE_MAX

static const struct command table[] = {
	{
		.verb = "status",
		.usage = "",
		.summary = "what the agent of this node holds, and what to worry about",
		.run = cmd_status,
		.examples = {{"portlic status", "vendors, licenses, gates, warnings"},
			     {"portlic status -o json", "the same for programs"}},
	},
	{
		.verb = "check",
		.usage = "[--gate GATE]",
		.summary = "probes whether gates really refuse what no license opens",
		.options = OPTION(GATE),
		.run = cmd_check,
		.examples = {{"portlic check", "every gate; exit status 1 if a probe got through"},
			     {"portlic check --gate web", "one gate"}},
	},
	{
		.noun = "license",
		.verb = "keygen",
		.usage = "--iss URL [--kid ID] --out PREFIX",
		.summary = "makes a vendor's key pair (no agent needed)",
		.options = OPTION(ISS) | OPTION(KID) | OPTION(OUT),
		.required = OPTION(ISS) | OPTION(OUT),
		.run = cmd_license_keygen,
		.examples = {{"portlic license keygen --iss https://acme.example --out acme",
			      "acme.jwk signs and stays secret, acme.jwks is for customers"}},
	},
	{
		.noun = "license",
		.verb = "sign",
		.usage = "--key FILE.jwk [--alg EdDSA|Ed25519] [--revocation-list] CLAIMS.json|-",
		.summary = "signs claims and prints the token (no agent needed)",
		.options = OPTION(KEY) | OPTION(ALG) | OPTION(REVOCATION_LIST),
		.required = OPTION(KEY),
		.min_operands = 1,
		.max_operands = 1,
		.run = cmd_license_sign,
		.examples = {{"portlic license sign --key acme.jwk claims.json > acme.lic",
			      "issues a license"},
			     {"portlic license sign --key acme.jwk --revocation-list revoked.json "
			      "> acme.rl",
			      "takes licenses back"}},
	},
	{
		.noun = "license",
		.verb = "verify",
		.usage = "--trust DIR --audience NAME [--now EPOCH] [--revocations FILE] [--bind "
			 "cluster=UID,node=ID|skip] FILE...",
		.summary = "judges license files as a node would (no agent needed)",
		.options = OPTION(TRUST) | OPTION(AUDIENCE) | OPTION(NOW) | OPTION(REVOCATIONS) |
			   OPTION(BIND),
		.required = OPTION(TRUST) | OPTION(AUDIENCE),
		.min_operands = 1,
		.max_operands = ANY_NUMBER,
		.run = cmd_license_verify,
		.examples = {{"portlic license verify --trust trust.d --audience prod-1 acme.lic",
			      "would a node take it now, and until when"},
			     {"portlic license verify --trust trust.d --audience prod-1 --now "
			      "1800000000 *.lic",
			      "the same in January 2027, renewals judged together"}},
		.exit_status = "0 ACTIVE, 1 REJECTED, 2 usage or I/O, 3 PENDING, 4 GRACE, 5 "
			       "LAPSED, 6 SUPERSEDED, 7 REVOKED, 8 STALE;\nof several files "
			       "REJECTED outranks all, else the largest counts",
	},
	{
		.noun = "license",
		.verb = "show",
		.usage = "FILE|-",
		.summary = "decodes a token WITHOUT verifying it (no agent needed)",
		.min_operands = 1,
		.max_operands = 1,
		.run = cmd_license_show,
		.examples = {{"portlic license show acme.lic",
			      "what stands in it; who signed it is not checked"}},
	},
	{
		.noun = "license",
		.verb = "load",
		.usage = "FILE...",
		.summary = "hands license files to the agent",
		.min_operands = 1,
		.max_operands = ANY_NUMBER,
		.run = cmd_license_load,
		.examples = {{"portlic license load acme.lic",
			      "verified and in force when the command returns"}},
	},
	{
		.noun = "license",
		.verb = "unload",
		.usage = "LID|FILE",
		.summary = "withdraws a license at once",
		.min_operands = 1,
		.max_operands = 1,
		.run = cmd_license_unload,
		.examples = {{"portlic license unload acme.lic",
			      "by the file's name, or by its license line"}},
	},
	{
		.noun = "license",
		.verb = "list",
		.usage = "",
		.summary = "licenses of this node, and what ends when",
		.run = cmd_license_list,
		.examples = {{"portlic license list", "soonest end first, rejected files last"}},
	},
	{
		.noun = "gate",
		.verb = "add",
		.usage = "NAME (--netns NAME|PATH | --pid PID) [--policy FILE]",
		.summary = "puts a gate before a network namespace",
		.options = OPTION(NETNS) | OPTION(PID) | OPTION(POLICY),
		.min_operands = 1,
		.max_operands = 1,
		.run = cmd_gate_add,
		.examples = {{"portlic gate add web --netns web", "the namespace /run/netns/web"},
			     {"portlic gate add db --pid 4711 --policy db.json",
			      "that of a process, with a policy"}},
	},
	{
		.noun = "gate",
		.verb = "set",
		.usage = "NAME --mode enforce|audit|off",
		.summary = "changes a gate's mode",
		.options = OPTION(MODE),
		.required = OPTION(MODE),
		.min_operands = 1,
		.max_operands = 1,
		.run = cmd_gate_set,
		.examples = {{"portlic gate set web --mode audit",
			      "lets through and counts what would be refused"}},
	},
	{
		.noun = "gate",
		.verb = "del",
		.usage = "NAME",
		.summary = "takes a gate down",
		.min_operands = 1,
		.max_operands = 1,
		.run = cmd_gate_del,
		.examples = {{"portlic gate del web", "its ports are no longer judged"}},
	},
	{
		.noun = "gate",
		.verb = "list",
		.usage = "",
		.summary = "gates, their modes and hooks",
		.run = cmd_gate_list,
		.examples = {{"portlic gate list",
			      "a hook that root in the pod could remove is named removable"}},
	},
	{
		.noun = "port",
		.verb = "list",
		.usage = "[GATE]",
		.summary = "ports, their licenses and counters",
		.max_operands = 1,
		.run = cmd_port_list,
		.examples = {{"portlic port list", "every port of every gate"},
			     {"portlic port list web -o json", "one gate, for programs"}},
	},
	{
		.noun = "port",
		.verb = "show",
		.usage = "GATE PORT[/PROTO]",
		.summary = "one port in full: denials by reason, who connects",
		.min_operands = 2,
		.max_operands = 2,
		.run = cmd_port_show,
		.examples = {{"portlic port show web 8080", "TCP unless said otherwise"},
			     {"portlic port show web 53/udp", "a UDP port"}},
	},
};

const struct commands commands = {table, ARRAY_SIZE(table)};

int command_name(const struct command *cmd, char *out, size_t size)
{
	return snprintf(out, size, "%s%s%s", cmd->noun ? cmd->noun : "", cmd->noun ? " " : "",
			cmd->verb);
}
