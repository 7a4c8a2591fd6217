/* SPDX-License-Identifier: MIT */
/* kobject.h - which object of the Kubernetes API something is. Pure. */
#ifndef PORTLIC_KOBJECT_H
#define PORTLIC_KOBJECT_H

#include <stdbool.h>
#include <stdint.h>

#include "fault.h"
#include "json.h"

#define KOBJECT_NAME_MAX 253

struct kobject {
	char *name;
	char *namespace; /* NULL: of the cluster */
	char *uid;
	char *version;	    /* resourceVersion; an opaque text */
	int64_t generation; /* of its spec; 0: the kind has none */
};

/*
 * The member `metadata`. -EINVAL: a name, uid or resourceVersion is missing or is none, or generation is no
 * integer; -ENOMEM. *out is untouched then.
 */
int kobject_read(const cJSON *object, struct kobject *out, struct fault *f);
void kobject_free(struct kobject *object);

/* Names become file names and parts of URLs: what Kubernetes lets a name be, and no more. */
bool kobject_is_name(const char *name);

#endif
