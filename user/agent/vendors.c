/* SPDX-License-Identifier: MIT */
/* vendors.c - builds the trust store; a bad file costs only itself. */
#include "vendors.h"

#include "cleanup.h"
#include "log.h"

static const char *const suffixes[] = {".jwks", NULL};

int vendors_open(struct vendors *vendors, const char *dir, const char *state_dir, struct fault *f)
{
	int err;

	*vendors = (struct vendors){
		.source = {.dir = dir, .suffixes = suffixes, .max_bytes = TRUST_MAX_BYTES}};
	err = source_open(&vendors->source, state_dir, "trust", f);
	return err ? err : trust_new(&vendors->trust);
}

void vendors_close(struct vendors *vendors)
{
	source_close(&vendors->source);
	trust_free(vendors->trust);
	vendors->trust = NULL;
}

/* The present bytes, or else the last good ones. */
static void add_file(struct source *source, struct source_file *file, struct trust *trust)
{
	struct fault why = file->trouble;

	if (file->bytes) {
		if (!trust_add(trust, file->name, file->bytes, file->len, &why)) {
			file->refusal = (struct fault){0};
			source_accept(source, file);
			return;
		}
	}
	if (!file->gone_ns)
		source_refuse(source, file, "trust_refused", why.text);
	if (file->good && trust_add(trust, file->name, file->good, file->good_len, &why))
		source_refuse(source, file, "trust_refused", why.text);
}

/* What a vanished file gave is taken back once its hold is over. */
static void drop_gone(struct source *source)
{
	size_t i;

	for (i = 0; i < source->n_files;) {
		struct source_file *file = source->files[i];

		if (!source_hold_over(source, file)) {
			i++;
			continue;
		}
		if (file->good)
			log_event(LOG_WARN, "trust_withdrawn", LOG_FIELDS("file", file->name),
				  "the trust file is gone: its keys are trusted no more");
		source_forget(source, i);
	}
}

/*
 * Who comes first has a kid that stands twice. What is in force as it was comes before what changed,
 * and that before newcomers: a new file can't take a key from a vendor that is trusted already.
 */
enum turn { TURN_AS_BEFORE, TURN_CHANGED, TURN_NEW, N_TURNS };

static enum turn turn_of(const struct source_file *file)
{
	if (!file->good)
		return TURN_NEW;
	return file->gone_ns || source_is_good(file) ? TURN_AS_BEFORE : TURN_CHANGED;
}

static void add_turn(struct source *source, enum turn turn, struct trust *trust)
{
	size_t i;

	for (i = 0; i < source->n_files; i++) {
		struct source_file *file = source->files[i];

		if (turn_of(file) != turn) /* an added one only ever moves to an earlier turn */
			continue;
		add_file(source, file, trust);
		file->fresh = false;
	}
}

bool vendors_scan(struct vendors *vendors)
{
	struct source *source = &vendors->source;
	struct trust *trust;
	enum turn turn;

	if (!source_scan(source) || trust_new(&trust))
		return false;
	drop_gone(source);
	for (turn = 0; turn < N_TURNS; turn++)
		add_turn(source, turn, trust);
	trust_free(vendors->trust);
	vendors->trust = trust;
	log_event(LOG_INFO, "trust_loaded", LOG_NO_FIELDS, "%zu vendors, %zu keys",
		  trust_n_vendors(trust), trust_n_keys(trust));
	return true;
}
