/* SPDX-License-Identifier: MIT */
/* policies.c - parses policy files; a bad one leaves its last good copy in force. */
#include "policies.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cleanup.h"
#include "file.h"
#include "log.h"

static const char *const suffixes[] = {".json", NULL};
static const char *const outside[] = {POLICIES_PORTPOLICY, NULL};

static void free_policy(void *value)
{
	policy_free(value);
}

int policies_open(struct policies *policies, const char *dir, const char *state_dir,
		  struct fault *f)
{
	*policies = (struct policies){.source = {.dir = dir,
						 .suffixes = suffixes,
						 .outside = outside,
						 .outside_first = true,
						 .max_bytes = POLICY_MAX_BYTES,
						 .free_value = free_policy}};
	return source_open(&policies->source, state_dir, "policies", f);
}

void policies_close(struct policies *policies)
{
	source_close(&policies->source);
}

/* The last good copy holds on, but for what has been reserved since. */
static struct policy *read_good(const struct trust *trust, const struct source_file *file,
				size_t *n_dropped)
{
	struct policy *policy = NULL;
	struct fault why;

	if (!file->good ||
	    policy_parse(file->name, file->good, file->good_len, NULL, &policy, &why))
		return NULL;
	*n_dropped = policy_drop_reserved(policy, trust);
	return policy;
}

static void refuse(struct source *source, struct source_file *file, const struct policy *good,
		   size_t n_dropped, const char *why)
{
	struct fault f;

	if (!good)
		fault_set(&f, EBADMSG,
			  "%s; it was never good, so nobody knows its gates: they may be judged by "
			  "another policy, or by licenses alone",
			  why);
	else if (n_dropped)
		fault_set(&f, EBADMSG, "%s; %zu of its opens are left out", why, n_dropped);
	else
		fault_set(&f, EBADMSG, "%s", why);
	source_refuse(source, file, "policy_refused", f.text);
}

static void log_loaded(const struct source_file *file, const struct policy *policy)
{
	log_event(LOG_INFO, "policy_loaded", LOG_FIELDS("file", file->name, "policy", policy->name),
		  "%zu opens, %zu port entries", policy->n_open, policy->n_ports);
	if (!policy->n_gates && !policy_has_pods(policy))
		log_event(
			LOG_WARN, "policy_idle",
			LOG_FIELDS("file", file->name, "policy", policy->name),
			"it has no \"match\" and holds for no gate, but for pods that ask for it: "
			"name gates or pods in it");
}

static void read_policy(struct source *source, const struct trust *trust, struct source_file *file)
{
	struct policy *policy = NULL;
	struct fault why = file->trouble;
	size_t n_dropped = 0;

	if (file->bytes &&
	    !policy_parse(file->name, file->bytes, file->len, trust, &policy, &why)) {
		file->refusal = (struct fault){0};
		source_accept(source, file);
		log_loaded(file, policy);
	} else {
		policy = read_good(trust, file, &n_dropped);
		if (!file->gone_ns)
			refuse(source, file, policy, n_dropped, why.text);
	}
	policy_free(file->value);
	file->value = policy;
	file->fresh = false;
}

bool policies_scan(struct policies *policies, const struct trust *trust, bool trust_changed)
{
	struct source *source = &policies->source;
	bool changed = source_scan(source);
	size_t i;

	if (!changed && !trust_changed)
		return false;
	for (i = 0; i < source->n_files;) {
		struct source_file *file = source->files[i];

		if (source_hold_over(source, file)) {
			log_event(LOG_WARN, "policy_withdrawn", LOG_FIELDS("file", file->name),
				  "the policy is gone: it has no effect any more");
			source_forget(source, i);
			continue;
		}
		if (file->fresh || trust_changed)
			read_policy(source, trust, file);
		i++;
	}
	return true;
}

static char *path_of(const struct policies *policies, const char *file)
{
	char *path;

	return asprintf(&path, "%s/%s", policies->source.dir, file) < 0 ? NULL : path;
}

int policies_write(const struct policies *policies, const char *file, const void *bytes, size_t len,
		   struct fault *f)
{
	_free_ char *path = path_of(policies, file);

	return path ? file_replace(path, bytes, len, 0600, f) : -ENOMEM;
}

int policies_remove(struct policies *policies, const char *file, struct fault *f)
{
	struct source *source = &policies->source;
	_free_ char *path = path_of(policies, file);
	size_t i;

	for (i = 0; i < source->n_files; i++)
		if (!strcmp(source->files[i]->name, file))
			break;
	if (i < source->n_files && source->files[i]->outside)
		return fault_set(f, EPERM,
				 "\"%s\" comes from Kubernetes: `kubectl delete portpolicy %s` "
				 "takes it away",
				 file, file + strlen(POLICIES_PORTPOLICY));
	if (!path || i == source->n_files)
		return fault_set(f, path ? ENOENT : ENOMEM,
				 "there is no policy file \"%s\"; `portlic policy list` names them",
				 file);
	if (unlink(path) && errno != ENOENT)
		return fault_set(f, errno,
				 "policy file \"%s\" can't be removed: %s; remove it where it "
				 "comes from",
				 path, strerror(errno));
	log_event(LOG_INFO, "policy_removed", LOG_FIELDS("file", file), "removed on request");
	source_forget(source, i);
	return 0;
}

typedef bool policy_test(const struct policy *policy, const struct policy_subject *subject);

/* The first two that pass. */
static const struct policy *find_by(const struct policies *policies, policy_test *test,
				    const struct policy_subject *subject,
				    const struct policy **second)
{
	const struct policy *found = NULL;

	*second = NULL;
	for (size_t i = 0; i < policies->source.n_files && !*second; i++) {
		const struct policy *policy = policies->source.files[i]->value;

		if (!policy || !test(policy, subject))
			continue;
		if (found)
			*second = policy;
		else
			found = policy;
	}
	return found;
}

const struct policy *policies_find(const struct policies *policies,
				   const struct policy_subject *subject, const struct policy **also)
{
	const struct policy *second;
	const struct policy *found = find_by(policies, policy_matches, subject, &second);

	if (!found)
		found = find_by(policies, policy_asked, subject, &second);
	if (also)
		*also = second;
	return found;
}
