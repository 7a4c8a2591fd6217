/* SPDX-License-Identifier: MIT */
/* policy_match.c - whom a policy is for: gates by name, pods by namespace and labels. */
#include "policy_match.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"

#define MAX_PATTERNS 256
#define MAX_PATTERN 253
#define WILDCARDS "*?[\\"

static int read_selector(const cJSON *match, const char *name, struct selector **out,
			 struct fault *f)
{
	_free_ struct selector *selector = NULL;
	const cJSON *object = json_get(match, name);
	struct fault why = {0};
	int err;

	if (!object)
		return 0;
	selector = calloc(1, sizeof(*selector));
	if (!selector)
		return fault_set(f, ENOMEM, "out of memory");
	err = selector_parse(object, selector, &why);
	if (err)
		return json_within(name, err, &why, f);
	*out = TAKE_PTR(selector);
	return 0;
}

static bool has_terms(const struct selector *selector)
{
	return selector && selector->n_terms;
}

/* What would gate every pod has to be said in so many words: "namespaces": ["*"]. */
static int check_selectors(const struct policy *p, struct fault *f)
{
	const char *empty = NULL;

	if (has_terms(p->pod_selector))
		return 0;
	if (p->namespace_selector && !has_terms(p->namespace_selector))
		empty = "namespaceSelector";
	else if (p->pod_selector && !p->namespace_selector && !p->n_namespaces)
		empty = "podSelector";
	if (!empty)
		return 0;
	return fault_set(f, EBADMSG,
			 "an empty selector would gate every pod of the cluster: name labels in "
			 "\"%s\", or namespaces, for example \"namespaces\": [\"shop\"]",
			 empty);
}

static int read_match(const cJSON *match, struct policy *p, struct fault *f)
{
	static const char *const known[] = {"gates", "namespaces", "namespaceSelector",
					    "podSelector", NULL};
	const char *unknown = json_unknown(match, known);
	int err;

	if (unknown)
		return fault_set(f, EBADMSG,
				 "unknown member \"%.64s\"; remove it or correct its name",
				 unknown);
	if (!match->child)
		return fault_set(f, EBADMSG,
				 "is empty; name gates or pods, for example \"gates\": "
				 "[\"acme-*\"] or \"namespaces\": [\"shop\"]");
	err = json_strings(match, "gates", 1, MAX_PATTERNS, 1, MAX_PATTERN, &p->gates, &p->n_gates,
			   f);
	if (!err)
		err = json_strings(match, "namespaces", 1, MAX_PATTERNS, 1, MAX_PATTERN,
				   &p->namespaces, &p->n_namespaces, f);
	if (!err)
		err = read_selector(match, "namespaceSelector", &p->namespace_selector, f);
	if (!err)
		err = read_selector(match, "podSelector", &p->pod_selector, f);
	return err ? err : check_selectors(p, f);
}

int policy_match_parse(const cJSON *root, struct policy *p, struct fault *f)
{
	const cJSON *match = NULL;
	struct fault why = {0};
	int err = json_object(root, "match", &match, f);

	if (err || !match)
		return err;
	return json_within("match", read_match(match, p, &why), &why, f);
}

static void free_selector(struct selector *selector)
{
	if (selector)
		selector_free(selector);
	free(selector);
}

void policy_match_free(struct policy *p)
{
	json_free_strings(p->gates, p->n_gates);
	json_free_strings(p->namespaces, p->n_namespaces);
	free_selector(p->namespace_selector);
	free_selector(p->pod_selector);
}

bool policy_has_pods(const struct policy *policy)
{
	return policy->n_namespaces || policy->namespace_selector ||
	       has_terms(policy->pod_selector);
}

static bool names_gate(const struct policy *policy, const char *gate)
{
	for (size_t i = 0; i < policy->n_gates; i++)
		if (!fnmatch(policy->gates[i], gate, 0))
			return true;
	return false;
}

static bool names_namespace(const struct policy *policy, const char *namespace, bool spelled_out)
{
	for (size_t i = 0; i < policy->n_namespaces; i++) {
		const char *pattern = policy->namespaces[i];

		if (spelled_out && strpbrk(pattern, WILDCARDS))
			continue;
		if (!fnmatch(pattern, namespace, 0))
			return true;
	}
	return false;
}

/* labels NULL: `unknown` is what a selector says of them. */
static bool in_namespace(const struct policy *policy, const char *namespace,
			 const struct labels *labels, bool by_name_only, bool unknown)
{
	if (!policy_has_pods(policy))
		return false;
	if (names_namespace(policy, namespace, by_name_only))
		return true;
	if (by_name_only)
		return false;
	if (policy->namespace_selector)
		return labels ? selector_matches(policy->namespace_selector, labels) : unknown;
	return !policy->n_namespaces; /* labels of pods alone */
}

bool policy_matches(const struct policy *policy, const struct policy_subject *subject)
{
	static const struct labels none;

	if (!subject->namespace)
		return names_gate(policy, subject->gate);
	return in_namespace(policy, subject->namespace, subject->namespace_labels,
			    subject->by_name_only, false) &&
	       (!policy->pod_selector ||
		selector_matches(policy->pod_selector, subject->labels ? subject->labels : &none));
}

bool policy_asked(const struct policy *policy, const struct policy_subject *subject)
{
	return subject->namespace && subject->asks && !subject->by_name_only &&
	       !strcmp(policy->name, subject->asks);
}

bool policy_may_match(const struct policy *policy, const char *namespace,
		      const struct labels *namespace_labels, bool by_name_only)
{
	return in_namespace(policy, namespace, namespace_labels, by_name_only, true);
}
