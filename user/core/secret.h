/* SPDX-License-Identifier: MIT */
/* secret.h - licenses and revocation lists in a Secret of Kubernetes. Pure. */
#ifndef PORTLIC_SECRET_H
#define PORTLIC_SECRET_H

#include <stdbool.h>
#include <stddef.h>

#include "kobject.h"

enum secret_kind {
	SECRET_LICENSE, /* the key ends in .lic or .jwt, or is "license.key" */
	SECRET_LIST,	/* .rl */
	SECRET_TRUST,	/* .jwks: whom to trust is not for a Secret to say */
	SECRET_NOTHING,
};

enum secret_kind secret_key_kind(const char *key);

struct secret_entry {
	char *key;
	enum secret_kind kind; /* never SECRET_NOTHING */
	void *bytes;	       /* NULL: the value isn't base64 */
	size_t len;
};

struct secret {
	struct kobject object;
	struct secret_entry *entries;
	size_t n_entries;
};

/* Keys that are none of ours are left out. -EINVAL with what is wrong, -ENOMEM; *out is untouched then. */
int secret_read(const cJSON *object, struct secret *out, struct fault *f);
void secret_free(struct secret *secret);

#endif
