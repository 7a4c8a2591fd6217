/* SPDX-License-Identifier: MIT */
/* observe.c - portlic observe: what was denied, or let through all the same, line by line. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "client.h"
#include "output.h"
#include "when.h"

/* "10.0.0.7:41000", "[fd00::7]:41000", "-" */
static void address_text(const cJSON *event, const char *name, const char *port, char *out,
			 size_t size)
{
	const char *address = member_text(event, name);
	double number = member_number(event, port);
	bool six = address && strchr(address, ':');

	if (!address)
		snprintf(out, size, "-");
	else if (!number)
		snprintf(out, size, "%.45s", address);
	else
		snprintf(out, size, "%s%.45s%s:%.0f", six ? "[" : "", address, six ? "]" : "",
			 number);
}

static const char *or_dash(const char *text)
{
	return text ? text : "-";
}

/* 2026-01-31T23:59:59Z denied web 10.0.0.7:41000 -> 10.0.0.2:9090/TCP unlicensed by wire, origin external */
static void print_event(const cJSON *event)
{
	double port = member_number(event, "port"), real = member_number(event, "real_port");
	const char *lid = member_text(event, "lid");
	char remote[64], local[64];

	address_text(event, "remote", "remote_port", remote, sizeof(remote));
	address_text(event, "local", "port", local, sizeof(local));
	printf("%s %-6s %s %s -> %s/%s %s by %s, origin %s", or_dash(member_text(event, "time")),
	       or_dash(member_text(event, "verdict")), or_dash(member_text(event, "gate")), remote,
	       local, or_dash(member_text(event, "protocol")),
	       or_dash(member_text(event, "reason")), or_dash(member_text(event, "hook")),
	       or_dash(member_text(event, "origin")));
	if (real && real != port)
		printf(", at port %.0f", real);
	if (lid) {
		_free_ char *shown = printable(lid);

		printf(", license %s", shown ? shown : "?");
	}
	putchar('\n');
}

static int print_events(const struct args *args, const cJSON *events, struct failure *why)
{
	const cJSON *event;
	int r = 0;

	if (args->json && !option_text(args, OPT_FOLLOW))
		return print_json(events, why);
	cJSON_ArrayForEach (event, events) {
		if (args->json)
			r = r ? r : print_json_line(event, why);
		else
			print_event(event);
	}
	if (fflush(stdout) && !r)
		return fail(why, EXIT_USAGE, "can't write: %m");
	return r;
}

/* A span ("5m") before now, or a moment, which the agent reads. */
static int since_text(const char *since, char out[WHEN_LEN], struct failure *why)
{
	int64_t span;

	if (!when_parse_span(since, &span))
		snprintf(out, WHEN_LEN, "%" PRId64, (int64_t)time(NULL) - span);
	else if (strlen(since) < WHEN_LEN)
		snprintf(out, WHEN_LEN, "%s", since);
	else
		return fail(why, EXIT_USAGE, "--since %.64s: give a span (5m) or a time", since);
	return 0;
}

/* The query of every request but for "after". */
static char *query(const struct args *args, const char *since)
{
	const char *verdict = option_text(args, OPT_VERDICT);
	_free_ char *gate = NULL, *from = NULL;
	char *out;

	if (option_text(args, OPT_GATE) &&
	    !(gate = client_path("&gate=", option_text(args, OPT_GATE))))
		return NULL;
	if (since[0] && !(from = client_path("&since=", since)))
		return NULL;
	if (asprintf(&out, "%s%s%s%s%s%s%s", gate ? gate : "", from ? from : "",
		     verdict ? "&verdict=" : "", verdict ? verdict : "",
		     option_text(args, OPT_PORT) ? "&port=" : "",
		     option_text(args, OPT_PORT) ? option_text(args, OPT_PORT) : "",
		     option_text(args, OPT_FOLLOW) ? "&wait=1" : "") < 0)
		return NULL;
	return out;
}

static int observe_once(const struct args *args, const char *what, double *after,
			struct failure *why)
{
	_reply_ struct reply reply = {};
	_free_ char *path = NULL;
	int r;

	if (asprintf(&path, "/v1/events?after=%.0f%s", *after, what) < 0)
		return fail(why, EXIT_USAGE, "out of memory");
	r = client_get(args, path, false, &reply, why);
	if (r)
		return r;
	*after = member_number(reply.json, "next");
	return print_events(args, json_get(reply.json, "events"), why);
}

int cmd_observe(const struct args *args, struct failure *why)
{
	const char *since = option_text(args, OPT_SINCE);
	_free_ char *what = NULL;
	char text[WHEN_LEN] = "";
	double after = 0;
	int r = since ? since_text(since, text, why) : 0;

	if (r)
		return r;
	what = query(args, text);
	if (!what)
		return fail(why, EXIT_USAGE, "out of memory");
	do
		r = observe_once(args, what, &after, why);
	while (!r && option_text(args, OPT_FOLLOW));
	return r;
}
