/* SPDX-License-Identifier: MIT */
/*
 * test_transitions.c - every edge between the states of LICENSE-FORMAT §5, each at its very second, by what
 * a node goes through: bytes are read, time passes, files and lists come and go.
 */
#include <errno.h>

#include "jws.h"
#include "lines.h"
#include "token.h"

#define NBF (NOW + 1000)
#define EXP (NBF + 90000) /* WARN: its last third */
#define WARN (EXP - 30000)
#define GRACE 5000
#define END (EXP + GRACE)
#define LIST_IAT (NBF + 10000) /* good for 20000 s */
#define STALE (LIST_IAT + 20001)

enum event {
	NONE,	     /* only time passes */
	HIGHER,	     /* the file of seq 9 is there from now on */
	HIGHER_GONE, /* and again it isn't */
	AHEAD,	     /* the file of seq 9 is there, and begins at EXP */
	LIST,	     /* of LIST_IAT, names nobody */
	NEWER_LIST,  /* of STALE, names nobody */
	REVOKES,     /* a list that names the license by jti, from WARN on */
	REVOKES_HIGHER,
	PARDONS, /* a newer list that names nobody */
	TWIN,	 /* another token of the same seq, with a later iat */
};

static struct revocations *list_of(int64_t iat, const char *entries)
{
	struct license_check check = world.check;
	struct rejection why = {0};
	struct revocations *r;
	char *text = NULL, *token;

	check.now = INT64_MAX;
	assert_true(asprintf(&text,
			     "{\"iss\":\"" ISS
			     "\",\"iat\":%lld,\"exp\":253402300799,\"seq\":1,\"revoked\":[%s]}",
			     (long long)iat, entries) > 0);
	token = sign_as(&world.key, JWS_TYP_REVOCATION, text);
	assert_int_equal(revocations_new(&r), 0);
	assert_int_equal(revocations_add(r, &check, token, strlen(token), &why), 0);
	free(token);
	free(text);
	return r;
}

/* What a node holds. */
struct node {
	struct license low, high;
	bool with_high;
	struct revocations *lists;
	struct lines lines;
};

static void replace_list(struct node *node, struct revocations *r)
{
	revocations_free(node->lists);
	node->lists = r;
}

static void happens(struct node *node, enum event event)
{
	switch (event) {
	case NONE:
		break;
	case AHEAD:
		node->high.nbf = EXP;
		/* fallthrough */
	case HIGHER:
		node->with_high = true;
		break;
	case HIGHER_GONE:
		node->with_high = false;
		break;
	case LIST:
		replace_list(node, list_of(LIST_IAT, ""));
		break;
	case NEWER_LIST:
	case PARDONS:
		replace_list(node, list_of(STALE, ""));
		break;
	case REVOKES:
		replace_list(node, list_of(LIST_IAT, "{\"jti\":\"low\",\"at\":1800061000}"));
		break;
	case REVOKES_HIGHER:
		replace_list(node, list_of(LIST_IAT, "{\"jti\":\"high\",\"at\":1}"));
		break;
	case TWIN:
		node->high.seq = node->low.seq;
		node->with_high = true;
		break;
	}
}

static struct license_view judge(struct node *node, int64_t now)
{
	struct license_view views[2] = {{.lic = &node->low}, {.lic = &node->high}};
	size_t n = node->with_high ? 2 : 1;

	lifecycle_judge(views, n, node->lists, now);
	lines_learn(&node->lines, views, n, node->lists, now);
	lines_supersede(&node->lines, views, n, node->lists, now);
	return views[0];
}

struct step {
	int64_t at;
	enum event event;
	enum license_state state;
	bool warn;
};

static const struct walk {
	const char *name;
	int64_t rl_max_age_s, grace_s;
	struct step steps[10];
} walks[] = {
	{"a whole life",
	 0,
	 GRACE,
	 {{NBF - 301, NONE, STATE_PENDING, false},
	  {NBF - 300, NONE, STATE_ACTIVE, false},
	  {WARN - 1, NONE, STATE_ACTIVE, false},
	  {WARN, NONE, STATE_ACTIVE, true},
	  {EXP - 1, NONE, STATE_ACTIVE, true},
	  {EXP, NONE, STATE_GRACE, false},
	  {END - 1, NONE, STATE_GRACE, false},
	  {END, NONE, STATE_LAPSED, false}}},
	{"without grace",
	 0,
	 0,
	 {{EXP - 1, NONE, STATE_ACTIVE, true}, {EXP, NONE, STATE_LAPSED, false}}},
	{"PENDING, replaced before it began",
	 0,
	 GRACE,
	 {{NBF - 301, NONE, STATE_PENDING, false},
	  {NBF - 301, HIGHER, STATE_PENDING, false}, /* which is PENDING too */
	  {NBF - 300, NONE, STATE_SUPERSEDED, false}}},
	{"PENDING, revoked",
	 0,
	 GRACE,
	 {{NBF - 301, NONE, STATE_PENDING, false},
	  {NBF - 301, REVOKES, STATE_PENDING, false},
	  {WARN, NONE, STATE_REVOKED, false}}},
	{"ACTIVE, replaced, for good",
	 0,
	 GRACE,
	 {{NBF, NONE, STATE_ACTIVE, false},
	  {NBF, HIGHER, STATE_SUPERSEDED, false},
	  {NBF + 1, HIGHER_GONE, STATE_SUPERSEDED, false},
	  {WARN, NONE, STATE_SUPERSEDED, false},
	  {EXP, NONE, STATE_SUPERSEDED, false},
	  {END, NONE, STATE_SUPERSEDED, false}}},
	{"WARN, renewed at its end",
	 0,
	 GRACE,
	 {{WARN, NONE, STATE_ACTIVE, true},
	  {WARN, AHEAD, STATE_ACTIVE, true},
	  {EXP - 301, NONE, STATE_ACTIVE, true},
	  {EXP - 300, NONE, STATE_SUPERSEDED, false}}},
	{"GRACE, renewed",
	 0,
	 GRACE,
	 {{EXP, NONE, STATE_GRACE, false}, {EXP + 1, HIGHER, STATE_SUPERSEDED, false}}},
	{"LAPSED, renewed",
	 0,
	 GRACE,
	 {{END, NONE, STATE_LAPSED, false}, {END + 1, HIGHER, STATE_SUPERSEDED, false}}},
	{"SUPERSEDED, and back when the higher one is revoked",
	 0,
	 GRACE,
	 {{NBF, HIGHER, STATE_SUPERSEDED, false},
	  {NBF + 1, HIGHER_GONE, STATE_SUPERSEDED, false},
	  {NBF + 1, REVOKES_HIGHER, STATE_ACTIVE, false},
	  {NBF + 2, PARDONS, STATE_SUPERSEDED, false}}},
	{"SUPERSEDED, and into GRACE by the same",
	 0,
	 GRACE,
	 {{NBF, HIGHER, STATE_SUPERSEDED, false}, {EXP, REVOKES_HIGHER, STATE_GRACE, false}}},
	{"SUPERSEDED, and LAPSED by the same",
	 0,
	 GRACE,
	 {{NBF, HIGHER, STATE_SUPERSEDED, false}, {END, REVOKES_HIGHER, STATE_LAPSED, false}}},
	{"SUPERSEDED and revoked: it says REVOKED",
	 0,
	 GRACE,
	 {{NBF, HIGHER, STATE_SUPERSEDED, false},
	  {NBF, REVOKES, STATE_SUPERSEDED, false},
	  {WARN, NONE, STATE_REVOKED, false}}},
	{"ACTIVE, revoked at a time, pardoned",
	 0,
	 GRACE,
	 {{NBF, REVOKES, STATE_ACTIVE, false},
	  {WARN - 1, NONE, STATE_ACTIVE, false},
	  {WARN, NONE, STATE_REVOKED, false},
	  {WARN + 1, PARDONS, STATE_ACTIVE, true}}},
	{"GRACE, revoked",
	 0,
	 GRACE,
	 {{EXP, NONE, STATE_GRACE, false},
	  {EXP + 1, REVOKES, STATE_REVOKED, false},
	  {EXP + 2, PARDONS, STATE_GRACE, false}}},
	{"LAPSED, revoked",
	 0,
	 GRACE,
	 {{END, NONE, STATE_LAPSED, false},
	  {END + 1, REVOKES, STATE_REVOKED, false},
	  {END + 2, PARDONS, STATE_LAPSED, false}}},
	{"a list that ages: STALE, LAPSED, and ACTIVE by a newer one",
	 20000,
	 GRACE,
	 {{LIST_IAT, LIST, STATE_ACTIVE, false},
	  {STALE - 1, NONE, STATE_ACTIVE, false},
	  {STALE, NONE, STATE_STALE, false},
	  {STALE, NEWER_LIST, STATE_ACTIVE, false},
	  {STALE + 20000, NONE, STATE_ACTIVE, false},
	  {STALE + 20001, NONE, STATE_STALE, false},
	  {STALE + 20000 + GRACE - 1, NONE, STATE_STALE, false},
	  {STALE + 20000 + GRACE, NONE, STATE_LAPSED, false}}},
	{"STALE, replaced",
	 20000,
	 GRACE,
	 {{LIST_IAT, LIST, STATE_ACTIVE, false},
	  {STALE, NONE, STATE_STALE, false},
	  {STALE, HIGHER, STATE_SUPERSEDED, false}}},
	{"STALE, revoked",
	 20000,
	 GRACE,
	 {{LIST_IAT, LIST, STATE_ACTIVE, false},
	  {STALE, NONE, STATE_STALE, false},
	  {WARN, REVOKES, STATE_REVOKED, false}}},
	{"PENDING into STALE: no list at all",
	 20000,
	 GRACE,
	 {{NBF - 301, NONE, STATE_PENDING, false},
	  {NBF - 300, NONE, STATE_STALE, false},
	  {NBF - 300 + GRACE, NONE, STATE_LAPSED, false},
	  {LIST_IAT, LIST, STATE_ACTIVE, false}}},
	{"equivocation: the later iat holds, for good",
	 0,
	 GRACE,
	 {{NBF, NONE, STATE_ACTIVE, false},
	  {NBF, TWIN, STATE_SUPERSEDED, false},
	  {NBF + 1, HIGHER_GONE, STATE_SUPERSEDED, false},
	  {NBF + 2, REVOKES_HIGHER, STATE_ACTIVE, false}}},
};

static struct license license_of(int64_t seq, char *jti, int64_t iat, const struct walk *walk)
{
	return (struct license){.iss = ISS,
				.lid = "line",
				.jti = jti,
				.kid = "k1",
				.iat = iat,
				.nbf = NBF,
				.exp = EXP,
				.grace_s = walk->grace_s,
				.seq = seq,
				.rl_max_age_s = walk->rl_max_age_s,
				.lapse = PLIC_BLOCK_NEW};
}

static void run(const struct walk *walk)
{
	struct node node = {.low = license_of(3, "low", NOW, walk),
			    .high = license_of(9, "high", NOW + 1, walk)};

	node.high.exp += 500000;
	for (size_t i = 0; i < ARRAY_SIZE(walk->steps) && walk->steps[i].at; i++) {
		const struct step *step = &walk->steps[i];
		struct license_view view;

		happens(&node, step->event);
		view = judge(&node, step->at);
		if (view.state != step->state || view.warn != step->warn)
			fail_msg("%s, step %zu: %s%s, not %s%s", walk->name, i,
				 license_state_word(view.state), view.warn ? " (warn)" : "",
				 license_state_word(step->state), step->warn ? " (warn)" : "");
		/* Looking twice changes nothing. */
		assert_int_equal(judge(&node, step->at).state, step->state);
	}
	lines_free(&node.lines);
	revocations_free(node.lists);
}

static void every_edge(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(walks); i++)
		run(&walks[i]);
}

/* Each pair of states that the table goes through; one that is dropped from it is missed here. */
static void the_table_is_whole(void **state)
{
	static const enum license_state wanted[][2] = {
		{STATE_PENDING, STATE_ACTIVE},	   {STATE_PENDING, STATE_STALE},
		{STATE_PENDING, STATE_SUPERSEDED}, {STATE_PENDING, STATE_REVOKED},
		{STATE_ACTIVE, STATE_GRACE},	   {STATE_ACTIVE, STATE_LAPSED},
		{STATE_ACTIVE, STATE_STALE},	   {STATE_ACTIVE, STATE_SUPERSEDED},
		{STATE_ACTIVE, STATE_REVOKED},	   {STATE_GRACE, STATE_LAPSED},
		{STATE_GRACE, STATE_SUPERSEDED},   {STATE_GRACE, STATE_REVOKED},
		{STATE_LAPSED, STATE_SUPERSEDED},  {STATE_LAPSED, STATE_REVOKED},
		{STATE_LAPSED, STATE_ACTIVE},	   {STATE_STALE, STATE_ACTIVE},
		{STATE_STALE, STATE_LAPSED},	   {STATE_STALE, STATE_SUPERSEDED},
		{STATE_STALE, STATE_REVOKED},	   {STATE_SUPERSEDED, STATE_ACTIVE},
		{STATE_SUPERSEDED, STATE_GRACE},   {STATE_SUPERSEDED, STATE_LAPSED},
		{STATE_SUPERSEDED, STATE_REVOKED}, {STATE_REVOKED, STATE_ACTIVE},
		{STATE_REVOKED, STATE_GRACE},	   {STATE_REVOKED, STATE_LAPSED},
	};
	bool seen[STATE_COUNT][STATE_COUNT] = {0};

	for (size_t i = 0; i < ARRAY_SIZE(walks); i++)
		for (size_t k = 1; k < ARRAY_SIZE(walks[i].steps) && walks[i].steps[k].at; k++)
			seen[walks[i].steps[k - 1].state][walks[i].steps[k].state] = true;
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++)
		if (!seen[wanted[i][0]][wanted[i][1]])
			fail_msg("no walk from %s to %s", license_state_word(wanted[i][0]),
				 license_state_word(wanted[i][1]));
}

/* REJECTED: from the near future until its time has come, and the suspect clock that leans on nothing. */
static void rejected_until_it_is_time(void **state)
{
	static const struct {
		int64_t now;
		const char *reason;
	} cases[] = {
		{NOW - 301, "iat_future"},
		{NOW - 300, ""},
		{NOW, ""},
		{INT64_MAX, ""},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct rejection why = {0};
		struct world at = world;

		at.check.now = cases[i].now;
		assert_string_equal(verdict_of(&at, claims_with("iat", "1800000000"), &why),
				    cases[i].reason);
	}
}

static void latest_list(void **state)
{
	struct revocations *r;

	assert_int_equal(revocations_new(&r), 0);
	assert_int_equal(revocations_latest(r), -1);
	revocations_free(r);
	r = list_of(LIST_IAT, "");
	assert_int_equal(revocations_latest(r), LIST_IAT);
	revocations_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_edge),
		cmocka_unit_test(the_table_is_whole),
		cmocka_unit_test(rejected_until_it_is_time),
		cmocka_unit_test(latest_list),
	};

	return cmocka_run_group_tests_name("transitions", tests, world_begin, world_end);
}
