/* SPDX-License-Identifier: MIT */
/* fuzz_seats.c - the pool of a license line's seats: others have written it, and a node borrows of it. */
#include <string.h>

#include "borrow.h"
#include "fuzz.h"

#define TOTAL 100
#define NODE "node-a"
#define NOW 1000000000000ULL

/* What was read is what is written, and read again. */
static void write_again(const struct seatpool *pool)
{
	struct seatpool again = {0};
	char *text = NULL, *second = NULL;
	struct fault f = {""};

	MUST(!seatpool_text(pool, &text, &f));
	MUST(!seatpool_read(text, strlen(text), &again, &f));
	MUST(!seatpool_text(&again, &second, &f) && !strcmp(text, second));
	for (size_t i = 0; i < again.n_ports; i++) {
		size_t was = seatpool_port(pool, again.ports[i].proto, again.ports[i].port);

		MUST(was < SEATPOOL_PORTS && seatpool_port_used(&again, i));
		MUST(seatpool_lent(&again, i) == seatpool_lent(pool, was));
		MUST(seatpool_waiting(&again, i, NODE) == seatpool_waiting(pool, was, NODE));
	}
	seatpool_free(&again);
	free(text);
	free(second);
}

/* More than there is isn't lent by us, and nobody else loses anything. */
static void must_be_fair(const struct seatpool *before, const struct seatpool *after)
{
	for (size_t i = 0; i < after->n_ports; i++) {
		const struct seatpool_node *mine = seatpool_node(after, NODE);
		size_t was = seatpool_port(before, after->ports[i].proto, after->ports[i].port);
		const struct seatpool_node *had = seatpool_node(before, NODE);
		uint64_t sum = was < SEATPOOL_PORTS ? seatpool_lent(before, was) : 0;
		uint64_t own = had && was < SEATPOOL_PORTS ? had->seats[was] : 0;
		uint64_t now = mine->seats[i];

		MUST(now <= own || sum - own + now <= TOTAL);
		MUST(seatpool_lent(after, i) - now == sum - own);
	}
}

/* Two ports with clients, and whatever else the pool says of this node. */
static void borrow_of(struct seatpool *pool)
{
	struct borrow_reading readings[2] = {{.port = 80, .proto = 6, .total = TOTAL},
					     {.port = 53, .proto = 17, .total = TOTAL, .used = 3}};
	struct seatpool before = {0};
	struct tenure t;
	struct borrow b;

	tenure_begin(&t, TENURE_HOLD_S, NOW * 2, NOW);
	MUST(!borrow_begin(&b, NULL, NULL, NODE, NOW, 0));
	MUST(!borrow_round(&b, readings, 2, &t, NOW));
	readings[0].asked = 5;
	MUST(!borrow_round(&b, readings, 2, &t, NOW));
	MUST(borrow_next(&b, &t, NOW) == BORROW_GET);
	borrow_sent(&b, BORROW_GET, NOW);
	MUST(!seatpool_copy(pool, &before));
	MUST(!borrow_got(&b, pool, NOW, 0));
	if (borrow_next(&b, &t, NOW) == BORROW_PUT && !borrow_enter(&b, NOW)) {
		must_be_fair(&before, &b.pool);
		borrow_sent(&b, BORROW_PUT, NOW);
		borrow_answered(&b, OUTCOME_DONE, NOW, 0);
		MUST(!borrow_round(&b, readings, 2, &t, NOW));
	}
	seatpool_free(&before);
	borrow_free(&b);
}

void fuzz_seats(const char *text, size_t len)
{
	struct seatpool pool = {0};
	struct fault f = {""};

	if (seatpool_read(text, len, &pool, &f)) {
		must_be_text(f.text);
		return;
	}
	write_again(&pool);
	borrow_of(&pool);
	seatpool_free(&pool);
}
