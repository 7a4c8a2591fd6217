/* SPDX-License-Identifier: MIT */
/* podwish.c - reads annotations; what can't be understood never loosens anything. */
#include "podwish.h"

#include <string.h>

static const char *const words[] = {
	[PLIC_ENFORCE] = "enforce", [PLIC_AUDIT_MODE] = "audit", [PLIC_OFF] = "off"};

static int read_mode(const struct labels *annotations, struct fault *bad)
{
	const char *text = annotations ? labels_get(annotations, MODE_ANNOTATION) : NULL;

	if (!text)
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (!strcmp(text, words[i]))
			return (int)i;
	fault_set(bad, EINVAL,
		  "the annotation " MODE_ANNOTATION " is \"%.64s\", which counts as \"enforce\": "
		  "write enforce, audit or off",
		  text);
	return PLIC_ENFORCE;
}

static const char *read_policy(const struct labels *annotations)
{
	return annotations ? labels_get(annotations, POLICY_ANNOTATION) : NULL;
}

void pod_wish_read(const struct labels *annotations, const struct labels *namespace_annotations,
		   bool system, struct pod_wish *out)
{
	*out = (struct pod_wish){.mode = -1, .namespace_mode = -1};
	if (system)
		return;
	out->mode = read_mode(annotations, &out->bad);
	out->namespace_mode = read_mode(namespace_annotations, &out->namespace_bad);
	out->policy = read_policy(annotations);
	out->namespace_policy = read_policy(namespace_annotations);
	out->asks = out->policy || out->namespace_policy ||
		    (out->mode >= 0 && out->mode != PLIC_OFF) ||
		    (out->namespace_mode >= 0 && out->namespace_mode != PLIC_OFF);
}

const char *pod_wish_policy(const struct pod_wish *wish)
{
	if (wish->namespace_policy)
		return wish->namespace_policy;
	return wish->namespace_mode >= 0 && wish->namespace_mode != PLIC_OFF ? NULL : wish->policy;
}

enum plic_mode pod_wish_mode(const struct pod_wish *wish, const struct policy *policy)
{
	int mode = policy ? (int)policy->mode : PLIC_ENFORCE;

	if (wish->namespace_mode >= 0)
		mode = wish->namespace_mode;
	else if (!policy && !wish->policy && !wish->namespace_policy && wish->mode >= 0)
		mode = PLIC_OFF; /* without its annotation it had no gate at all */
	return wish->mode >= 0 && wish->mode < mode ? wish->mode : mode;
}
