/* SPDX-License-Identifier: MIT */
/* lists.c - builds the revocations in force from the lists of the license directory. */
#include "lists.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>

const char *const lists_suffixes[] = {".rl", NULL};

/* Kept by issuer, not by file, under a name that nobody would give a file: the issuer is a URL. */
static struct source_file *keep(struct source *lists, const char *iss, const void *bytes,
				size_t len)
{
	unsigned char hash[crypto_hash_sha256_BYTES];
	char name[2 * sizeof(hash) + sizeof(".rl")];

	crypto_hash_sha256(hash, (const unsigned char *)iss, strlen(iss));
	sodium_bin2hex(name, sizeof(name), hash, sizeof(hash));
	strcat(name, ".rl");
	source_keep(lists, name, bytes, len);
	return source_find(lists, name);
}

/* -EAGAIN: from the near future, to be tried again. */
static int read_list(struct source *lists, const struct license_check *check,
		     struct source_file *file, struct revocations *revocations)
{
	struct rejection why = {.detail = "a newer list of this vendor is in force"};
	const char *iss;

	if (file->trouble.text[0]) {
		source_refuse(lists, file, "revocation_list_refused", file->trouble.text);
	} else if (file->bytes) {
		if (revocations_take(revocations, check, file->bytes, file->len, &iss, &why)) {
			source_refuse(lists, file, "revocation_list_refused", why.detail);
			return why.reason == LICENSE_IAT_FUTURE ? -EAGAIN : 0;
		}
		file->refusal = (struct fault){0};
		keep(lists, iss, file->bytes, file->len);
	}
	return 0;
}

int lists_take(struct source *lists, const struct license_check *check,
	       struct revocations *revocations, const void *bytes, size_t len,
	       const struct source_file **file, struct rejection *why)
{
	const char *iss;
	int err = revocations_take(revocations, check, bytes, len, &iss, why);

	if (!err)
		*file = keep(lists, iss, bytes, len);
	return err;
}

static void forget_gone(struct source *lists)
{
	size_t i;

	for (i = 0; i < lists->n_files;) {
		if (source_hold_over(lists, lists->files[i]))
			source_forget(lists, i);
		else
			i++;
	}
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

		if (!file->good)
			continue;
		file->forever = true;
		revocations_add(next, check, file->good, file->good_len, &why);
	}
	forget_gone(lists);
	for (i = 0; i < lists->n_files; i++) {
		struct source_file *file = lists->files[i];

		/* Keeping one may move it up, and it is read again: that changes nothing. */
		again |= read_list(lists, check, file, next) == -EAGAIN;
		file->fresh = false;
	}
	return again;
}
