/* SPDX-License-Identifier: MIT */
/* install.c - the programs first, then the chain that calls them; the other way round at the end. */
#include "install.h"

#include <stdio.h>

#include "cached.h"
#include "chain.h"
#include "programs.h"

int install_once(const struct install *install, bool quiet, struct fault *f)
{
	struct chain_change change = {0};
	int there = programs_in(install->bin, install->lib, f), err;

	if (there < 0)
		return there;
	if (!there)
		fprintf(stderr, "portlic-cni: installed in %s\n", install->bin);
	err = chain_in(install->conf, &install->entry, &change, f);
	if (err)
		return err;
	if (change.file[0])
		fprintf(stderr, "portlic-cni: chained into %s/%s\n", install->conf, change.file);
	else if (!quiet && there)
		fprintf(stderr, "portlic-cni: all is in place already\n");
	return 0;
}

static int failed(const struct fault *f)
{
	fprintf(stderr, "portlic-cni: %s\n", f->text);
	return 1;
}

int install_run(const struct install *install)
{
	struct fault f = {0};

	if (install->watch)
		return install_watch(install);
	return install_once(install, false, &f) ? failed(&f) : 0;
}

int uninstall_run(const struct install *install)
{
	struct chain_change change = {0};
	struct fault f = {0};
	size_t users;

	if (chain_out(install->conf, &change, &f))
		return failed(&f);
	users = install->force ? 0 : cached_users(install->cache ? install->cache : CACHED_DIR);
	if (users) {
		fprintf(stderr,
			"portlic-cni: taken out of %s; the program stays in %s, for %zu containers "
			"that run were started with it, and a runtime may call it when they end: "
			"uninstall again then, or with --force\n",
			install->conf, install->bin, users);
		return 0;
	}
	if (programs_out(install->bin, &f))
		return failed(&f);
	fprintf(stderr, "portlic-cni: taken out of %s and %s\n", install->conf, install->bin);
	return 0;
}
