/* SPDX-License-Identifier: MIT */
/* rejection.c - reasons and their words. */
#include "rejection.h"

#include <errno.h>

const char *license_reason_word(enum license_reason reason)
{
	static const char *const words[] = {[LICENSE_OK] = "",
#define LICENSE_REASON_WORD(name, word) [LICENSE_##name] = (word),
					    LICENSE_REASONS(LICENSE_REASON_WORD)
#undef LICENSE_REASON_WORD
	};

	return (size_t)reason < ARRAY_SIZE(words) ? words[reason] : "";
}

int reject(struct rejection *why, enum license_reason reason, const char *fmt, ...)
{
	va_list ap;

	why->reason = reason;
	va_start(ap, fmt);
	fault_format(why->detail, sizeof(why->detail), fmt, ap);
	va_end(ap);
	return -EBADMSG;
}

int reject_fault(struct rejection *why, enum license_reason reason, int r, const struct fault *f)
{
	if (!r || r == -ENOMEM)
		return r;
	return reject(why, reason, "%s", f->text);
}

int parse_or_reject(const char *what, const void *buf, size_t len, const struct json_limits *limits,
		    enum license_reason not_object, cJSON **out, struct rejection *why)
{
	static const enum license_reason reasons[] = {
		[JSON_BAD] = LICENSE_BAD_JSON,
		[JSON_DUPLICATE] = LICENSE_DUPLICATE_NAME,
		[JSON_TOO_DEEP] = LICENSE_TOO_DEEP,
	};
	struct json_error err;
	_json_ cJSON *tree = NULL;
	int r = json_parse(buf, len, limits, &tree, &err);

	if (r == -ENOMEM)
		return r;
	if (r)
		return reject(why, reasons[err.kind], "%s: %s; the issuer must write strict JSON",
			      what, err.text);
	if (!cJSON_IsObject(tree))
		return reject(why, not_object, "%s: must be a JSON object", what);
	*out = TAKE_PTR(tree);
	return 0;
}
