/* SPDX-License-Identifier: MIT */
/* lists.c - builds the revocations in force from the lists of the license directory. */
#include "lists.h"

const char *const lists_suffixes[] = {".rl", NULL};

static void read_list(struct source *lists, const struct license_check *check,
		      struct source_file *file, struct revocations *revocations)
{
	struct rejection why = {.detail = "a newer list of this vendor is in force"};

	file->fresh = false;
	if (file->trouble.text[0]) {
		source_refuse(lists, file, "revocation_list_refused", file->trouble.text);
	} else if (file->bytes) {
		if (revocations_add(revocations, check, file->bytes, file->len, &why)) {
			source_refuse(lists, file, "revocation_list_refused", why.detail);
			return;
		}
		file->refusal = (struct fault){0};
		source_accept(lists, file);
	}
}

/* Kept lists go first, so that an older one can't take their place. */
void lists_read(struct source *lists, const struct license_check *check,
		struct revocations **revocations)
{
	struct revocations *next;
	struct rejection why;
	size_t i;

	if (revocations_new(&next))
		return;
	revocations_free(*revocations);
	*revocations = next;
	for (i = 0; i < lists->n_files; i++) {
		struct source_file *file = lists->files[i];

		file->forever = true;
		if (file->good)
			revocations_add(next, check, file->good, file->good_len, &why);
	}
	for (i = 0; i < lists->n_files; i++)
		read_list(lists, check, lists->files[i], next);
}
