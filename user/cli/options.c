/* SPDX-License-Identifier: MIT */
/* options.c - typed options: one table of all, parsed wherever they stand. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>

#include "cleanup.h"
#include "commands.h"
#include "license.h"
#include "options.h"
#include "when.h"

const struct option_spec option_specs[OPT_COUNT] = {
	[OPT_SOCKET] = {"socket", 0, OPTION_TEXT, "PATH",
			"the agent's socket (PORTLIC_SOCKET; /run/portlic/portlicd.sock)"},
	[OPT_OUTPUT] = {"output", 'o', OPTION_CHOICE, "table|json", "for people or for programs"},
	[OPT_HELP] = {"help", 'h', OPTION_FLAG, NULL, "this text"},
	[OPT_VERSION] = {"version", 0, OPTION_FLAG, NULL, "the version"},
	[OPT_GATE] = {"gate", 0, OPTION_TEXT, "GATE", "this gate only"},
	[OPT_ISS] = {"iss", 0, OPTION_TEXT, "URL", "the vendor, as the claim `iss` will name it"},
	[OPT_KID] = {"kid", 0, OPTION_TEXT, "ID", "the key's name (its RFC 7638 thumbprint)"},
	[OPT_OUT] = {"out", 0, OPTION_TEXT, "PREFIX", "writes PREFIX.jwk and PREFIX.jwks"},
	[OPT_KEY] = {"key", 0, OPTION_TEXT, "FILE.jwk", "the private key"},
	[OPT_ALG] = {"alg", 0, OPTION_CHOICE, "EdDSA|Ed25519",
		     "the header's `alg`; every library reads EdDSA"},
	[OPT_REVOCATION_LIST] = {"revocation-list", 0, OPTION_FLAG, NULL,
				 "the claims are a revocation list"},
	[OPT_TRUST] = {"trust", 0, OPTION_TEXT, "DIR", "directory of *.jwks files"},
	[OPT_AUDIENCE] = {"audience", 0, OPTION_TEXT, "NAME", "the installation's own name"},
	[OPT_NOW] = {"now", 0, OPTION_TIME, "EPOCH", "judge at this time, in seconds since 1970"},
	[OPT_REVOCATIONS] = {"revocations", 0, OPTION_TEXT, "FILE",
			     "a revocation list to hold against"},
	[OPT_BIND] = {"bind", 0, OPTION_TEXT, "cluster=UID,node=ID|skip",
		      "who this node is (node: /etc/machine-id)"},
	[OPT_NETNS] = {"netns", 0, OPTION_TEXT, "NAME|PATH",
		       "network namespace: a name of `ip netns`, or a path"},
	[OPT_CGROUP] = {"cgroup", 0, OPTION_TEXT, "PATH",
			"cgroup of host processes, below /sys/fs/cgroup or absolute"},
	[OPT_PID] = {"pid", 0, OPTION_PID, "PID", "the network namespace of this process"},
	[OPT_POLICY] = {"policy", 0, OPTION_TEXT, "FILE", "policy of this gate, portlic-policy(5)"},
	[OPT_MODE] = {"mode", 0, OPTION_CHOICE, "enforce|audit|off|policy",
		      "audit lets through and counts, off does nothing, policy: as that says"},
	[OPT_SHIELD] = {"shield", 0, OPTION_CHOICE, "off|on|auto",
			"native XDP before the gate; auto: while a flood lasts"},
	[OPT_FOR] = {"for", 0, OPTION_SPAN, "SPAN", "it ends by itself: 90s, 30m, 1h, 7d"},
	[OPT_WHY] = {"why", 0, OPTION_TEXT, "TEXT", "the reason, for status, log and metrics"},
	[OPT_AT] = {"at", 0, OPTION_TEXT, "TIME",
		    "RFC 3339, seconds since 1970, or +30d, +12h from now"},
	[OPT_WITHOUT] = {"without", 0, OPTION_TEXT, "LID",
			 "this license line (or file) taken away"},
	[OPT_WITH] = {"with", 0, OPTION_TEXT, "FILE", "this license file loaded"},
	[OPT_CONFIRM] = {"confirm", 0, OPTION_SPAN, "SPAN",
			 "goes by itself unless `policy confirm` comes within 60s, 5m"},
	[OPT_ENFORCE] = {"enforce", 0, OPTION_FLAG, NULL, "really so, on one gate, for staging"},
	[OPT_FOLLOW] = {"follow", 'f', OPTION_FLAG, NULL,
			"goes on with what comes, until it is ended"},
	[OPT_VERDICT] = {"verdict", 0, OPTION_CHOICE, "denied|audit",
			 "audit: would have been denied, was let through"},
	[OPT_PORT] = {"port", 0, OPTION_PORT, "PORT", "this port only"},
	[OPT_SINCE] = {"since", 0, OPTION_TEXT, "SPAN|TIME",
		       "so long ago (5m), RFC 3339, or seconds since 1970"},
	[OPT_FROM] = {"from", 0, OPTION_TEXT, "ADDR", "the client's IPv4 or IPv6 address"},
	[OPT_ORIGIN] = {"origin", 0, OPTION_CHOICE,
			"same-container|sibling|runtime|node|probe|pod|external|unknown",
			"what the client is, whatever its address tells"},
	[OPT_CONFIG] = {"config", 0, OPTION_TEXT, "FILE",
			"the agent's configuration: which paths it used"},
	[OPT_STATE] = {"state", 0, OPTION_FLAG, NULL, "the agent's state directory, too"},
	[OPT_FORCE] = {"force", 0, OPTION_FLAG, NULL, "while an agent runs, too"},
	[OPT_CNI_BIN] = {"cni-bin", 0, OPTION_TEXT, "DIR",
			 "takes portlic-cni out of this directory of plugins"},
	[OPT_CNI_CONF] = {"cni-conf", 0, OPTION_TEXT, "DIR",
			  "takes portlic-cni out of the conflist in this directory"},
	[OPT_ALL] = {"all", 0, OPTION_FLAG, NULL, "ports that don't change, too"},
};

/* Optimal string alignment: letters changed, missing, too many, or two swapped. */
static unsigned int distance(const char *a, const char *b)
{
	enum { MAX = 32 };
	size_t n = strlen(a), m = strlen(b);
	unsigned int d[MAX][MAX];

	if (n >= MAX || m >= MAX)
		return UINT_MAX;
	for (size_t i = 0; i <= n; i++)
		d[i][0] = i;
	for (size_t j = 0; j <= m; j++)
		d[0][j] = j;
	for (size_t i = 1; i <= n; i++)
		for (size_t j = 1; j <= m; j++) {
			unsigned int best = d[i - 1][j - 1] + (a[i - 1] != b[j - 1]);

			best = MIN(best, MIN(d[i - 1][j], d[i][j - 1]) + 1);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				best = MIN(best, d[i - 2][j - 2] + 1);
			d[i][j] = best;
		}
	return d[n][m];
}

const char *suggest(const char *word, const char *const *words, size_t n)
{
	const char *best = NULL;
	unsigned int least = 3;

	for (size_t i = 0; i < n; i++) {
		unsigned int d = distance(word, words[i]);

		if (d < least && d < strlen(words[i])) {
			least = d;
			best = words[i];
		}
	}
	return best;
}

static int find_option(const char *word, size_t len)
{
	for (int id = 0; id < OPT_COUNT; id++) {
		const struct option_spec *spec = &option_specs[id];

		if (len == 2 && spec->letter && word[1] == spec->letter)
			return id;
		if (len > 2 && !strncmp(word, "--", 2) && strlen(spec->name) == len - 2 &&
		    !strncmp(word + 2, spec->name, len - 2))
			return id;
	}
	return -1;
}

static int unknown_option(const char *word, size_t len, struct failure *why)
{
	const char *names[OPT_COUNT], *near;
	_free_ char *name = strndup(word, len);

	for (int id = 0; id < OPT_COUNT; id++)
		names[id] = option_specs[id].name;
	near = name && len > 2 ? suggest(name + 2, names, OPT_COUNT) : NULL;
	if (near)
		return fail(why, EXIT_USAGE, "unknown option \"%s\"; did you mean --%s?", name,
			    near);
	return fail(why, EXIT_USAGE,
		    "unknown option \"%.*s\"; `portlic --help` lists what there is", (int)len,
		    word);
}

static int choice_index(const char *choices, const char *word)
{
	size_t len = strlen(word);

	for (int i = 0; choices; i++) {
		const char *end = strchrnul(choices, '|');

		if (len == (size_t)(end - choices) && !strncmp(choices, word, len))
			return i;
		choices = *end ? end + 1 : NULL;
	}
	return -1;
}

static bool parse_number(const char *text, int64_t min, int64_t max, int64_t *out)
{
	char *end;
	long long n;

	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	n = strtoll(text, &end, 10);
	if (errno || *end || n < min || n > max)
		return false;
	*out = n;
	return true;
}

static int set_value(struct args *args, int id, const char *text, struct failure *why)
{
	const struct option_spec *spec = &option_specs[id];
	struct option_value value = {.text = text};

	if (args->options[id].text)
		return fail(why, EXIT_USAGE, "--%s is given twice; give it once", spec->name);
	switch (spec->kind) {
	case OPTION_FLAG:
	case OPTION_TEXT:
		break;
	case OPTION_TIME:
		if (!parse_number(text, 1, LICENSE_TIME_MAX, &value.number))
			return fail(why, EXIT_USAGE,
				    "--%s \"%s\" is no time; give seconds since 1970 UTC, as "
				    "`date +%%s` prints them",
				    spec->name, text);
		break;
	case OPTION_PID:
		if (!parse_number(text, 1, INT_MAX, &value.number))
			return fail(why, EXIT_USAGE, "--%s \"%s\" is no process id", spec->name,
				    text);
		break;
	case OPTION_PORT:
		if (!parse_number(text, 1, UINT16_MAX, &value.number))
			return fail(why, EXIT_USAGE, "--%s \"%s\" is no port; give 1 to 65535",
				    spec->name, text);
		break;
	case OPTION_SPAN:
		if (when_parse_span(text, &value.number))
			return fail(why, EXIT_USAGE,
				    "--%s \"%s\" is no span of time; give 90s, 30m, 1h or 7d",
				    spec->name, text);
		break;
	case OPTION_CHOICE:
		value.number = choice_index(spec->value, text);
		if (value.number < 0)
			return fail(why, EXIT_USAGE, "--%s \"%s\" is not known; choose %s",
				    spec->name, text, spec->value);
		break;
	}
	args->options[id] = value;
	return 0;
}

int options_parse(int argc, char **argv, struct args *args, struct failure *why)
{
	int i, r = 0;

	for (i = 1; i < argc && !r; i++) {
		char *word = argv[i], *equals = strchr(word, '=');
		const char *text = equals ? equals + 1 : "";
		size_t len = strcspn(word, "=");
		int id;

		if (word[0] != '-' || !word[1]) {
			args->operands[args->n_operands++] = word;
			continue;
		}
		if (!strcmp(word, "--"))
			break;
		id = find_option(word, len);
		if (id < 0)
			return unknown_option(word, len, why);
		if (option_specs[id].kind == OPTION_FLAG && equals)
			return fail(why, EXIT_USAGE, "--%s takes no value", option_specs[id].name);
		if (option_specs[id].kind != OPTION_FLAG && !equals) {
			if (i + 1 == argc || !strncmp(argv[i + 1], "--", 2))
				return fail(why, EXIT_USAGE, "--%s needs a value: %s",
					    option_specs[id].name, option_specs[id].value);
			text = argv[++i];
		}
		r = set_value(args, id, text, why);
	}
	for (i++; i < argc && !r; i++)
		args->operands[args->n_operands++] = argv[i];
	return r;
}

/* "license sign --key FILE.jwk ...", and where its name ends */
static int usage_text(const struct command *cmd, char *out, size_t size)
{
	int n = command_name(cmd, out, size);

	snprintf(out + n, size - (size_t)n, "%s%s", *cmd->usage ? " " : "", cmd->usage);
	return n;
}

int options_check(const struct args *args, struct failure *why)
{
	const struct command *cmd = args->command;
	char usage[256];
	int len = usage_text(cmd, usage, sizeof(usage));

	for (int id = 0; id < OPT_COUNT; id++) {
		const struct option_spec *spec = &option_specs[id];

		if (args->options[id].text && !((cmd->options | OPTIONS_GLOBAL) & OPTION_BIT(id)))
			return fail(why, EXIT_USAGE, "`%.*s` has no option --%s; usage: portlic %s",
				    len, usage, spec->name, usage);
		if (!args->options[id].text && cmd->required & OPTION_BIT(id))
			return fail(why, EXIT_USAGE, "`%.*s` needs --%s %s; usage: portlic %s", len,
				    usage, spec->name, spec->value, usage);
	}
	if (args->n_operands < cmd->min_operands || args->n_operands > cmd->max_operands)
		return fail(why, EXIT_USAGE, "`%.*s`: too %s arguments; usage: portlic %s", len,
			    usage, args->n_operands < cmd->min_operands ? "few" : "many", usage);
	return 0;
}
