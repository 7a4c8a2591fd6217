/* SPDX-License-Identifier: MIT */
/* history.c - the strict JSON text of a history. */
#include "history.h"

#include <errno.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "json.h"

#define NS_PER_S 1000000000LL

static const struct json_limits limits = {.max_depth = 6, .max_members = 1 << 18};

void history_free(struct history *history)
{
	lines_free(&history->lines);
	free(history->announced);
	*history = (struct history){0};
}

/* ---- writing ---- */

/* Doubles print 15 digits only. */
static void put_int(cJSON *object, const char *name, int64_t value)
{
	char number[24];

	snprintf(number, sizeof(number), "%" PRId64, value);
	cJSON_AddRawToObject(object, name, number);
}

static void put_hash(cJSON *object, const uint8_t *sha256)
{
	char text[65];

	sodium_bin2hex(text, sizeof(text), sha256, 32);
	cJSON_AddStringToObject(object, "sha256", text);
}

static bool writable(const struct moment *m)
{
	return m->second >= 0 && m->second <= LICENSE_TIME_MAX && m->boot_ns >= 0;
}

static void put_moment(cJSON *clock, const char *name, const struct moment *m)
{
	cJSON *object;

	if (!writable(m))
		return;
	object = cJSON_AddObjectToObject(clock, name);
	put_int(object, "second", m->second);
	put_int(object, "boot_s", m->boot_ns / NS_PER_S);
	put_int(object, "boot_ns", m->boot_ns % NS_PER_S);
}

static void put_clock(cJSON *root, const struct history *history)
{
	cJSON *clock;

	if (!history->boot[0] || !writable(&history->clock.anchor))
		return;
	clock = cJSON_AddObjectToObject(root, "clock");
	cJSON_AddStringToObject(clock, "boot", history->boot);
	put_moment(clock, "anchor", &history->clock.anchor);
	put_moment(clock, "mark", &history->clock.mark);
	cJSON_AddBoolToObject(clock, "suspect", history->clock.suspect);
}

static void put_reset(cJSON *root, const struct clock_reset *reset)
{
	cJSON *object;

	if (!reset->count)
		return;
	object = cJSON_AddObjectToObject(root, "reset");
	put_int(object, "count", reset->count);
	put_int(object, "before", reset->before < 0 ? 0 : reset->before);
	put_int(object, "after", reset->after < 0 ? 0 : reset->after);
}

static void put_line(cJSON *list, const struct line *line)
{
	cJSON *object = cJSON_CreateObject();

	cJSON_AddStringToObject(object, "iss", line->lic.iss);
	cJSON_AddStringToObject(object, "lid", line->lic.lid);
	cJSON_AddStringToObject(object, "jti", line->lic.jti);
	put_int(object, "seq", line->lic.seq);
	put_int(object, "iat", line->lic.iat);
	put_int(object, "nbf", line->lic.nbf);
	put_hash(object, line->lic.sha256);
	put_int(object, "used", line->used < 0 ? 0 : line->used);
	cJSON_AddItemToArray(list, object);
}

static void put_announced(cJSON *list, const struct announced *said)
{
	cJSON *object = cJSON_CreateObject();

	put_hash(object, said->sha256);
	cJSON_AddStringToObject(object, "state", license_state_word(said->state));
	if (said->reason[0])
		cJSON_AddStringToObject(object, "reason", said->reason);
	if (said->warn)
		cJSON_AddTrueToObject(object, "warn");
	if (said->equivocation)
		cJSON_AddTrueToObject(object, "equivocation");
	if (said->reminder.end > 0 && said->reminder.begin > 0) {
		put_int(object, "end", said->reminder.end);
		put_int(object, "begin", said->reminder.begin);
	}
	cJSON_AddItemToArray(list, object);
}

char *history_print(const struct history *history)
{
	_json_ cJSON *root = cJSON_CreateObject();
	cJSON *lines = cJSON_AddArrayToObject(root, "lines");
	cJSON *announced = cJSON_AddArrayToObject(root, "announced");

	put_clock(root, history);
	put_reset(root, &history->reset);
	for (size_t i = 0; i < history->lines.n; i++)
		put_line(lines, &history->lines.list[i]);
	for (size_t i = 0; i < history->n_announced; i++)
		put_announced(announced, &history->announced[i]);
	return cJSON_PrintUnformatted(root);
}

/* ---- reading ---- */

/* An absent member is as wrong as one of another type. */
static int need_int(const cJSON *object, const char *name, int64_t max, int64_t *out,
		    struct fault *f)
{
	if (!json_get(object, name))
		return fault_set(f, EINVAL, "\"%s\" is missing", name);
	return json_int(object, name, 0, max, out, f);
}

static int need_string(const cJSON *object, const char *name, size_t max, const char **out,
		       struct fault *f)
{
	if (!json_get(object, name))
		return fault_set(f, EINVAL, "\"%s\" is missing", name);
	return json_string(object, name, 1, max, out, f);
}

static int read_hash(const cJSON *object, uint8_t *sha256, struct fault *f)
{
	const char *text = "", *end;
	size_t len;
	int r = need_string(object, "sha256", 64, &text, f);

	if (r)
		return r;
	if (strlen(text) != 64 || sodium_hex2bin(sha256, 32, text, 64, NULL, &len, &end) ||
	    len != 32 || *end)
		return fault_set(f, EINVAL, "\"sha256\" must be 64 hexadecimal digits");
	return 0;
}

static int read_moment(const cJSON *clock, const char *name, struct moment *out, struct fault *f)
{
	const cJSON *object = NULL;
	struct fault why = {0};
	int64_t seconds = 0;
	int r = json_object(clock, name, &object, f);

	if (r || !object)
		return r;
	r = need_int(object, "second", LICENSE_TIME_MAX, &out->second, &why);
	if (!r)
		r = need_int(object, "boot_s", INT64_MAX / NS_PER_S - 1, &seconds, &why);
	if (!r)
		r = need_int(object, "boot_ns", NS_PER_S - 1, &out->boot_ns, &why);
	out->boot_ns += seconds * NS_PER_S;
	return json_within(name, r, &why, f);
}

static int read_clock(const cJSON *root, struct history *out, struct fault *f)
{
	const cJSON *clock = NULL;
	const char *boot = "";
	struct fault why = {0};
	int r = json_object(root, "clock", &clock, f);

	if (r || !clock)
		return r;
	out->clock.anchor.second = out->clock.mark.second = EFFECTIVE_UNKNOWN;
	r = need_string(clock, "boot", HISTORY_BOOT_LEN - 1, &boot, &why);
	if (!r)
		r = read_moment(clock, "anchor", &out->clock.anchor, &why);
	if (!r)
		r = read_moment(clock, "mark", &out->clock.mark, &why);
	if (!r)
		r = json_bool(clock, "suspect", &out->clock.suspect, &why);
	if (!r && out->clock.anchor.second == EFFECTIVE_UNKNOWN)
		r = fault_set(&why, EINVAL, "\"anchor\" is missing");
	strcpy(out->boot, boot);
	return json_within("clock", r, &why, f);
}

static int read_reset(const cJSON *root, struct clock_reset *out, struct fault *f)
{
	const cJSON *object = NULL;
	struct fault why = {0};
	int r = json_object(root, "reset", &object, f);

	if (r || !object)
		return r;
	r = need_int(object, "count", JSON_INT_MAX, &out->count, &why);
	if (!r)
		r = need_int(object, "before", JSON_INT_MAX, &out->before, &why);
	if (!r)
		r = need_int(object, "after", JSON_INT_MAX, &out->after, &why);
	return json_within("reset", r, &why, f);
}

static int read_line(const cJSON *object, struct lines *out, struct fault *f)
{
	const char *iss = NULL, *lid = NULL, *jti = NULL;
	struct license lic = {0};
	int64_t used = 0;
	int r = need_string(object, "iss", LICENSE_MAX_ISS, &iss, f);

	if (!r)
		r = need_string(object, "lid", 128, &lid, f);
	if (!r)
		r = need_string(object, "jti", 128, &jti, f);
	if (!r)
		r = need_int(object, "seq", JSON_INT_MAX, &lic.seq, f);
	if (!r)
		r = need_int(object, "iat", LICENSE_TIME_MAX, &lic.iat, f);
	if (!r)
		r = need_int(object, "nbf", LICENSE_TIME_MAX, &lic.nbf, f);
	if (!r)
		r = read_hash(object, lic.sha256, f);
	if (!r)
		r = need_int(object, "used", JSON_INT_MAX, &used, f);
	if (r)
		return r;
	lic.iss = (char *)iss;
	lic.lid = (char *)lid;
	lic.jti = (char *)jti;
	r = lines_add(out, &lic, used);
	return r == -EINVAL ? fault_set(f, EINVAL, "a license stands twice") : r;
}

static int read_state(const cJSON *object, enum license_state *out, struct fault *f)
{
	static const char *words[STATE_COUNT + 1];
	int word = -1, r;

	for (int i = 0; i < STATE_COUNT; i++)
		words[i] = license_state_word(i);
	r = json_word(object, "state", words, &word, f);
	if (!r && word < 0)
		return fault_set(f, EINVAL, "\"state\" is missing");
	*out = word < 0 ? STATE_REJECTED : (enum license_state)word;
	return r;
}

static int read_announced(const cJSON *object, struct announced *out, struct fault *f)
{
	const char *reason = "";
	int r = read_hash(object, out->sha256, f);

	if (!r)
		r = read_state(object, &out->state, f);
	if (!r)
		r = json_string(object, "reason", 0, sizeof(out->reason) - 1, &reason, f);
	if (!r)
		r = json_bool(object, "warn", &out->warn, f);
	if (!r)
		r = json_bool(object, "equivocation", &out->equivocation, f);
	if (!r)
		r = json_int(object, "end", 0, JSON_INT_MAX, &out->reminder.end, f);
	if (!r)
		r = json_int(object, "begin", 0, JSON_INT_MAX, &out->reminder.begin, f);
	strcpy(out->reason, reason);
	return r;
}

static int read_lists(const cJSON *root, struct history *out, struct fault *f)
{
	const cJSON *lines = NULL, *announced = NULL, *item;
	struct fault why = {0};
	size_t n = 0;
	int r = json_array(root, "lines", 0, LINES_MAX, &lines, f);

	if (!r)
		r = json_array(root, "announced", 0, HISTORY_MAX_ANNOUNCED, &announced, f);
	if (r)
		return r;
	if (!lines || !announced)
		return fault_set(f, EINVAL, "\"lines\" or \"announced\" is missing");
	cJSON_ArrayForEach (item, lines) {
		r = read_line(item, &out->lines, &why);
		if (r)
			return json_within("lines", r, &why, f);
	}
	out->announced = calloc(cJSON_GetArraySize(announced) + 1, sizeof(*out->announced));
	if (!out->announced)
		return -ENOMEM;
	cJSON_ArrayForEach (item, announced) {
		r = read_announced(item, &out->announced[n++], &why);
		if (r)
			return json_within("announced", r, &why, f);
	}
	history_announce(out, TAKE_PTR(out->announced), n);
	return 0;
}

int history_parse(const char *what, const void *buf, size_t len, struct history *out,
		  struct fault *f)
{
	_cleanup_(history_free) struct history history = {0};
	_json_ cJSON *root = NULL;
	struct json_error error = {0};
	struct fault why = {0};
	int r = json_parse(buf, len, &limits, &root, &error);

	if (r == -EBADMSG)
		return fault_set(f, EBADMSG, "%s: not strict JSON: %s", what, error.text);
	if (!r && !cJSON_IsObject(root))
		return fault_set(f, EBADMSG, "%s: not a JSON object", what);
	if (!r)
		r = read_clock(root, &history, &why);
	if (!r)
		r = read_reset(root, &history.reset, &why);
	if (!r)
		r = read_lists(root, &history, &why);
	if (r == -ENOMEM)
		return fault_set(f, ENOMEM, "%s: out of memory", what);
	if (r)
		return fault_set(f, EBADMSG, "%s: %s", what, why.text);
	*out = history;
	history = (struct history){0};
	return 0;
}

/* ---- what was announced ---- */

static int compare_hashes(const void *a, const void *b)
{
	return memcmp(a, b, 32); /* sha256 comes first */
}

const struct announced *history_announced(const struct history *history, const uint8_t *sha256)
{
	if (!history->n_announced)
		return NULL;
	return bsearch(sha256, history->announced, history->n_announced,
		       sizeof(*history->announced), compare_hashes);
}

void history_announce(struct history *history, struct announced *list, size_t n)
{
	size_t kept = 0;

	if (n)
		qsort(list, n, sizeof(*list), compare_hashes);
	for (size_t i = 0; i < n; i++)
		if (!kept || compare_hashes(&list[i], &list[kept - 1]))
			list[kept++] = list[i];
	free(history->announced);
	history->announced = list;
	history->n_announced = kept;
}
