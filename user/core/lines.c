/* SPDX-License-Identifier: MIT */
/* lines.c - the highest ranks of each line, sorted. */
#include "lines.h"

#include <errno.h>
#include <string.h>

#include "cleanup.h"

static void line_free(struct line *line)
{
	free(line->lic.iss);
	free(line->lic.lid);
	free(line->lic.jti);
}

void lines_free(struct lines *lines)
{
	for (size_t i = 0; i < lines->n; i++)
		line_free(&lines->list[i]);
	free(lines->list);
	*lines = (struct lines){0};
}

static int compare(const struct license *a, const struct license *b)
{
	int order = strcmp(a->lid, b->lid);

	if (!order)
		order = strcmp(a->iss, b->iss);
	return order ? order : -license_compare_rank(a, b);
}

/* Where lic is, or where it belongs. */
static size_t place_of(const struct lines *lines, const struct license *lic)
{
	size_t low = 0, high = lines->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (compare(&lines->list[middle].lic, lic) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct line *find(const struct lines *lines, const struct license *lic)
{
	size_t at = place_of(lines, lic);

	return at < lines->n && !compare(&lines->list[at].lic, lic) ? &lines->list[at] : NULL;
}

static bool in_line(const struct lines *lines, size_t at, const struct license *lic)
{
	return at < lines->n && license_same_line(&lines->list[at].lic, lic);
}

/* The first of the line of lic. */
static size_t first_of(const struct lines *lines, const struct license *lic)
{
	struct license top = *lic;

	top.seq = top.iat = INT64_MAX;
	memset(top.sha256, 0xff, sizeof(top.sha256));
	return place_of(lines, &top);
}

static void drop(struct lines *lines, size_t at)
{
	line_free(&lines->list[at]);
	lines->n--;
	memmove(lines->list + at, lines->list + at + 1, (lines->n - at) * sizeof(*lines->list));
}

/* There is room for as many as the next power of two. */
static int grow(struct lines *lines)
{
	struct line *grown;

	if (lines->n & (lines->n - 1))
		return 0;
	grown = reallocarray(lines->list, lines->n ? 2 * lines->n : 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	lines->list = grown;
	return 0;
}

static int insert(struct lines *lines, const struct license *lic, int64_t used)
{
	struct line line = {.used = used};
	size_t at;

	if (grow(lines))
		return -ENOMEM;
	line.lic.iss = strdup(lic->iss);
	line.lic.lid = strdup(lic->lid);
	line.lic.jti = strdup(lic->jti);
	if (!line.lic.iss || !line.lic.lid || !line.lic.jti) {
		line_free(&line);
		return -ENOMEM;
	}
	line.lic.seq = lic->seq;
	line.lic.iat = lic->iat;
	line.lic.nbf = lic->nbf;
	memcpy(line.lic.sha256, lic->sha256, sizeof(line.lic.sha256));
	at = place_of(lines, lic);
	memmove(lines->list + at + 1, lines->list + at, (lines->n - at) * sizeof(line));
	lines->list[at] = line;
	lines->n++;
	return 0;
}

int lines_add(struct lines *lines, const struct license *lic, int64_t used)
{
	if (lines->n == LINES_MAX || find(lines, lic))
		return -EINVAL;
	return insert(lines, lic, used);
}

const struct line *lines_above(const struct lines *lines, const struct license *lic,
			       const struct revocations *revocations, int64_t now)
{
	for (size_t i = first_of(lines, lic); in_line(lines, i, lic); i++) {
		const struct license *high = &lines->list[i].lic;

		if (license_compare_rank(high, lic) <= 0)
			break;
		/* It hasn't begun: a clock that was ahead has been corrected since. */
		if (lifecycle_replaces(high, revocations, now))
			return &lines->list[i];
	}
	return NULL;
}

void lines_supersede(const struct lines *lines, struct license_view *views, size_t n,
		     const struct revocations *revocations, int64_t now)
{
	for (size_t i = 0; i < n; i++) {
		if (views[i].state == STATE_REVOKED ||
		    !lines_above(lines, views[i].lic, revocations, now))
			continue;
		views[i].state = STATE_SUPERSEDED;
		views[i].warn = false;
	}
}

/* The lowest of a line goes when there are more than enough. */
static void trim_line(struct lines *lines, const struct license *lic)
{
	size_t first = first_of(lines, lic), last = first;

	while (in_line(lines, last, lic))
		last++;
	if (last - first > LINES_PER_LID)
		drop(lines, last - 1);
}

/* The one that was unused for longest goes; false: all are in use. */
static bool make_room(struct lines *lines, int64_t now)
{
	size_t oldest = 0;

	if (lines->n < LINES_MAX)
		return true;
	for (size_t i = 1; i < lines->n; i++)
		if (lines->list[i].used < lines->list[oldest].used)
			oldest = i;
	if (lines->list[oldest].used >= now)
		return false;
	drop(lines, oldest);
	return true;
}

/* A rank below all that a full line has is nothing to remember. */
static bool worth_it(const struct lines *lines, const struct license *lic)
{
	size_t first = first_of(lines, lic), at = place_of(lines, lic);

	return at - first < LINES_PER_LID;
}

bool lines_learn(struct lines *lines, const struct license_view *views, size_t n,
		 const struct revocations *revocations, int64_t now)
{
	bool learnt = false, full = false;

	/* First what is there already, so that it isn't in the way of what is new. */
	for (size_t i = 0; i < n; i++) {
		struct line *line = find(lines, views[i].lic);

		if (line)
			line->used = now;
	}
	for (size_t i = 0; i < n; i++) {
		const struct license *lic = views[i].lic;

		if (full || find(lines, lic) || !lifecycle_replaces(lic, revocations, now) ||
		    !worth_it(lines, lic))
			continue;
		full = !make_room(lines, now);
		if (full || insert(lines, lic, now))
			continue;
		trim_line(lines, lic);
		learnt = true;
	}
	return learnt;
}
