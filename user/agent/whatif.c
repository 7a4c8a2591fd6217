/* SPDX-License-Identifier: MIT */
/* whatif.c - lets changes and time pass over copies of what is in force. */
#include "whatif.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent.h"
#include "cleanup.h"
#include "outside.h"

/* Before that, what was withdrawn has drained and nobody sees it any more. */
#define HINDSIGHT_S (LICENSE_DRAIN_S + 3600)

/* ---- as it is ---- */

/* When the hold of a vanished file ends, in effective time. */
static int64_t hold_end(const struct whatif *w, const struct source *source,
			const struct source_file *file)
{
	if (!file->gone_ns || file->forever || source->trouble.text[0])
		return LIFECYCLE_NEVER;
	return clock_at(&w->agent->clock, file->gone_ns + SOURCE_HOLD_S * 1000000000ULL) + 1;
}

/* The end of its right by files: its own, and the one that has its vendor's key. */
static int64_t license_end(const struct whatif *w, const struct source_file *file,
			   const struct license *lic)
{
	const struct vendors *vendors = &w->agent->vendors;
	const struct trust_key *key = trust_find(vendors->trust, lic->kid);
	const struct source_file *store =
		key ? source_find(&vendors->source, key->vendor->file) : NULL;
	int64_t own = hold_end(w, &w->agent->licenses.source, file);
	int64_t trust = store ? hold_end(w, &vendors->source, store) : LIFECYCLE_NEVER;

	return own < trust ? own : trust;
}

static struct whatif_license *add_license(struct whatif *w)
{
	struct whatif_license *grown = reallocarray(w->licenses, w->n_licenses + 1, sizeof(*grown));

	if (!grown)
		return NULL;
	w->licenses = grown;
	grown[w->n_licenses] = (struct whatif_license){.file = ""};
	return &grown[w->n_licenses++];
}

/* A token of the near future takes the place of what its file had, once its iat isn't ahead. */
static int foresee(struct whatif *w, const struct source_file *file, int64_t *from)
{
	const struct license_entry *entry = file->value;
	struct license_check check =
		licenses_check(&w->agent->licenses, w->agent->vendors.trust, LICENSE_TIME_MAX);
	struct whatif_license *license;
	struct license *lic = NULL;
	struct rejection why;

	if (entry->reason != LICENSE_IAT_FUTURE || !file->bytes ||
	    license_read(&check, file->bytes, file->len, &lic, &why))
		return 0;
	license = add_license(w);
	if (!license) {
		license_free(lic);
		return -ENOMEM;
	}
	*from = lic->iat - LIFECYCLE_SLACK_S;
	*license = (struct whatif_license){lic, lic, file->name, *from, license_end(w, file, lic)};
	return 0;
}

static int take_license(struct whatif *w, const struct source_file *file)
{
	const struct license_entry *entry = file->value;
	int64_t replaced = LIFECYCLE_NEVER, until;
	struct whatif_license *license;

	if (!entry)
		return 0;
	if (foresee(w, file, &replaced))
		return -ENOMEM;
	if (!entry->lic)
		return 0;
	license = add_license(w);
	if (!license)
		return -ENOMEM;
	until = license_end(w, file, entry->lic);
	*license = (struct whatif_license){entry->lic, NULL, file->name, INT64_MIN,
					   until < replaced ? until : replaced};
	return 0;
}

static int take_policies(struct whatif *w)
{
	const struct source *source = &w->agent->policies.source;
	size_t i;

	w->policies = calloc(source->n_files + 1, sizeof(*w->policies));
	if (!w->policies)
		return -ENOMEM;
	for (i = 0; i < source->n_files; i++) {
		const struct source_file *file = source->files[i];
		struct whatif_policy *policy = &w->policies[w->n_policies];

		policy->file = strdup(file->name);
		policy->policy = file->value;
		policy->until = hold_end(w, source, file);
		if (!policy->file)
			return -ENOMEM;
		w->n_policies++;
	}
	return 0;
}

/* The licenses that grants name by number. */
static int name_views(const struct license_view *views, size_t n, struct port_license **out,
		      size_t *n_out)
{
	struct port_license *names = calloc(n + 1, sizeof(*names));
	size_t i;

	if (!names)
		return -ENOMEM;
	for (i = 0; i < n; i++)
		names[i] = (struct port_license){views[i].lic->lid, views[i].state};
	*out = names;
	*n_out = n;
	return 0;
}

int whatif_init(struct whatif *w, const struct agent *agent)
{
	const struct licenses *licenses = &agent->licenses;
	const struct source *source = &licenses->source;
	int err;
	size_t i;

	*w = (struct whatif){.agent = agent, .now = clock_base(&agent->clock)};
	w->at = w->now.wall_s;
	err = name_views(licenses->views, licenses->n_views, &w->present, &w->n_present);
	if (!err)
		err = take_policies(w);
	for (i = 0; !err && i < source->n_files; i++)
		err = take_license(w, source->files[i]);
	return err;
}

static void free_steps(struct whatif *w)
{
	size_t i;

	for (i = 0; i < w->n_steps; i++)
		free(w->steps[i].views);
	free(w->steps);
	free(w->names);
	w->steps = NULL;
	w->names = NULL;
	w->n_steps = w->n_names = 0;
}

void whatif_free(struct whatif *w)
{
	size_t i;

	free_steps(w);
	for (i = 0; i < w->n_licenses; i++)
		license_free(w->licenses[i].own);
	for (i = 0; i < w->n_policies; i++)
		free(w->policies[i].file);
	free(w->licenses);
	free(w->policies);
	free(w->present);
	*w = (struct whatif){0};
}

/* ---- what is changed ---- */

int whatif_policy(struct whatif *w, const char *file, const struct policy *policy)
{
	struct whatif_policy *grown;
	size_t at = 0;
	char *name;

	w->altered = true;
	while (at < w->n_policies &&
	       source_order(&w->agent->policies.source, w->policies[at].file, file) < 0)
		at++;
	if (at < w->n_policies && !strcmp(w->policies[at].file, file)) {
		w->policies[at].policy = policy;
		w->policies[at].until = LIFECYCLE_NEVER;
		return 0;
	}
	grown = reallocarray(w->policies, w->n_policies + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	w->policies = grown;
	name = strdup(file);
	if (!name)
		return -ENOMEM;
	memmove(&grown[at + 1], &grown[at], (w->n_policies - at) * sizeof(*grown));
	grown[at] = (struct whatif_policy){name, policy, LIFECYCLE_NEVER};
	w->n_policies++;
	return 0;
}

static void drop_license(struct whatif *w, size_t i)
{
	license_free(w->licenses[i].own);
	w->n_licenses--;
	memmove(&w->licenses[i], &w->licenses[i + 1], (w->n_licenses - i) * sizeof(*w->licenses));
}

bool whatif_without(struct whatif *w, const char *name_or_lid)
{
	size_t before = w->n_licenses, i;

	for (i = 0; i < w->n_licenses;) {
		const struct whatif_license *license = &w->licenses[i];

		if (!strcmp(license->file, name_or_lid) || !strcmp(license->lic->lid, name_or_lid))
			drop_license(w, i);
		else
			i++;
	}
	w->altered |= w->n_licenses != before;
	return w->n_licenses != before;
}

int whatif_with(struct whatif *w, const char *file, struct license *lic)
{
	struct whatif_license *license;
	size_t i;

	for (i = 0; file && i < w->n_licenses;) {
		if (!strcmp(w->licenses[i].file, file))
			drop_license(w, i);
		else
			i++;
	}
	w->altered = true;
	license = add_license(w);
	if (!license) {
		license_free(lic);
		return -ENOMEM;
	}
	*license = (struct whatif_license){lic, lic, "", INT64_MIN, LIFECYCLE_NEVER};
	return 0;
}

/* ---- time passes ---- */

static int judge(const struct whatif *w, struct whatif_step *step)
{
	size_t i;

	step->views = calloc(w->n_licenses + 1, sizeof(*step->views));
	if (!step->views)
		return -ENOMEM;
	for (i = 0; i < w->n_licenses; i++) {
		const struct whatif_license *license = &w->licenses[i];

		if (license->from <= step->at && step->at < license->until)
			step->views[step->n_views++].lic = license->lic;
	}
	lifecycle_judge(step->views, step->n_views, w->agent->licenses.revocations, step->at);
	lines_supersede(&w->agent->memory.history.lines, step->views, step->n_views,
			w->agent->licenses.revocations, step->at);
	return 0;
}

static int by_time(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static void add_time(const struct whatif *w, int64_t *times, size_t *n, int64_t t)
{
	if (t > w->now.wall_s && t >= w->at - HINDSIGHT_S && t < w->at)
		times[(*n)++] = t;
}

/*
 * When the agent would compile and something could lose its right that leaves no grant behind: a
 * renewal begins and supersedes, a hold ends. The other ends are deadlines in the rules themselves.
 */
static size_t list_times(const struct whatif *w, int64_t *times)
{
	size_t i, n = 0, kept = 0;

	times[n++] = w->now.wall_s;
	for (i = 0; i < w->n_licenses; i++) {
		add_time(w, times, &n, w->licenses[i].lic->nbf - LIFECYCLE_SLACK_S);
		add_time(w, times, &n, w->licenses[i].from);
		add_time(w, times, &n, w->licenses[i].until);
	}
	for (i = 0; i < w->n_policies; i++)
		add_time(w, times, &n, w->policies[i].until);
	if (w->at > w->now.wall_s)
		times[n++] = w->at;
	qsort(times, n, sizeof(*times), by_time);
	for (i = 0; i < n; i++)
		if (!kept || times[kept - 1] != times[i])
			times[kept++] = times[i];
	return kept;
}

int whatif_at(struct whatif *w, int64_t at)
{
	const struct whatif_step *last;
	_free_ int64_t *times = NULL;
	size_t i, n;
	int err = 0;

	w->at = at > w->now.wall_s ? at : w->now.wall_s;
	times = calloc(3 * w->n_licenses + w->n_policies + 2, sizeof(*times));
	if (!times)
		return -ENOMEM;
	free_steps(w);
	n = list_times(w, times);
	w->steps = calloc(n, sizeof(*w->steps));
	if (!w->steps)
		return -ENOMEM;
	for (i = 0; !err && i < n; i++) {
		w->steps[w->n_steps].at = times[i];
		err = judge(w, &w->steps[w->n_steps++]);
	}
	if (err)
		return err;
	last = &w->steps[w->n_steps - 1];
	return name_views(last->views, last->n_views, &w->names, &w->n_names);
}
