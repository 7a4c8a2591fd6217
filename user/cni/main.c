/* SPDX-License-Identifier: MIT */
/* main.c - portlic-cni: without arguments the plugin that a runtime calls, with them its installer. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "install.h"
#include "plugin.h"

#define EXIT_USAGE 2

static const char help[] =
	"portlic-cni " PORTLIC_VERSION ": a pod's gate stands before its first packet\n"
	"\n"
	"A container runtime calls it without arguments, chained behind a network plugin.\n"
	"\n"
	"  portlic-cni install --bin DIR --conf DIR [OPTION...]   chains it into the first "
	"configuration\n"
	"  portlic-cni uninstall --bin DIR --conf DIR             takes it out\n"
	"\n"
	"  --bin DIR           the runtime's plugins (/opt/cni/bin)\n"
	"  --conf DIR          the runtime's configurations (/etc/cni/net.d)\n"
	"  --fail closed|open  pods that may have to be gated wait for the agent (closed), or "
	"start ungated\n"
	"  --socket PATH       the agent's socket (/run/portlic/portlicd.sock)\n"
	"  --selection PATH    the agent's cni-selection.json "
	"(/var/lib/portlic/cni-selection.json)\n"
	"  --lib DIR           with libraries of its own, from deploy/cni-bundle\n"
	"  --watch             stays, and puts itself back when the network plugin writes its file "
	"anew\n"
	"  --cache DIR         uninstall: where runtimes keep whom they started with it "
	"(/var/lib/cni)\n"
	"  --force             uninstall: the program goes, whoever may need it to end\n"
	"\n"
	"Exit status: 0 done, 1 it can't be done (stderr says why), 2 usage. See portlic-cni(8).\n";

static int mistake(const char *text, const char *what)
{
	fprintf(stderr, "portlic-cni: %s%s; see portlic-cni --help\n", text, what);
	return EXIT_USAGE;
}

enum option_id { BIN = 1, CONF, FAIL, SOCKET, SELECTION, LIB, CACHE, WATCH, FORCE };

static const struct option options[] = {
	{"bin", required_argument, NULL, BIN},
	{"conf", required_argument, NULL, CONF},
	{"fail", required_argument, NULL, FAIL},
	{"socket", required_argument, NULL, SOCKET},
	{"selection", required_argument, NULL, SELECTION},
	{"lib", required_argument, NULL, LIB},
	{"cache", required_argument, NULL, CACHE},
	{"watch", no_argument, NULL, WATCH},
	{"force", no_argument, NULL, FORCE},
	{0},
};

static const char **place_of(struct install *out, int id)
{
	switch (id) {
	case BIN:
		return &out->bin;
	case CONF:
		return &out->conf;
	case FAIL:
		return &out->entry.fail;
	case SOCKET:
		return &out->entry.socket;
	case SELECTION:
		return &out->entry.selection;
	case LIB:
		return &out->lib;
	case CACHE:
		return &out->cache;
	}
	return NULL;
}

static int check(const struct install *install)
{
	const char *fail = install->entry.fail;
	const char *const paths[] = {install->entry.socket, install->entry.selection};

	if (!install->bin || !install->conf)
		return mistake("--bin and --conf have to be given", "");
	if (fail && strcmp(fail, "closed") != 0 && strcmp(fail, "open") != 0)
		return mistake("--fail must be closed or open, not ", fail);
	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++)
		if (paths[i] && *paths[i] != '/')
			return mistake("it must be an absolute path: ", paths[i]);
	return 0;
}

static int install_main(int argc, char **argv)
{
	struct install install = {0};
	int id, usage;

	while ((id = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (id == '?')
			return EXIT_USAGE;
		if (id == WATCH)
			install.watch = true;
		else if (id == FORCE)
			install.force = true;
		else
			*place_of(&install, id) = optarg;
	}
	if (optind < argc)
		return mistake("what is meant by ", argv[optind]);
	usage = check(&install);
	if (usage)
		return usage;
	return strcmp(argv[0], "install") ? uninstall_run(&install) : install_run(&install);
}

int main(int argc, char **argv)
{
	if (argc < 2)
		return plugin_run();
	if (!strcmp(argv[1], "install") || !strcmp(argv[1], "uninstall"))
		return install_main(argc - 1, argv + 1);
	if (!strcmp(argv[1], "--version")) {
		puts("portlic-cni " PORTLIC_VERSION);
		return 0;
	}
	if (!strcmp(argv[1], "--help")) {
		fputs(help, stdout);
		return 0;
	}
	return mistake("there is no ", argv[1]);
}
