/* SPDX-License-Identifier: MIT */
/* selector.c - LabelSelector: read as the API server would, matched, written for a request. */
#include "selector.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"

#define MAX_TERMS 64
#define MAX_VALUES 256 /* of a term */
#define MAX_KEY 317    /* prefix, slash, name */

/* A word of the API server, in enum selector_op's order. */
static const char *const op_words[] = {"In", "NotIn", "Exists", "DoesNotExist", NULL};

static int check_key(const char *key, struct fault *f)
{
	if (label_key_ok(key))
		return 0;
	return fault_set(f, EINVAL,
			 "\"%.64s\" is no key of a label; write one like \"app\" or "
			 "\"app.kubernetes.io/name\"",
			 key);
}

static int check_value(const cJSON *item, struct fault *f)
{
	if (cJSON_IsString(item) && label_value_ok(item->valuestring))
		return 0;
	return fault_set(f, EINVAL,
			 "\"%.64s\" is no value of a label; write at most 63 letters, digits, "
			 "\"-\", \"_\" and \".\", the first and the last a letter or a digit",
			 cJSON_IsString(item) ? item->valuestring : "?");
}

static void term_free(struct selector_term *term)
{
	free(term->key);
	json_free_strings(term->values, term->n_values);
	*term = (struct selector_term){0};
}

static int compare_values(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Sorted, each once. */
static void order_values(struct selector_term *term)
{
	size_t n = 0;

	if (!term->n_values)
		return;
	qsort(term->values, term->n_values, sizeof(*term->values), compare_values);
	for (size_t i = 0; i < term->n_values; i++)
		if (n && !strcmp(term->values[n - 1], term->values[i]))
			free(term->values[i]);
		else
			term->values[n++] = term->values[i];
	term->n_values = n;
}

static int compare_terms(const void *a, const void *b)
{
	const struct selector_term *x = a, *y = b;
	int r = strcmp(x->key, y->key);

	r = r ?: (int)x->op - (int)y->op;
	for (size_t i = 0; !r && i < x->n_values && i < y->n_values; i++)
		r = strcmp(x->values[i], y->values[i]);
	return r ?: (x->n_values > y->n_values) - (x->n_values < y->n_values);
}

/* Sorted, each once, so that equal selectors are the same. */
static void order_terms(struct selector *selector)
{
	size_t n = 0;

	if (!selector->n_terms)
		return;
	qsort(selector->terms, selector->n_terms, sizeof(*selector->terms), compare_terms);
	for (size_t i = 0; i < selector->n_terms; i++)
		if (n && !compare_terms(&selector->terms[n - 1], &selector->terms[i]))
			term_free(&selector->terms[i]);
		else
			selector->terms[n++] = selector->terms[i];
	selector->n_terms = n;
}

static int no_memory(struct fault *f)
{
	return fault_set(f, ENOMEM, "out of memory");
}

/* Room for n values. */
static int term_begin(struct selector_term *term, const char *key, enum selector_op op, size_t n)
{
	*term = (struct selector_term){.key = strdup(key), .op = op};
	if (n)
		term->values = calloc(n, sizeof(*term->values));
	return term->key && (!n || term->values) ? 0 : -ENOMEM;
}

static int term_value(struct selector_term *term, const char *value)
{
	term->values[term->n_values] = strdup(value);
	return term->values[term->n_values++] ? 0 : -ENOMEM;
}

/* Absent and null alike, as the API server has it. */
static const cJSON *member(const cJSON *object, const char *name)
{
	const cJSON *item = json_get(object, name);

	return cJSON_IsNull(item) ? NULL : item;
}

static int read_label(const cJSON *item, struct selector_term *term, struct fault *f)
{
	struct fault why = {0};
	int err = check_key(item->string, f);

	if (err)
		return err;
	err = check_value(item, &why);
	if (err)
		return json_within(item->string, err, &why, f);
	if (term_begin(term, item->string, SELECTOR_IN, 1) || term_value(term, item->valuestring))
		return no_memory(f);
	return 0;
}

static int read_values(const cJSON *array, struct selector_term *term, struct fault *f)
{
	const cJSON *item;

	cJSON_ArrayForEach (item, array) {
		struct fault why = {0};
		int err = check_value(item, &why);

		if (err)
			return json_within("values", err, &why, f);
		if (term_value(term, item->valuestring))
			return no_memory(f);
	}
	order_values(term);
	return 0;
}

static int check_values(const cJSON *values, int op, struct fault *f)
{
	bool wanted = op == SELECTOR_IN || op == SELECTOR_NOT_IN;
	int n = cJSON_GetArraySize(values);

	if (values && !cJSON_IsArray(values))
		return fault_set(f, EINVAL, "\"values\" must be an array of strings");
	if (wanted && (n < 1 || n > MAX_VALUES))
		return fault_set(f, EINVAL, "\"%s\" needs \"values\", from 1 to %d of them",
				 op_words[op], MAX_VALUES);
	if (!wanted && n)
		return fault_set(f, EINVAL, "\"%s\" has no \"values\"; remove them", op_words[op]);
	return 0;
}

static int read_expression(const cJSON *item, struct selector_term *term, struct fault *f)
{
	static const char *const known[] = {"key", "operator", "values", NULL};
	const cJSON *values = member(item, "values");
	const char *key = NULL;
	int op = -1, err;

	if (!cJSON_IsObject(item))
		return fault_set(f, EINVAL, "must be an object");
	err = json_keys(item, known, f);
	if (!err)
		err = json_string(item, "key", 1, MAX_KEY, &key, f);
	if (!err && !key)
		err = fault_set(f, EINVAL, "\"key\" is missing; name a label");
	if (!err)
		err = check_key(key, f);
	if (!err)
		err = json_word(item, "operator", op_words, &op, f);
	if (!err && op < 0)
		err = fault_set(f, EINVAL, "\"operator\" is missing; write \"In\", for example");
	if (!err)
		err = check_values(values, op, f);
	if (err)
		return err;
	if (term_begin(term, key, (enum selector_op)op, (size_t)cJSON_GetArraySize(values)))
		return no_memory(f);
	return read_values(values, term, f);
}

typedef int read_term(const cJSON *item, struct selector_term *term, struct fault *f);

/* Each member or element becomes a term; what is wrong with one begins with the name of them all. */
static int read_terms(const char *name, const cJSON *items, read_term *read, struct selector *out,
		      struct fault *f)
{
	const cJSON *item;
	size_t i = 0;

	cJSON_ArrayForEach (item, items) {
		struct fault why = {0};
		int err = read(item, &out->terms[out->n_terms], &why);

		out->n_terms++; /* selector_free takes a half one, too */
		if (err && read == read_label)
			return json_within(name, err, &why, f);
		if (err)
			return fault_set(f, -err, "\"%s\"[%zu]: %s", name, i, why.text);
		i++;
	}
	return 0;
}

static int read_all(const cJSON *object, struct selector *out, struct fault *f)
{
	const cJSON *labels = member(object, "matchLabels");
	const cJSON *expressions = member(object, "matchExpressions");
	int n, err;

	if (labels && !cJSON_IsObject(labels))
		return fault_set(f, EINVAL, "\"matchLabels\" must be an object of strings");
	if (expressions && !cJSON_IsArray(expressions))
		return fault_set(f, EINVAL, "\"matchExpressions\" must be an array of objects");
	n = cJSON_GetArraySize(labels) + cJSON_GetArraySize(expressions);
	if (n > MAX_TERMS)
		return fault_set(f, EINVAL, "%d terms, at most %d; leave some out", n, MAX_TERMS);
	if (!n)
		return 0;
	out->terms = calloc((size_t)n, sizeof(*out->terms));
	if (!out->terms)
		return no_memory(f);
	err = read_terms("matchLabels", labels, read_label, out, f);
	if (!err)
		err = read_terms("matchExpressions", expressions, read_expression, out, f);
	if (!err)
		order_terms(out);
	return err;
}

int selector_parse(const cJSON *object, struct selector *out, struct fault *f)
{
	static const char *const known[] = {"matchLabels", "matchExpressions", NULL};
	_cleanup_(selector_free) struct selector selector = {0};
	int err;

	if (!cJSON_IsObject(object))
		return fault_set(f, EINVAL,
				 "must be an object, for example "
				 "{\"matchLabels\": {\"app\": \"shop\"}}");
	err = json_keys(object, known, f);
	if (!err)
		err = read_all(object, &selector, f);
	if (err)
		return err;
	*out = selector;
	selector = (struct selector){0};
	return 0;
}

static bool term_matches(const struct selector_term *term, const struct labels *labels)
{
	const char *value = labels_get(labels, term->key);
	bool listed = value && term->n_values &&
		      bsearch(&value, term->values, term->n_values, sizeof(*term->values),
			      compare_values);

	switch (term->op) {
	case SELECTOR_IN:
		return listed;
	case SELECTOR_NOT_IN:
		return !listed;
	case SELECTOR_EXISTS:
		return value;
	case SELECTOR_NOT_EXISTS:
		return !value;
	}
	return false;
}

bool selector_matches(const struct selector *selector, const struct labels *labels)
{
	for (size_t i = 0; i < selector->n_terms; i++)
		if (!term_matches(&selector->terms[i], labels))
			return false;
	return true;
}

static int copy_term(const struct selector_term *from, struct selector_term *to)
{
	int err = term_begin(to, from->key, from->op, from->n_values);

	for (size_t i = 0; !err && i < from->n_values; i++)
		err = term_value(to, from->values[i]);
	return err;
}

int selector_copy(const struct selector *from, struct selector *out)
{
	_cleanup_(selector_free) struct selector selector = {0};
	int err = 0;

	if (from->n_terms) {
		selector.terms = calloc(from->n_terms, sizeof(*selector.terms));
		if (!selector.terms)
			return -ENOMEM;
	}
	for (size_t i = 0; !err && i < from->n_terms; i++)
		err = copy_term(&from->terms[i], &selector.terms[selector.n_terms++]);
	if (err)
		return err;
	*out = selector;
	selector = (struct selector){0};
	return 0;
}

static size_t term_size(const struct selector_term *term)
{
	size_t size = strlen(",! notin ()") + strlen(term->key);

	for (size_t i = 0; i < term->n_values; i++)
		size += strlen(term->values[i]) + strlen(",");
	return size;
}

/* Returns its end. */
static char *write_term(char *to, const struct selector_term *term)
{
	if (term->op == SELECTOR_NOT_EXISTS)
		to = stpcpy(to, "!");
	to = stpcpy(to, term->key);
	if (term->op != SELECTOR_IN && term->op != SELECTOR_NOT_IN)
		return to;
	to = stpcpy(to, term->op == SELECTOR_IN ? " in (" : " notin (");
	for (size_t i = 0; i < term->n_values; i++)
		to = stpcpy(stpcpy(to, i ? "," : ""), term->values[i]);
	return stpcpy(to, ")");
}

char *selector_text(const struct selector *selector)
{
	size_t size = 1;
	char *text, *end;

	for (size_t i = 0; i < selector->n_terms; i++)
		size += term_size(&selector->terms[i]);
	text = end = calloc(1, size);
	for (size_t i = 0; text && i < selector->n_terms; i++)
		end = write_term(stpcpy(end, i ? "," : ""), &selector->terms[i]);
	return text;
}

void selector_free(struct selector *selector)
{
	for (size_t i = 0; i < selector->n_terms; i++)
		term_free(&selector->terms[i]);
	free(selector->terms);
	*selector = (struct selector){0};
}
