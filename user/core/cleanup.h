/* SPDX-License-Identifier: MIT */
/* cleanup.h - owners that clean up after themselves at the end of their scope. */
#ifndef PORTLIC_CLEANUP_H
#define PORTLIC_CLEANUP_H

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static inline void cleanup_free(void *p)
{
	free(*(void **)p);
}

static inline void cleanup_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

#define _cleanup_(f) __attribute__((cleanup(f)))
#define _free_ _cleanup_(cleanup_free)
#define _close_ _cleanup_(cleanup_close) /* an int that starts at -1 */

/* Hands the pointer or descriptor on: the owner's variable forgets it. */
#define TAKE_PTR(p)                                                                                \
	({                                                                                         \
		__typeof__(p) taken_ = (p);                                                        \
		(p) = NULL;                                                                        \
		taken_;                                                                            \
	})
#define TAKE_FD(fd)                                                                                \
	({                                                                                         \
		int taken_ = (fd);                                                                 \
		(fd) = -1;                                                                         \
		taken_;                                                                            \
	})
/*
 * Room for one more element of `size` bytes in *list, a pointer to the first of n in an array with room for
 * *room. -ENOMEM: all is as it was.
 */
static inline int array_grow(void *list, size_t n, size_t *room, size_t size)
{
	size_t more = 2 * *room + 16;
	void *now, *grown;

	if (n < *room)
		return 0;
	memcpy(&now, list, sizeof(now)); /* the pointer's own type is the caller's */
	grown = reallocarray(now, more, size);
	if (!grown)
		return -ENOMEM;
	memcpy(list, &grown, sizeof(grown));
	*room = more;
	return 0;
}

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#endif
