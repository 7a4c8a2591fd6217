/* SPDX-License-Identifier: MIT */
/* config.h - /etc/portlic/portlicd.json. */
#ifndef PORTLIC_AGENT_CONFIG_H
#define PORTLIC_AGENT_CONFIG_H

#include <stdbool.h>
#include <sys/socket.h>

#include "fault.h"
#include "kube.h"
#include "notify_target.h"
#include "origin_config.h"
#include "pull_source.h"

#define CONFIG_DEFAULT "/etc/portlic/portlicd.json"

struct config {
	char *audience; /* one member of a license's `aud` must equal it */
	char *trust_dir, *license_dir, *policy_dir;
	char *state_dir;
	char *socket;		/* of the local API */
	char *bpffs;		/* directory of the pins */
	char *entitlements_dir; /* for applications to read; NULL: none */
	bool metrics;		/* served at: */
	struct sockaddr_storage metrics_addr;
	socklen_t metrics_len;
	char *metrics_text; /* as it was written */
	struct pull_sources pull;
	struct notify_targets notify;
	struct origin_config origins;
	struct kube_config kubernetes;
};

/*
 * Reads the file. Every member but `audience` has a default; an unknown one is refused, since a
 * misspelt key must not silently leave a default in force. -errno with file, key, remedy.
 */
int config_read(const char *file, struct config *out, struct fault *f);

/* What it is without a file: every default, and an audience that no license has. */
int config_default(struct config *out, struct fault *f);
void config_free(struct config *config);

#endif
