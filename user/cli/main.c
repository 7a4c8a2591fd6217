/* SPDX-License-Identifier: MIT */
/* main.c - the portlic command line: the table of its verbs, and how one is found. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "cleanup.h"
#include "help.h"
#include "options.h"
#include "output.h"

static const struct command commands[] = {
	{NULL,
	 "status",
	 "",
	 "what the agent of this node holds, and what to worry about",
	 0,
	 0,
	 0,
	 0,
	 cmd_status,
	 {{"portlic status", "vendors, licenses, gates, warnings"},
	  {"portlic status -o json | jq .licenses", "the same for programs"}}},
	{NULL,
	 "check",
	 "[--gate GATE]",
	 "probes whether gates really refuse what no license opens",
	 OPTION(GATE),
	 0,
	 0,
	 0,
	 cmd_check,
	 {{"portlic check", "every gate; exit status 1 if a probe got through"},
	  {"portlic check --gate web", "one gate"}}},

	{"license",
	 "keygen",
	 "--iss URL [--kid ID] --out PREFIX",
	 "makes a vendor's key pair (no agent needed)",
	 OPTION(ISS) | OPTION(KID) | OPTION(OUT),
	 OPTION(ISS) | OPTION(OUT),
	 0,
	 0,
	 cmd_license_keygen,
	 {{"portlic license keygen --iss https://acme.example --out acme",
	   "acme.jwk signs and stays secret, acme.jwks goes to customers"}}},
	{"license",
	 "sign",
	 "--key FILE.jwk [--alg EdDSA|Ed25519] [--revocation-list] CLAIMS.json|-",
	 "signs claims and prints the token (no agent needed)",
	 OPTION(KEY) | OPTION(ALG) | OPTION(REVOCATION_LIST),
	 OPTION(KEY),
	 1,
	 1,
	 cmd_license_sign,
	 {{"portlic license sign --key acme.jwk claims.json > acme.lic", "issue a license"},
	  {"portlic license sign --key acme.jwk --revocation-list revoked.json > acme.rl",
	   "take licenses back"}}},
	{"license",
	 "verify",
	 "--trust DIR --audience NAME [--now EPOCH] [--revocations FILE] "
	 "[--bind cluster=UID,node=ID|skip] FILE...",
	 "judges license files as a node would (no agent needed)",
	 OPTION(TRUST) | OPTION(AUDIENCE) | OPTION(NOW) | OPTION(REVOCATIONS) | OPTION(BIND),
	 OPTION(TRUST) | OPTION(AUDIENCE),
	 1,
	 SIZE_MAX,
	 cmd_license_verify,
	 {{"portlic license verify --trust trust.d --audience prod-1 acme.lic",
	   "exit 0 ACTIVE, 1 REJECTED, 3 PENDING, 4 GRACE, 5 LAPSED, ..."},
	  {"portlic license verify --trust trust.d --audience prod-1 --now 1800000000 *.lic",
	   "the same in January 2027, renewals judged together"}}},
	{"license",
	 "show",
	 "FILE",
	 "decodes a token WITHOUT verifying it (no agent needed)",
	 0,
	 0,
	 1,
	 1,
	 cmd_license_show,
	 {{"portlic license show acme.lic", "what stands in it; who signed it is not checked"}}},
	{"license",
	 "load",
	 "FILE...",
	 "hands license files to the agent",
	 0,
	 0,
	 1,
	 SIZE_MAX,
	 cmd_license_load,
	 {{"portlic license load acme.lic", "verified and in force when the command returns"}}},
	{"license",
	 "unload",
	 "LID|FILE",
	 "withdraws a license at once",
	 0,
	 0,
	 1,
	 1,
	 cmd_license_unload,
	 {{"portlic license unload acme.lic", "by the file's name, or by its license line"}}},
	{"license",
	 "list",
	 "",
	 "licenses of this node, and what ends when",
	 0,
	 0,
	 0,
	 0,
	 cmd_license_list,
	 {{"portlic license list", "soonest end first, rejected files last"}}},

	{"gate",
	 "add",
	 "NAME (--netns NAME|PATH | --pid PID) [--policy FILE]",
	 "puts a gate before a network namespace",
	 OPTION(NETNS) | OPTION(PID) | OPTION(POLICY),
	 0,
	 1,
	 1,
	 cmd_gate_add,
	 {{"portlic gate add web --netns web", "the namespace /run/netns/web"},
	  {"portlic gate add db --pid 4711 --policy db.json", "that of a process, with a policy"}}},
	{"gate",
	 "set",
	 "NAME --mode enforce|audit|off",
	 "changes a gate's mode",
	 OPTION(MODE),
	 OPTION(MODE),
	 1,
	 1,
	 cmd_gate_set,
	 {{"portlic gate set web --mode audit", "let through and count what would be refused"}}},
	{"gate",
	 "del",
	 "NAME",
	 "takes a gate down",
	 0,
	 0,
	 1,
	 1,
	 cmd_gate_del,
	 {{"portlic gate del web", "its ports are no longer judged"}}},
	{"gate",
	 "list",
	 "",
	 "gates, their modes and hooks",
	 0,
	 0,
	 0,
	 0,
	 cmd_gate_list,
	 {{"portlic gate list", "a hook that root in the pod could remove is named removable"}}},

	{"port",
	 "list",
	 "[GATE]",
	 "ports, their licenses and counters",
	 0,
	 0,
	 0,
	 1,
	 cmd_port_list,
	 {{"portlic port list", "every port of every gate"},
	  {"portlic port list web -o json", "one gate, for programs"}}},
	{"port",
	 "show",
	 "GATE PORT[/PROTO]",
	 "one port in full, denials by reason",
	 0,
	 0,
	 2,
	 2,
	 cmd_port_show,
	 {{"portlic port show web 8080", "TCP unless said otherwise"},
	  {"portlic port show web 53/udp", "a UDP port"}}},
};

static const struct commands table = {commands, ARRAY_SIZE(commands)};

/* The words that may stand at a place: nouns and bare verbs, or the verbs of a noun. */
static size_t words_at(const char *noun, const char *words[ARRAY_SIZE(commands)])
{
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		const char *has = commands[i].noun;

		if (noun && has && !strcmp(has, noun))
			words[n++] = commands[i].verb;
		else if (!noun && (!n || !has || strcmp(words[n - 1], has) != 0))
			words[n++] = has ? has : commands[i].verb;
	}
	return n;
}

static int unknown_word(const char *noun, const char *word, struct failure *why)
{
	const char *words[ARRAY_SIZE(commands)], *near;
	const char *gap = noun ? " " : "", *before = noun ? noun : "";
	size_t n = words_at(noun, words), at = 0;
	char list[256] = "";

	for (size_t i = 0; i < n && at < sizeof(list); i++)
		at += (size_t)snprintf(list + at, sizeof(list) - at, "%s%s", i ? ", " : "",
				       words[i]);
	if (!word)
		return fail(why, EXIT_USAGE, "%s%sneeds a %s: %s; see `portlic %s%s--help`",
			    noun ? noun : "portlic", " ", noun ? "verb" : "command", list, before,
			    gap);
	near = suggest(word, words, n);
	if (near)
		return fail(why, EXIT_USAGE,
			    "unknown command \"%s%s%s\"; did you mean `portlic %s%s%s`?", before,
			    gap, word, before, gap, near);
	return fail(why, EXIT_USAGE, "unknown command \"%s%s%s\"; there are: %s", before, gap, word,
		    list);
}

static bool is_noun(const char *word)
{
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (commands[i].noun && !strcmp(commands[i].noun, word))
			return true;
	return false;
}

/* Takes noun and verb from the front of the operands. */
static int find_command(struct args *args, struct failure *why)
{
	const char *first = args->n_operands ? args->operands[0] : NULL;
	const char *noun = first && is_noun(first) ? first : NULL;
	const char *verb = !noun ? first : args->n_operands > 1 ? args->operands[1] : NULL;

	for (size_t i = 0; verb && i < ARRAY_SIZE(commands); i++) {
		const struct command *cmd = &commands[i];

		if (strcmp(cmd->verb, verb) != 0 || !cmd->noun != !noun ||
		    (noun && strcmp(cmd->noun, noun) != 0))
			continue;
		args->command = cmd;
		args->operands += noun ? 2 : 1;
		args->n_operands -= noun ? 2 : 1;
		return 0;
	}
	return unknown_word(noun, verb, why);
}

static int help(struct args *args, struct failure *why)
{
	int r = 0;

	if (!args->n_operands)
		help_all(&table);
	else if (args->n_operands == 1 && is_noun(args->operands[0]))
		help_noun(&table, args->operands[0]);
	else if (!(r = find_command(args, why)))
		help_command(args->command);
	return r;
}

static int dispatch(struct args *args, struct failure *why)
{
	int r;

	if (option_text(args, OPT_HELP))
		return help(args, why);
	if (option_text(args, OPT_VERSION)) {
		puts("portlic " PORTLIC_VERSION);
		return 0;
	}
	if (args->n_operands == 1 && !strcmp(args->operands[0], "__complete")) {
		help_completion(&table);
		return 0;
	}
	r = find_command(args, why);
	if (!r)
		r = options_check(args, why);
	return r ? r : args->command->run(args, why);
}

/* Errors obey -o json too, even one that stands before it on the command line. */
static bool wants_json(int argc, char **argv)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
		if (!strcmp(argv[i], "--output=json") || !strcmp(argv[i], "-o=json") ||
		    ((!strcmp(argv[i], "-o") || !strcmp(argv[i], "--output")) && i + 1 < argc &&
		     !strcmp(argv[i + 1], "json")))
			return true;
	return false;
}

int main(int argc, char **argv)
{
	_free_ char **operands = calloc((size_t)argc + 1, sizeof(*operands));
	struct args args = {.operands = operands, .json = wants_json(argc, argv)};
	struct failure why = {};
	int r;

	if (!operands || sodium_init() < 0)
		return EXIT_USAGE;
	r = options_parse(argc, argv, &args, &why);
	if (!r)
		r = dispatch(&args, &why);
	if (why.fault.text[0])
		print_failure(args.json, &why);
	if (fflush(stdout) || ferror(stdout)) {
		fail(&why, EXIT_USAGE, "can't write the output: %m");
		print_failure(false, &why);
		return EXIT_USAGE;
	}
	return r;
}
