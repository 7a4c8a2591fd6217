/* SPDX-License-Identifier: MIT */
/* conf.h - what a runtime gives the plugin on stdin: its entry of the conflist and the result so far. Pure. */
#ifndef PORTLIC_CNI_CONF_H
#define PORTLIC_CNI_CONF_H

#include <stdbool.h>
#include <stddef.h>

#include "call.h"
#include "error.h"
#include "json.h"

#define CNI_STDIN_MAX (4 << 20) /* bytes; annotations alone may have 256 KiB, escaped twice */
#define CNI_DEFAULT_SOCKET "/run/portlic/portlicd.sock"
#define CNI_DEFAULT_SELECTION "/var/lib/portlic/cni-selection.json"
#define CNI_ANNOTATIONS "io.kubernetes.cri.pod-annotations" /* the capability */

struct cni_conf {
	cJSON *root;
	const char *version; /* cniVersion; NULL: not said */
	const char *socket, *selection;
	bool fail_open;
	const cJSON *previous; /* prevResult; NULL: none */
	/* The pod's annotations are visible: the entry declares the capability. */
	bool sees_annotations;
	bool asks; /* one of them asks for a gate */
};

/*
 * -1 with CNI_BAD_JSON, CNI_INCOMPATIBLE or CNI_BAD_CONFIG (the member and the remedy); *out can be used for
 * its version then, and has to be freed all the same. Members that aren't ours are let be. DEL takes defaults
 * where ours are bad: a mistake there must not keep a pod from ending.
 */
int cni_conf_read(enum cni_command command, const char *text, size_t len, struct cni_conf *out,
		  struct cni_error *error);
void cni_conf_free(struct cni_conf *conf);

/* VERSION may come without anything on stdin. */
int cni_conf_read_version(const char *text, size_t len, struct cni_conf *out,
			  struct cni_error *error);

#endif
