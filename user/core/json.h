/* SPDX-License-Identifier: MIT */
/*
 * json.h - strict JSON: a check of the bytes first, then a cJSON tree, then typed access to members.
 *
 * Accepted is RFC 8259 in valid UTF-8 with one reading only: no duplicate name (after unescaping, at
 * any level), no NUL (raw or escaped), no lone surrogate, nothing behind the value. Read the tree
 * with the functions below or with cJSON's type tests; names are case-sensitive.
 */
#ifndef PORTLIC_JSON_H
#define PORTLIC_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "cleanup.h"
#include "fault.h"

#define JSON_PATH_MAX 4095		/* bytes */
#define JSON_INT_MAX 9007199254740991LL /* 2^53 - 1: what every JSON library reads exactly */

struct json_limits {
	size_t max_depth;   /* nested arrays and objects, the outermost is 1; at most 64 */
	size_t max_members; /* members of all objects and elements of all arrays together */
};

extern const struct json_limits json_default_limits; /* depth 8, 16,384 members */

enum json_error_kind { JSON_BAD = 1, JSON_DUPLICATE, JSON_TOO_DEEP };

struct json_error {
	enum json_error_kind kind;
	size_t offset; /* bytes from the start; 0 with JSON_DUPLICATE */
	char text[160];
};

/*
 * Parses the whole buffer (it needs no NUL at its end). limits NULL: json_default_limits.
 * Returns 0 and a new *out (cJSON_Delete), -EBADMSG and *err, or -ENOMEM.
 */
int json_parse(const char *buf, size_t len, const struct json_limits *limits, cJSON **out,
	       struct json_error *err);

/* As json_parse, for text that must be an object; the fault begins with `what` (a file, quoted). */
int json_parse_object(const char *what, const char *buf, size_t len, cJSON **out, struct fault *f);
int json_parse_object_in(const char *what, const char *buf, size_t len,
			 const struct json_limits *limits, cJSON **out, struct fault *f);

static inline void cleanup_cjson(cJSON **tree)
{
	cJSON_Delete(*tree);
}
#define _json_ _cleanup_(cleanup_cjson)

/* The member, or NULL; also NULL when object is no object. */
cJSON *json_get(const cJSON *object, const char *name);

/*
 * Typed reads of one member. An absent member is fine: they return 0 and leave *out alone, so set
 * the default first. A member of the wrong type (null is a wrong type) or out of range is -EINVAL
 * with a fault like: "port" must be an integer from 1 to 65535
 */

/* Bytes of UTF-8 without control characters; *out points into the tree. */
int json_string(const cJSON *object, const char *name, size_t min_len, size_t max_len,
		const char **out, struct fault *f);
/* An absolute path, copied: *out is the caller's to free. */
int json_path(const cJSON *object, const char *name, char **out, struct fault *f);
/* JSON integer syntax: no sign, fraction, exponent. 0 <= min <= max <= JSON_INT_MAX. */
int json_int(const cJSON *object, const char *name, int64_t min, int64_t max, int64_t *out,
	     struct fault *f);
int json_bool(const cJSON *object, const char *name, bool *out, struct fault *f);
/* One word of a list that ends with NULL; *out is its index. */
int json_word(const cJSON *object, const char *name, const char *const *words, int *out,
	      struct fault *f);
int json_object(const cJSON *object, const char *name, const cJSON **out, struct fault *f);
int json_array(const cJSON *object, const char *name, size_t min, size_t max, const cJSON **out,
	       struct fault *f);
/* An array of strings, copied; *out is an array of n strings to free with json_free_strings. */
int json_strings(const cJSON *object, const char *name, size_t min, size_t max, size_t min_len,
		 size_t max_len, char ***out, size_t *n, struct fault *f);
void json_free_strings(char **strings, size_t n);

/* Passes r on; when it is an error, *f says: "name": what inner says. For members of a member. */
int json_within(const char *name, int r, const struct fault *inner, struct fault *f);

/* One value without a name. json_string_value: NULL if it is no string, or a wrong one. */
const char *json_string_value(const cJSON *item, size_t min_len, size_t max_len);
/* -1: not in integer syntax; INT64_MAX: larger than JSON_INT_MAX. */
int64_t json_int_value(const cJSON *item);

/* First member whose name isn't in known (ends with NULL); NULL: none. */
const char *json_unknown(const cJSON *object, const char *const *known);
/* -EINVAL when there is one, with a fault that names it and all of keys. For configurations. */
int json_keys(const cJSON *object, const char *const *keys, struct fault *f);

/* An optional list of a configuration: absent, null and false leave *out alone. */
int json_list(const cJSON *object, const char *name, size_t max, const cJSON **out,
	      struct fault *f);
/* Hands each element of the array, an object, to take; ends at an error, which says: "name"[i]: why. */
typedef int json_take(const cJSON *item, void *arg, struct fault *f);
int json_objects(const char *name, const cJSON *array, json_take *take, void *arg, struct fault *f);

#endif
