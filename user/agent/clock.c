/* SPDX-License-Identifier: MIT */
/* clock.c - reads the kernel's clocks. */
#include "clock.h"

#include <string.h>
#include <sys/timex.h>
#include <time.h>

#include "cleanup.h"
#include "file.h"

#define NS_PER_S 1000000000LL
#define BOOT_ID "/proc/sys/kernel/random/boot_id"

uint64_t clock_boot_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return (uint64_t)ts.tv_sec * NS_PER_S + ts.tv_nsec;
}

int64_t clock_wall(void)
{
	return time(NULL);
}

static bool kernel_synchronised(void)
{
	struct timex tx = {.modes = 0};

	return adjtimex(&tx) >= 0 && !(tx.status & STA_UNSYNC);
}

static struct clock_look look(void)
{
	struct clock_look look = {.boot_ns = clock_boot_ns(),
				  .synchronised = kernel_synchronised()};
	struct timespec wall;

	clock_gettime(CLOCK_REALTIME, &wall);
	if (__builtin_mul_overflow((int64_t)wall.tv_sec, NS_PER_S, &look.wall_ns) ||
	    __builtin_add_overflow(look.wall_ns, (int64_t)wall.tv_nsec, &look.wall_ns))
		look.wall_ns = INT64_MAX;
	return look;
}

/* Without it no anchor that was written down holds, as after a boot. */
static void read_boot_id(char *boot)
{
	_free_ void *bytes = NULL;
	size_t len;

	boot[0] = '\0';
	if (file_read(BOOT_ID, 4096, &bytes, &len, NULL) || len < 36)
		return;
	memcpy(boot, bytes, 36);
	boot[36] = '\0';
}

void clock_start(struct clock *clock, const struct history *before)
{
	const struct clock_look now = look();

	read_boot_id(clock->boot);
	effective_start(&clock->effective, before->boot[0] ? &before->clock : NULL,
			clock->boot[0] && !strcmp(before->boot, clock->boot), &now);
}

bool clock_follow(struct clock *clock)
{
	const struct clock_look now = look();

	return effective_look(&clock->effective, &now);
}

bool clock_issued(struct clock *clock, int64_t iat)
{
	return effective_issued(&clock->effective, iat, clock_boot_ns());
}

void clock_proven(struct clock *clock, int64_t second)
{
	effective_proven(&clock->effective, second, clock_boot_ns());
	clock_follow(clock);
}

void clock_reset(struct clock *clock)
{
	const struct clock_look now = look();

	effective_reset(&clock->effective, &now);
}

void clock_save(const struct clock *clock, struct history *history)
{
	history->clock = effective_snapshot(&clock->effective, clock_boot_ns());
	strcpy(history->boot, clock->boot[0] ? clock->boot : "unknown");
}

int64_t clock_at(const struct clock *clock, uint64_t boot_ns)
{
	return effective_at(&clock->effective, boot_ns);
}

int64_t clock_now(const struct clock *clock)
{
	return clock_at(clock, clock_boot_ns());
}

struct time_base clock_base(const struct clock *clock)
{
	const struct moment *anchor = &clock->effective.anchor;
	int64_t now = clock_now(clock);

	return (struct time_base){
		.wall_s = now,
		.boot_ns = anchor->boot_ns + (uint64_t)(now - anchor->second) * NS_PER_S,
	};
}
