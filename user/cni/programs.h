/* SPDX-License-Identifier: MIT */
/* programs.h - the plugin's own files in the directory of CNI plugins. */
#ifndef PORTLIC_CNI_PROGRAMS_H
#define PORTLIC_CNI_PROGRAMS_H

#include "fault.h"

#define PROGRAM_NAME "portlic-cni"
#define PROGRAM_LIBS "portlic-lib" /* a symbolic link to the libraries in force */
#define PROGRAM_LAUNCHER "launch"  /* in a directory made by deploy/cni-bundle */

/*
 * Puts the plugin into `bin`: a copy of this program, or (lib: a directory that deploy/cni-bundle made) the
 * launcher and its libraries, for a node whose C library is another. A call that runs meanwhile ends with what
 * it began with. 1: all was there already; 0; -errno.
 */
int programs_in(const char *bin, const char *lib, struct fault *f);
int programs_out(const char *bin, struct fault *f);

#endif
