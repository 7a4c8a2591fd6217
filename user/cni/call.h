/* SPDX-License-Identifier: MIT */
/* call.h - what a runtime asks of the plugin, out of the environment. Pure. */
#ifndef PORTLIC_CNI_CALL_H
#define PORTLIC_CNI_CALL_H

#include "error.h"

enum cni_command { CNI_ADD, CNI_CHECK, CNI_DEL, CNI_VERSION, CNI_GC, CNI_STATUS };
extern const char *const cni_commands[]; /* their words, then NULL */

#define CNI_NAMESPACE_MAX 63
#define CNI_NAME_MAX 253
#define CNI_UID_MAX 63
#define CNI_ID_MAX 253
#define CNI_PATH_MAX 4095

/* Strings belong to the call; NULL: the runtime doesn't say. */
struct cni_call {
	enum cni_command command;
	char *container, *netns, *ifname;
	char *namespace, *name, *uid; /* of CNI_ARGS; podman gives a name alone */
};

/* As getenv: NULL where there is none. */
typedef const char *cni_getenv(void *arg, const char *name);

/*
 * -1 with CNI_BAD_ENVIRONMENT, which names the variable: a command that we don't know, a parameter that it
 * needs and hasn't, one that can't be right. The keys of CNI_ARGS come in any order; such as aren't ours pass
 * if IgnoreUnknown says so.
 */
int cni_call_read(cni_getenv *get, void *arg, struct cni_call *out, struct cni_error *error);
void cni_call_free(struct cni_call *call);

#endif
