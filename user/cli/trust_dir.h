/* SPDX-License-Identifier: MIT */
/* trust_dir.h - a trust store out of a directory of *.jwks files. */
#ifndef PORTLIC_TRUST_DIR_H
#define PORTLIC_TRUST_DIR_H

#include "cli.h"
#include "trust.h"

/*
 * Loads the files in the order of their names. A bad one is warned about and does not unload the
 * others. EXIT_USAGE when the directory can't be read.
 */
int trust_dir_load(const char *dir, struct trust **out, struct failure *why);

#endif
