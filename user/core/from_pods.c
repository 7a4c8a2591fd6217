/* SPDX-License-Identifier: MIT */
/* from_pods.c - pods of the cluster whom a "from" admits. */
#include "from_pods.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"

static int read_selector(const cJSON *object, const char *name, struct selector *out,
			 struct fault *f)
{
	const cJSON *item = json_get(object, name);
	struct fault why = {0};

	return item ? json_within(name, selector_parse(item, out, &why), &why, f) : 0;
}

static int read_namespaces(const cJSON *object, struct selector **out, struct fault *f)
{
	_free_ struct selector *selector = NULL;
	int err;

	if (!json_get(object, "namespaceSelector"))
		return 0;
	selector = calloc(1, sizeof(*selector));
	if (!selector)
		return fault_set(f, ENOMEM, "out of memory");
	err = read_selector(object, "namespaceSelector", selector, f);
	if (!err)
		*out = TAKE_PTR(selector);
	return err;
}

int from_pods_read(const cJSON *object, struct from_pods *out, struct fault *f)
{
	struct from_pods pods = {0};
	int err = read_selector(object, "podSelector", &pods.pods, f);

	if (!err)
		err = read_namespaces(object, &pods.namespaces, f);
	if (err)
		selector_free(&pods.pods);
	else
		*out = pods;
	return err;
}

void from_pods_free(struct from_pods *pods, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		selector_free(&pods[i].pods);
		if (pods[i].namespaces)
			selector_free(pods[i].namespaces);
		free(pods[i].namespaces);
	}
	free(pods);
}

/* No text of a selector has a '|' or a '='. */
static char *text_of(const struct from_pods *pods)
{
	_free_ char *of = selector_text(&pods->pods), *in = NULL;
	char *text;

	if (pods->namespaces)
		in = selector_text(pods->namespaces);
	if (!of || (pods->namespaces && !in) ||
	    asprintf(&text, "%s|%s%s", of, in ? "=" : "", in ? in : "") < 0)
		return NULL;
	return text;
}

static int compare_texts(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int from_pods_digest(const struct from_pods *pods, size_t n, crypto_hash_sha256_state *state)
{
	char **texts = calloc(n + 1, sizeof(*texts));
	size_t done = 0;

	if (!texts)
		return -ENOMEM;
	while (done < n && (texts[done] = text_of(&pods[done])))
		done++;
	if (done == n && n)
		qsort(texts, n, sizeof(*texts), compare_texts);
	for (size_t i = 0; done == n && i < n; i++)
		if (!i || strcmp(texts[i - 1], texts[i]))
			crypto_hash_sha256_update(state, (unsigned char *)texts[i],
						  strlen(texts[i]) + 1);
	json_free_strings(texts, done);
	return done == n ? 0 : -ENOMEM;
}
