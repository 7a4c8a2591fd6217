/* SPDX-License-Identifier: MIT */
/* fuzz_objects.c - what the agent reads of the Kubernetes API: licenses, policies, Leases and reports. */
#include <stdint.h>
#include <string.h>

#include "fuzz.h"
#include "lease.h"
#include "licensestatus.h"
#include "nodereport.h"
#include "policy.h"
#include "portlicense.h"
#include "secret.h"

/* Names become parts of file names and of URLs. */
static void must_be_object(const struct kobject *object)
{
	MUST(object->name[0] && !strpbrk(object->name, "/%:~ ?&") && object->name[0] != '.');
}

static void read_lease(const cJSON *root)
{
	const struct lease_write write = {
		.namespace = "n", .name = "l", .label = "writer", .holder = "h"};
	struct lease lease = {0};
	struct fault f = {""};
	char *text;

	if (lease_read(root, &lease, &f)) {
		must_be_text(f.text);
		return;
	}
	must_be_object(&lease.object);
	text = lease_text(&write, &lease);
	MUST(text);
	free(text);
	lease_free(&lease);
}

/* What somebody else wrote as a status is compared, never believed. */
static void read_status(const cJSON *root)
{
	struct license_status status = {
		.state = STATE_REJECTED, .reason = "bad_json", .detail = "d"};
	struct license_event events[LICENSE_STATUS_EVENTS];
	const cJSON *before = json_get(root, "status");
	cJSON *after = license_status_json(&status, before);

	MUST(license_status_events(before, after, events) <= LICENSE_STATUS_EVENTS);
	license_status_same(before, after);
	cJSON_Delete(after);
}

static void read_policy(const char *text)
{
	struct policy *policy = NULL;
	struct fault f = {""};

	if (policy_parse("portpolicy:fuzz", text, strlen(text), NULL, &policy, &f))
		must_be_text(f.text);
	else
		policy_free(policy);
}

void fuzz_object(const char *text, size_t len)
{
	struct portlicense license = {0};
	struct secret secret = {0};
	struct fault f = {""};
	cJSON *root = NULL;
	char *policy;

	if (json_parse_object("fuzz", text, len, &root, &f))
		return;
	if (secret_read(root, &secret, &f))
		must_be_text(f.text);
	for (size_t i = 0; i < secret.n_entries; i++)
		MUST(!strpbrk(secret.entries[i].key, "/%:~ "));
	secret_free(&secret);
	if (portlicense_read(root, &license, &f))
		must_be_text(f.text);
	else
		MUST(!license.token == !!license.secret);
	if (license.object.name) {
		must_be_object(&license.object);
		policy = portpolicy_text(root, &license.object, &f);
		if (policy)
			read_policy(policy);
		free(policy);
	}
	portlicense_free(&license);
	read_lease(root);
	read_status(root);
	cJSON_Delete(root);
}

/* What was read is what is written, and read again. */
void fuzz_report(const char *text, size_t len)
{
	struct nodereport report = {0}, again = {0};
	struct fault f = {""};
	char *written;

	if (nodereport_read(text, len, &report, &f)) {
		must_be_text(f.text);
		return;
	}
	written = nodereport_text(&report);
	MUST(written && !nodereport_read(written, strlen(written), &again, &f));
	MUST(again.n == report.n && again.generation == report.generation);
	free(written);
	nodereport_free(&report);
	nodereport_free(&again);
}
