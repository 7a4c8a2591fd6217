/* SPDX-License-Identifier: MIT */
/* cleanup.h - owners that clean up after themselves at the end of their scope. */
#ifndef PORTLIC_CLEANUP_H
#define PORTLIC_CLEANUP_H

#include <stdlib.h>
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
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#endif
