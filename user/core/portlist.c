/* SPDX-License-Identifier: MIT */
/* portlist.c - parses lists of ports. */
#include "portlist.h"

#include <errno.h>
#include <string.h>

#include "cleanup.h"

/* A port at *text, which moves behind it; 0: there is none. */
static uint16_t take_port(const char **text)
{
	const char *c = *text;
	unsigned int port = 0;

	if (*c == '0')
		return 0;
	for (; *c >= '0' && *c <= '9' && port <= 65535; c++)
		port = port * 10 + (unsigned int)(*c - '0');
	*text = c;
	return port <= 65535 ? (uint16_t)port : 0;
}

static bool take_range(const char **text, struct port_range *range)
{
	range->first = range->last = take_port(text);
	if (range->first && **text == '-') {
		(*text)++;
		range->last = take_port(text);
	}
	return range->first && range->last >= range->first;
}

static int compare_ranges(const void *a, const void *b)
{
	return ((const struct port_range *)a)->first - ((const struct port_range *)b)->first;
}

/* Joins sorted ranges that overlap or touch, so that coverage is a look at one range. */
static size_t merge(struct port_range *list, size_t n)
{
	size_t last = 0;

	for (size_t i = 1; i < n; i++) {
		if (list[i].first > list[last].last + 1)
			list[++last] = list[i];
		else if (list[i].last > list[last].last)
			list[last].last = list[i].last;
	}
	return last + 1;
}

int portlist_parse(const char *text, struct port_range **out, size_t *n)
{
	/* A range takes two characters at least, its comma included. */
	_free_ struct port_range *list = calloc(strlen(text) / 2 + 1, sizeof(*list));
	size_t count = 0;

	if (!list)
		return -ENOMEM;
	for (;; text++) {
		if (!take_range(&text, &list[count++]))
			return -EINVAL;
		if (!*text)
			break;
		if (*text != ',')
			return -EINVAL;
	}
	qsort(list, count, sizeof(*list), compare_ranges);
	*n = merge(list, count);
	*out = TAKE_PTR(list);
	return 0;
}

bool portlist_covers(const struct port_range *list, size_t n, uint16_t first, uint16_t last)
{
	for (size_t i = 0; i < n; i++)
		if (list[i].first <= first && list[i].last >= last)
			return true;
	return false;
}

bool portlist_meets(const struct port_range *list, size_t n, uint16_t first, uint16_t last)
{
	for (size_t i = 0; i < n; i++)
		if (list[i].first <= last && list[i].last >= first)
			return true;
	return false;
}
