/* SPDX-License-Identifier: MIT */
/* lists.c - builds the revocations in force from the lists of the license directory. */
#include "lists.h"

#include <errno.h>

const char *const lists_suffixes[] = {".rl", NULL};

/* -EAGAIN: from the near future, to be tried again. */
static int read_list(struct source *lists, const struct license_check *check,
		     struct source_file *file, struct revocations *revocations)
{
	struct rejection why = {.detail = "a newer list of this vendor is in force"};

	if (file->trouble.text[0]) {
		source_refuse(lists, file, "revocation_list_refused", file->trouble.text);
	} else if (file->bytes) {
		if (revocations_add(revocations, check, file->bytes, file->len, &why)) {
			source_refuse(lists, file, "revocation_list_refused", why.detail);
			return why.reason == LICENSE_IAT_FUTURE ? -EAGAIN : 0;
		}
		file->refusal = (struct fault){0};
		source_accept(lists, file);
	}
	return 0;
}

/* Kept lists go first, so that an older one can't take their place. */
bool lists_read(struct source *lists, const struct license_check *check,
		struct revocations **revocations)
{
	struct revocations *next;
	struct rejection why;
	bool again = false;
	size_t i;

	if (revocations_new(&next))
		return true;
	revocations_free(*revocations);
	*revocations = next;
	for (i = 0; i < lists->n_files; i++) {
		struct source_file *file = lists->files[i];

		file->forever = true;
		if (file->good)
			revocations_add(next, check, file->good, file->good_len, &why);
	}
	for (i = 0; i < lists->n_files; i++) {
		again |= read_list(lists, check, lists->files[i], next) == -EAGAIN;
		lists->files[i]->fresh = false;
	}
	return again;
}
