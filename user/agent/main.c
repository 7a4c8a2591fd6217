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

/* What the command line asks for. */
struct wishes {
	const char *file; /* NULL: the default one */
	bool json, verbose, cleanup, state, force;
	bool told; /* the answer is on stdout, and that is all */
};

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

/* 0 or EXIT_USAGE. */
static int take_option(struct wishes *w, int option, char **argv)
{
	switch (option) {
	case 'c':
		w->file = optarg;
		return 0;
	case 'l':
		w->json = !strcmp(optarg, "json");
		if (w->json || !strcmp(optarg, "text"))
			return 0;
		return usage("--log-format takes text or json, not", optarg);
	case 'v':
		w->verbose = true;
		return 0;
	case 'C':
		w->cleanup = true;
		return 0;
	case 's':
		w->state = true;
		return 0;
	case 'f':
		w->force = true;
		return 0;
	case 'V':
	case 'h':
		fputs(option == 'h' ? help : "portlicd " PORTLIC_VERSION "\n", stdout);
		w->told = true;
		return 0;
	}
	return usage("unknown option, or one without its value:", argv[optind - 1]);
}

static int read_options(int argc, char **argv, struct wishes *w)
{
	int option, err = 0;

	opterr = 0;
	while (!err && !w->told && (option = getopt_long(argc, argv, "h", options, NULL)) >= 0)
		err = take_option(w, option, argv);
	if (err || w->told)
		return err;
	if (optind < argc)
		return usage("it takes no operand such as", argv[optind]);
	if ((w->state || w->force) && !w->cleanup)
		return usage("only --cleanup takes", w->state ? "--state" : "--force");
	return 0;
}

/* In the foreground, until it is told to end. */
static int run(const char *file)
{
	struct config config;
	struct fault f = {0};

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

int main(int argc, char **argv)
{
	struct wishes w = {0};
	int err = read_options(argc, argv, &w);

	if (err || w.told)
		return err;
	log_setup(w.json, w.verbose);
	return w.cleanup ? clean_up(w.file, w.state, w.force)
			 : run(w.file ? w.file : CONFIG_DEFAULT);
}
