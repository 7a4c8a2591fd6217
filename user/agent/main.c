/* SPDX-License-Identifier: MIT */
/* main.c - portlicd: arguments, then the agent. */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include <sodium.h>

#include "agent.h"
#include "jobs.h"
#include "log.h"

#define EXIT_USAGE 2

static const char help[] =
	"Usage: portlicd [OPTION]...\n"
	"Enforces port licenses in the network namespaces of this node.\n"
	"\n"
	"  --config FILE      configuration, default " CONFIG_DEFAULT "\n"
	"  --log-format FMT   text (default) or json; events go to stderr\n"
	"  --verbose          debugging events too\n"
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

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{"config", required_argument, NULL, 'c'},
		{"log-format", required_argument, NULL, 'l'},
		{"verbose", no_argument, NULL, 'v'},
		{"version", no_argument, NULL, 'V'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	const char *file = CONFIG_DEFAULT;
	bool json = false, verbose = false;
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
	log_setup(json, verbose);
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
