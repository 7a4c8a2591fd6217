/* SPDX-License-Identifier: MIT */
/* main.c - portlicd: arguments, then the agent. */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <sodium.h>

#include "agent.h"
#include "jobs.h"
#include "log.h"
#include "uninstall.h"

#define EXIT_USAGE 2

static const char help[] =
	"Usage: portlicd [OPTION]...\n"
	"Enforces port licenses in the network namespaces of this node.\n"
	"\n"
	"  --config FILE      configuration, default " CONFIG_DEFAULT "\n"
	"  --log-format FMT   text (default) or json; events go to stderr\n"
	"  --verbose          debugging events too\n"
	"  --cleanup          removes what an agent left behind: gates and all other pins,\n"
	"                     entitlements, socket; prints it as JSON; `portlic cleanup` is for "
	"people\n"
	"  --state            with --cleanup: the state, too\n"
	"  --force            with --cleanup: while an agent runs, too\n"
	"  --version          version and exit\n"
	"  -h, --help         this text and exit\n"
	"\n"
	"It stays in the foreground. SIGTERM ends it and leaves the gates in force; SIGHUP reads\n"
	"licenses, trust and policies again (they are watched, too) and pulls what is configured.\n"
	"\n"
	"Exit status: 0 ended on request, 1 it can't work here, 2 usage or configuration.\n"
	"\n"
	"EXAMPLES\n"
	"  portlicd                            as the systemd unit runs it\n"
	"  portlicd --config ./test.json       beside another one, with paths of its own\n";

static int usage(const char *what, const char *value)
{
	fprintf(stderr, "portlicd: %s \"%s\"; see portlicd --help\n", what, value);
	return EXIT_USAGE;
}

/* A gate holds 11 descriptors, and 1024 is the usual soft limit. */
static void raise_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

/* On stdout, for `portlic cleanup`: what was removed, or {"error"}. */
static int clean_up(const char *file, bool state, bool force)
{
	_json_ cJSON *done = NULL;
	_free_ char *text = NULL;
	struct config config = {0};
	struct fault f = {0};
	int err, result = 1;

	if (file || !access(CONFIG_DEFAULT, F_OK))
		err = config_read(file ? file : CONFIG_DEFAULT, &config, &f);
	else
		err = config_default(&config, &f);
	if (err)
		result = EXIT_USAGE;
	else
		err = uninstall(&config, state, force, &done, &f);
	if (err) {
		done = cJSON_CreateObject();
		cJSON_AddStringToObject(done, "error", f.text[0] ? f.text : strerror(-err));
	}
	text = cJSON_PrintUnformatted(done);
	puts(text ? text : "{}");
	config_free(&config);
	return err ? result : 0;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{"config", required_argument, NULL, 'c'},
		{"log-format", required_argument, NULL, 'l'},
		{"verbose", no_argument, NULL, 'v'},
		{"cleanup", no_argument, NULL, 'C'},
		{"state", no_argument, NULL, 's'},
		{"force", no_argument, NULL, 'f'},
		{"version", no_argument, NULL, 'V'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	const char *file = NULL;
	bool json = false, verbose = false, cleanup = false, state = false, force = false;
	struct config config;
	struct fault f = {0};
	int option;

	opterr = 0;
	while ((option = getopt_long(argc, argv, "h", options, NULL)) >= 0) {
		switch (option) {
		case 'c':
			file = optarg;
			break;
		case 'l':
			if (strcmp(optarg, "text") && strcmp(optarg, "json"))
				return usage("--log-format takes text or json, not", optarg);
			json = !strcmp(optarg, "json");
			break;
		case 'v':
			verbose = true;
			break;
		case 'C':
			cleanup = true;
			break;
		case 's':
			state = true;
			break;
		case 'f':
			force = true;
			break;
		case 'V':
			puts("portlicd " PORTLIC_VERSION);
			return 0;
		case 'h':
			fputs(help, stdout);
			return 0;
		default:
			return usage("unknown option, or one without its value:", argv[optind - 1]);
		}
	}
	if (optind < argc)
		return usage("it takes no operand such as", argv[optind]);
	if ((state || force) && !cleanup)
		return usage("only --cleanup takes", state ? "--state" : "--force");
	log_setup(json, verbose);
	if (cleanup)
		return clean_up(file, state, force);
	file = file ? file : CONFIG_DEFAULT;
	signal(SIGPIPE, SIG_IGN);
	raise_descriptors();
	jobs_setup();
	if (config_read(file, &config, &f)) {
		log_event(LOG_ERROR, "config_refused", LOG_FIELDS("file", file), "%s", f.text);
		return EXIT_USAGE;
	}
	if (sodium_init() < 0) {
		log_event(LOG_ERROR, "start_failed", LOG_NO_FIELDS, "libsodium doesn't start");
		return 1;
	}
	return agent_run(&config);
}
