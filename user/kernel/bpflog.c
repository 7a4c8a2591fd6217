/* SPDX-License-Identifier: MIT */
/* bpflog.c - what libbpf and the verifier said, kept for a fault instead of printed. */
#include <stdio.h>
#include <string.h>

#include <bpf/libbpf.h>

#include "bpflog.h"
#include "cleanup.h"

#define LOG_LINES 3 /* of the verifier: the instruction, its source, the complaint */

/* Of this thread's own programs: several threads load some at a time. */
static _Thread_local char warning[200];
static _Thread_local char verifier[320];
static _Thread_local char why[360];

/* The last LOG_LINES lines ahead of the verifier's statistics, joined by " | ". */
static void keep_verifier_end(char *log)
{
	char *end = strstr(log, "\nprocessed ");
	char *lines[LOG_LINES];
	size_t n = 0, used = 0;

	if (!end)
		end = strstr(log, "-- END PROG LOAD LOG");
	if (end)
		*end = '\0';
	while (n < LOG_LINES) {
		char *line = strrchr(log, '\n');

		if (!line)
			break;
		*line++ = '\0';
		if (*line)
			lines[n++] = line;
	}
	verifier[0] = '\0';
	while (n-- > 0 && used < sizeof(verifier))
		used += (size_t)snprintf(verifier + used, sizeof(verifier) - used, "%s%s",
					 used ? " | " : "", lines[n]);
}

__attribute__((format(printf, 2, 0))) static int take(enum libbpf_print_level level,
						      const char *fmt, va_list args)
{
	_free_ char *text = NULL;
	int n = vasprintf(&text, fmt, args);

	if (n < 0) {
		text = NULL;
		return 0;
	}
	if (level != LIBBPF_WARN)
		return n;
	if (strstr(text, "-- BEGIN PROG LOAD LOG")) {
		keep_verifier_end(text);
	} else if (!warning[0]) {
		snprintf(warning, sizeof(warning), "%s", text);
		warning[strcspn(warning, "\n")] = '\0';
	}
	return n;
}

void bpflog_begin(void)
{
	warning[0] = '\0';
	verifier[0] = '\0';
	libbpf_set_print(take);
}

const char *bpflog_why(void)
{
	const char *said = verifier[0] ? verifier : warning;

	why[0] = '\0';
	if (said[0])
		snprintf(why, sizeof(why), " (%s)", said);
	return why;
}
