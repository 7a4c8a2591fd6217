/* SPDX-License-Identifier: MIT */
/* outlook.c - compares what a license gives with what others give when it ends. */
#include "outlook.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "cleanup.h"

bool outlook_in_force(const struct license_view *view)
{
	return view->state == STATE_ACTIVE || view->state == STATE_GRACE ||
	       view->state == STATE_STALE;
}

static bool outranks(const struct license *a, const struct license *b)
{
	return license_same_line(a, b) && license_compare_rank(a, b) > 0;
}

static int64_t begins(const struct license *lic)
{
	return lic->nbf - LIFECYCLE_SLACK_S;
}

/* When a license of its line that is there already replaces it. */
static int64_t replaced_at(const struct license_view *views, size_t n, size_t i)
{
	int64_t at = LIFECYCLE_NEVER;
	size_t j;

	for (j = 0; j < n; j++) {
		const struct license_view *other = &views[j];

		/* One that has begun and was ACTIVE has replaced it already. */
		if (j != i && other->deadlines.new_until > begins(other->lic) &&
		    other->state == STATE_PENDING && begins(other->lic) < at &&
		    outranks(other->lic, views[i].lic))
			at = begins(other->lic);
	}
	return at;
}

static void span_of(const struct license_view *views, size_t n, size_t i, struct outlook *out)
{
	const struct license_view *view = &views[i];
	int64_t replaced = replaced_at(views, n, i);

	*out = (struct outlook){.from = begins(view->lic)};
	out->gives = outlook_in_force(view) || view->state == STATE_PENDING;
	out->until = view->deadlines.new_until < replaced ? view->deadlines.new_until : replaced;
}

/* A bit for each port of the three protocols. */
struct coverage {
	uint8_t bits[3][65536 / 8];
};

static uint8_t *bits_of(struct coverage *coverage, uint8_t protocol)
{
	return coverage->bits[protocol == IPPROTO_TCP ? 0 : protocol == IPPROTO_UDP ? 1 : 2];
}

static void cover(struct coverage *coverage, const struct license_port *port)
{
	uint8_t *bits = bits_of(coverage, port->protocol);
	unsigned int first = port->port / 8U, last = port->end_port / 8U;
	uint8_t head = 0xff << port->port % 8, tail = 0xff >> (7 - port->end_port % 8);

	if (first == last) {
		bits[first] |= head & tail;
		return;
	}
	bits[first] |= head;
	memset(bits + first + 1, 0xff, last - first - 1);
	bits[last] |= tail;
}

static bool covered(struct coverage *coverage, const struct license_port *port)
{
	const uint8_t *bits = bits_of(coverage, port->protocol);
	unsigned int at;

	for (at = port->port; at <= port->end_port; at++)
		if (!(bits[at / 8] & 1U << at % 8))
			return false;
	return true;
}

static bool gives_at(const struct outlook *o, int64_t t)
{
	return o->gives && o->from <= t && t < o->until;
}

static bool ports_go_on(const struct license_view *views, const struct outlook *o, size_t n,
			size_t i, struct coverage *coverage)
{
	int64_t t = o[i].until;
	size_t j, k;

	memset(coverage, 0, sizeof(*coverage));
	for (j = 0; j < n; j++) {
		if (j == i || !gives_at(&o[j], t))
			continue;
		for (k = 0; k < views[j].lic->n_ports; k++)
			cover(coverage, &views[j].lic->ports[k]);
	}
	for (k = 0; k < views[i].lic->n_ports; k++)
		if (!covered(coverage, &views[i].lic->ports[k]))
			return false;
	return true;
}

static bool has_feature(const struct license *lic, const char *feature)
{
	size_t i;

	for (i = 0; i < lic->n_features; i++)
		if (!strcmp(lic->features[i], feature))
			return true;
	return false;
}

static bool feature_goes_on(const struct license_view *views, const struct outlook *o, size_t n,
			    size_t i, const char *feature)
{
	int64_t t = o[i].until;
	size_t j;

	for (j = 0; j < n; j++)
		if (j != i && gives_at(&o[j], t) && has_feature(views[j].lic, feature))
			return true;
	return false;
}

static bool features_go_on(const struct license_view *views, const struct outlook *o, size_t n,
			   size_t i)
{
	const struct license *lic = views[i].lic;
	size_t k;

	for (k = 0; k < lic->n_features; k++)
		if (!feature_goes_on(views, o, n, i, lic->features[k]))
			return false;
	return true;
}

static void compare(const struct license_view *views, struct outlook *o, size_t n, size_t i,
		    struct coverage *coverage)
{
	bool features = features_go_on(views, o, n, i),
	     ports = ports_go_on(views, o, n, i, coverage);
	bool reports = views[i].lapse == PLIC_REPORT && o[i].until == views[i].deadlines.new_until;

	o[i].goes_on = features && ports;
	o[i].loses = !features || !(ports || reports);
}

int outlook(const struct license_view *views, size_t n, struct outlook *out)
{
	_free_ struct coverage *coverage = malloc(sizeof(*coverage));
	size_t i;

	if (!coverage)
		return -ENOMEM;
	for (i = 0; i < n; i++)
		span_of(views, n, i, &out[i]);
	for (i = 0; i < n; i++)
		if (out[i].gives && out[i].until != LIFECYCLE_NEVER)
			compare(views, out, n, i, coverage);
	return 0;
}

size_t outlook_next(const struct outlook *o, size_t n)
{
	size_t i, next = n;

	for (i = 0; i < n; i++)
		if (o[i].loses && (next == n || o[i].until < o[next].until))
			next = i;
	return next;
}
