/* SPDX-License-Identifier: MIT */
/* lease.c - reads and writes Leases. */
#include "lease.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define US_PER_S 1000000LL

const char *lease_time(int64_t us, char text[LEASE_TIME_LEN])
{
	time_t seconds = us / US_PER_S;
	struct tm tm;
	size_t n;

	if (us < 0 || !gmtime_r(&seconds, &tm) ||
	    !(n = strftime(text, LEASE_TIME_LEN, "%Y-%m-%dT%H:%M:%S", &tm)) || n > 20) {
		snprintf(text, LEASE_TIME_LEN, "1970-01-01T00:00:00.000000Z");
		return text;
	}
	snprintf(text + n, LEASE_TIME_LEN - n, ".%06dZ", (int)(us % US_PER_S));
	return text;
}

/* null is as good as absent: so Go's omitempty reads it. */
static int read_text(const cJSON *object, const char *name, size_t max, char **out, struct fault *f)
{
	const char *text = NULL;
	int err;

	if (cJSON_IsNull(json_get(object, name)))
		return 0;
	err = json_string(object, name, 0, max, &text, f);
	if (err || !text)
		return err;
	*out = strdup(text);
	return *out ? 0 : -ENOMEM;
}

static int read_number(const cJSON *object, const char *name, int64_t *out, struct fault *f)
{
	return cJSON_IsNull(json_get(object, name)) ? 0
						    : json_int(object, name, 0, INT32_MAX, out, f);
}

static int read_spec(const cJSON *spec, struct lease *out, struct fault *f)
{
	int err = read_text(spec, "holderIdentity", 1024, &out->holder, f);

	if (!err)
		err = read_number(spec, "leaseDurationSeconds", &out->duration_s, f);
	if (!err)
		err = read_text(spec, "acquireTime", 64, &out->acquired, f);
	if (!err)
		err = read_text(spec, "renewTime", 64, &out->renewed, f);
	if (!err)
		err = read_number(spec, "leaseTransitions", &out->transitions, f);
	if (!err && !out->holder && !(out->holder = strdup("")))
		err = -ENOMEM;
	return err;
}

/* An annotation may be any text; what it is is for nodereport.c and seatpool.c to say. */
static int copy_text(const cJSON *item, char **out)
{
	if (!cJSON_IsString(item))
		return 0;
	*out = strdup(item->valuestring);
	return *out ? 0 : -ENOMEM;
}

static int read_annotations(const cJSON *object, struct lease *out)
{
	const cJSON *all = json_get(json_get(object, "metadata"), "annotations");
	const cJSON *nodes = json_get(all, LEASE_NODES);
	int err = copy_text(json_get(all, LEASE_REPORT), &out->report);

	if (cJSON_IsString(nodes) && nodes->valuestring[0] && strlen(nodes->valuestring) <= 6 &&
	    strspn(nodes->valuestring, "0123456789") == strlen(nodes->valuestring))
		out->nodes = atoi(nodes->valuestring);
	return err ? err : copy_text(json_get(all, LEASE_SEATS), &out->seats);
}

int lease_read(const cJSON *object, struct lease *out, struct fault *f)
{
	struct lease read = {0};
	struct fault why = {0};
	int err = kobject_read(object, &read.object, f);

	if (!err)
		err = json_within("spec", read_spec(json_get(object, "spec"), &read, &why), &why,
				  f);
	if (!err)
		err = read_annotations(object, &read);
	if (err) {
		lease_free(&read);
		return err;
	}
	*out = read;
	return 0;
}

void lease_free(struct lease *lease)
{
	kobject_free(&lease->object);
	free(lease->holder);
	free(lease->acquired);
	free(lease->renewed);
	free(lease->report);
	free(lease->seats);
	*lease = (struct lease){0};
}

static void put_metadata(cJSON *root, const struct lease_write *write, const struct lease *before)
{
	cJSON *meta = cJSON_AddObjectToObject(root, "metadata"), *member;
	char nodes[16];

	cJSON_AddStringToObject(meta, "name", write->name);
	cJSON_AddStringToObject(meta, "namespace", write->namespace);
	if (before)
		cJSON_AddStringToObject(meta, "resourceVersion", before->object.version);
	member = cJSON_AddObjectToObject(meta, "labels");
	cJSON_AddStringToObject(member, LEASE_LABEL, write->label);
	member = cJSON_AddObjectToObject(meta, "annotations");
	if (write->report)
		cJSON_AddStringToObject(member, LEASE_REPORT, write->report);
	if (write->seats)
		cJSON_AddStringToObject(member, LEASE_SEATS, write->seats);
	if (!write->nodes)
		return;
	snprintf(nodes, sizeof(nodes), "%d", (int)write->nodes);
	cJSON_AddStringToObject(member, LEASE_NODES, nodes);
}

char *lease_text(const struct lease_write *write, const struct lease *before)
{
	_json_ cJSON *root = cJSON_CreateObject();
	bool same = before && !strcmp(before->holder, write->holder);
	char now[LEASE_TIME_LEN];
	cJSON *spec;

	cJSON_AddStringToObject(root, "apiVersion", "coordination.k8s.io/v1");
	cJSON_AddStringToObject(root, "kind", "Lease");
	put_metadata(root, write, before);
	lease_time(write->now_us, now);
	spec = cJSON_AddObjectToObject(root, "spec");
	cJSON_AddStringToObject(spec, "holderIdentity", write->holder);
	cJSON_AddNumberToObject(spec, "leaseDurationSeconds", (double)write->duration_s);
	cJSON_AddStringToObject(spec, "acquireTime",
				same && before->acquired && before->acquired[0] ? before->acquired
										: now);
	cJSON_AddStringToObject(spec, "renewTime", now);
	cJSON_AddNumberToObject(spec, "leaseTransitions",
				before ? (double)(before->transitions + !same) : 0);
	return cJSON_PrintUnformatted(root);
}
