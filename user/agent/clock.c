/* SPDX-License-Identifier: MIT */
/* clock.c - keeps the anchor between UTC and the boot clock. */
#include "clock.h"

#include <sys/timex.h>
#include <time.h>

#define NS_PER_S 1000000000LL
#define CLOCK_STEP_NS (NS_PER_S / 10) /* below it, following would only make rules flutter */

uint64_t clock_boot_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return (uint64_t)ts.tv_sec * NS_PER_S + ts.tv_nsec;
}

static bool kernel_synchronised(void)
{
	struct timex tx = {.modes = 0};

	return adjtimex(&tx) >= 0 && !(tx.status & STA_UNSYNC);
}

/* Boot time at which the present second of the wall clock began; signed: it may lie before boot. */
static int64_t second_began(int64_t *wall_s)
{
	struct timespec wall;
	int64_t boot = clock_boot_ns();

	clock_gettime(CLOCK_REALTIME, &wall);
	*wall_s = wall.tv_sec;
	return boot - wall.tv_nsec;
}

static void anchor(struct clock *clock, int64_t wall_s, int64_t boot_ns)
{
	while (boot_ns < 0) { /* the second in which the machine started */
		boot_ns += NS_PER_S;
		wall_s++;
	}
	clock->wall_s = wall_s;
	clock->boot_ns = boot_ns;
}

void clock_start(struct clock *clock)
{
	int64_t wall_s, began = second_began(&wall_s);

	anchor(clock, wall_s, began);
	clock->synchronised = kernel_synchronised();
}

bool clock_follow(struct clock *clock)
{
	int64_t wall_s, began, apart;

	clock->synchronised = kernel_synchronised();
	if (!clock->synchronised)
		return false;
	began = second_began(&wall_s);
	/* Where the anchor puts this second, against where the wall clock has it. */
	if (__builtin_mul_overflow(wall_s - clock->wall_s, NS_PER_S, &apart) ||
	    __builtin_add_overflow(apart, (int64_t)clock->boot_ns - began, &apart) ||
	    apart > CLOCK_STEP_NS || apart < -CLOCK_STEP_NS) {
		anchor(clock, wall_s, began);
		return true;
	}
	return false;
}

int64_t clock_at(const struct clock *clock, uint64_t boot_ns)
{
	int64_t apart = (int64_t)(boot_ns - clock->boot_ns);
	int64_t seconds = apart / NS_PER_S;

	return clock->wall_s + seconds - (apart % NS_PER_S < 0);
}

int64_t clock_now(const struct clock *clock)
{
	return clock_at(clock, clock_boot_ns());
}

struct time_base clock_base(const struct clock *clock)
{
	int64_t now = clock_now(clock);

	return (struct time_base){
		.wall_s = now,
		.boot_ns = clock->boot_ns + (uint64_t)(now - clock->wall_s) * NS_PER_S,
	};
}
