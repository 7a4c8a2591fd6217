/* SPDX-License-Identifier: MIT */
/* nodereport.c - writes and reads the report of a node. */
#include "nodereport.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "json.h"

bool license_state_holds(enum license_state state)
{
	return state == STATE_ACTIVE || state == STATE_GRACE;
}

void nodereport_hash(const uint8_t *sha256, char hash[NODEREPORT_HASH_LEN])
{
	snprintf(hash, NODEREPORT_HASH_LEN, "%02x%02x%02x%02x", sha256[0], sha256[1], sha256[2],
		 sha256[3]);
}

static struct nodereport_entry *add(struct nodereport *report, const char *file,
				    enum license_state state)
{
	struct nodereport_entry *entry;

	if (array_grow(&report->entries, report->n, &report->room, sizeof(*entry)))
		return NULL;
	entry = &report->entries[report->n];
	*entry = (struct nodereport_entry){.file = strdup(file), .state = state};
	if (!entry->file)
		return NULL;
	report->n++;
	return entry;
}

int nodereport_add(struct nodereport *report, const char *file, enum license_state state,
		   const uint8_t *sha256)
{
	struct nodereport_entry *entry = add(report, file, state);

	if (!entry)
		return -ENOMEM;
	if (sha256)
		nodereport_hash(sha256, entry->hash);
	return 0;
}

char *nodereport_text(const struct nodereport *report)
{
	_json_ cJSON *root = cJSON_CreateObject();
	cJSON *licenses;
	char value[64];
	size_t i;

	cJSON_AddNumberToObject(root, "generation", (double)report->generation);
	licenses = cJSON_AddObjectToObject(root, "licenses");
	for (i = 0; i < report->n; i++) {
		const struct nodereport_entry *entry = &report->entries[i];

		snprintf(value, sizeof(value), "%s%s%s", license_state_word(entry->state),
			 entry->hash[0] ? ":" : "", entry->hash);
		cJSON_AddStringToObject(licenses, entry->file, value);
	}
	return cJSON_PrintUnformatted(root);
}

static int state_of(const char *word, size_t len)
{
	int state;

	for (state = 0; state < STATE_COUNT; state++) {
		const char *is = license_state_word((enum license_state)state);

		if (strlen(is) == len && !strncmp(is, word, len))
			return state;
	}
	return -1;
}

static int read_license(const cJSON *item, struct nodereport *out, struct fault *f)
{
	const char *value = json_string_value(item, 1, 63), *hash;
	struct nodereport_entry *entry;
	int state;

	if (!value)
		return fault_set(f, EBADMSG, "\"licenses\": \"%.64s\" must be a text",
				 item->string);
	hash = value + strcspn(value, ":");
	state = state_of(value, (size_t)(hash - value));
	if (state < 0)
		return 0;
	entry = add(out, item->string, (enum license_state)state);
	if (!entry)
		return -ENOMEM;
	if (*hash)
		snprintf(entry->hash, sizeof(entry->hash), "%s", hash + 1);
	return 0;
}

static int read_members(const cJSON *root, struct nodereport *out, struct fault *f)
{
	const cJSON *licenses = NULL, *item;
	int err = json_int(root, "generation", 0, JSON_INT_MAX, &out->generation, f);

	if (!err)
		err = json_object(root, "licenses", &licenses, f);
	for (item = licenses ? licenses->child : NULL; item && !err; item = item->next)
		err = read_license(item, out, f);
	return err == -EINVAL ? -EBADMSG : err;
}

static int compare(const void *a, const void *b)
{
	const struct nodereport_entry *x = a, *y = b;

	return strcmp(x->file, y->file);
}

int nodereport_read(const char *text, size_t len, struct nodereport *out, struct fault *f)
{
	struct nodereport read = {0};
	_json_ cJSON *root = NULL;
	int err;

	if (len > NODEREPORT_MAX_BYTES)
		return fault_set(f, EBADMSG, "the report: %zu bytes, at most %d", len,
				 NODEREPORT_MAX_BYTES);
	err = json_parse_object("the report", text, len, &root, f);
	if (!err)
		err = read_members(root, &read, f);
	if (err) {
		nodereport_free(&read);
		return err == -ENOMEM ? err : -EBADMSG;
	}
	if (read.n)
		qsort(read.entries, read.n, sizeof(*read.entries), compare);
	*out = read;
	return 0;
}

void nodereport_free(struct nodereport *report)
{
	size_t i;

	for (i = 0; i < report->n; i++)
		free(report->entries[i].file);
	free(report->entries);
	*report = (struct nodereport){0};
}

const struct nodereport_entry *nodereport_find(const struct nodereport *report, const char *file)
{
	const struct nodereport_entry key = {.file = (char *)file};

	if (!report->n)
		return NULL;
	return bsearch(&key, report->entries, report->n, sizeof(key), compare);
}
