/* SPDX-License-Identifier: MIT */
/* portlicense.h - the resources PortLicense and PortPolicy, as somebody wrote them. Pure. */
#ifndef PORTLIC_PORTLICENSE_H
#define PORTLIC_PORTLICENSE_H

#include "kobject.h"

#define PORTLIC_GROUP "portlic.dev"
#define PORTLIC_API "/apis/portlic.dev/v1alpha1"

struct portlicense {
	struct kobject object;
	char *token;	    /* spec.token; NULL: it is in */
	char *secret, *key; /* spec.secretRef: a key of a Secret beside it */
};

/*
 * -EINVAL with member and remedy: both of token and secretRef or neither, and what the schema would have
 * refused; -ENOMEM. Once its metadata were good, out->object is filled in all the same, and to be freed.
 */
int portlicense_read(const cJSON *object, struct portlicense *out, struct fault *f);
void portlicense_free(struct portlicense *license);

/*
 * A PortPolicy as the text of a policy file: its spec, with metadata.name as its name. NULL and *f: a spec
 * that is none, or that has a name of its own.
 */
char *portpolicy_text(const cJSON *object, const struct kobject *meta, struct fault *f);

#endif
