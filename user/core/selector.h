/* SPDX-License-Identifier: MIT */
/* selector.h - labels, and selectors of them as Kubernetes has them (LabelSelector of meta/v1). Pure. */
#ifndef PORTLIC_SELECTOR_H
#define PORTLIC_SELECTOR_H

#include <stdbool.h>
#include <stddef.h>

#include "fault.h"
#include "json.h"

struct label {
	char *key, *value;
};

struct labels {
	struct label *list; /* sorted by key, each key once */
	size_t n;
};

/* What Kubernetes would have as a label: "app", "app.kubernetes.io/name"; "", "web-1". */
bool label_key_ok(const char *key);
bool label_value_ok(const char *value);

/*
 * The object {"KEY":"VALUE"}; NULL, JSON's null and {} are none. What comes from the API server is taken as it
 * is: any key and value, so annotations, too. -EINVAL, -ENOMEM.
 */
int labels_read(const cJSON *object, struct labels *out, struct fault *f);
int labels_copy(const struct labels *from, struct labels *out);	      /* -ENOMEM */
const char *labels_get(const struct labels *labels, const char *key); /* NULL: it has none such */
bool labels_equal(const struct labels *a, const struct labels *b);
cJSON *labels_json(const struct labels *labels); /* the object again */
void labels_free(struct labels *labels);

enum selector_op { SELECTOR_IN, SELECTOR_NOT_IN, SELECTOR_EXISTS, SELECTOR_NOT_EXISTS };

struct selector_term {
	char *key;
	enum selector_op op;
	char **values; /* sorted, each once; of IN and NOT_IN */
	size_t n_values;
};

/* All terms hold; none: everything matches. */
struct selector {
	struct selector_term *terms; /* sorted by key, then operator */
	size_t n_terms;
};

/*
 * {"matchLabels":{…},"matchExpressions":[{"key","operator","values"}]}. -EINVAL with member and remedy: an
 * unknown member, what Kubernetes would refuse (a bad key or value, values where there are none to be), too
 * many terms. -ENOMEM.
 */
int selector_parse(const cJSON *object, struct selector *out, struct fault *f);
bool selector_matches(const struct selector *selector, const struct labels *labels);
int selector_copy(const struct selector *from, struct selector *out); /* -ENOMEM */

/* As the API's parameter labelSelector has it ("a in (b,c),!d"), the same for equal ones; not URL-escaped. */
char *selector_text(const struct selector *selector);
void selector_free(struct selector *selector);

#endif
