/* SPDX-License-Identifier: MIT */
/* log.c - formats events; each one is a single write, so that lines never mix. */
#include "log.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <bpf/libbpf.h>

#include "fault.h"
#include "json.h"
#include "stamp.h"

static bool log_json, log_verbose;
static void (*log_sink)(void *arg, const struct log_entry *entry);
static void *log_sink_arg;
static pthread_t log_sink_thread;

static const char *const level_words[] = {
	[LOG_DEBUG] = "debug", [LOG_INFO] = "info", [LOG_WARN] = "warning", [LOG_ERROR] = "error"};

const char *log_level_word(enum log_level level)
{
	return level_words[level];
}

static int libbpf_quiet(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	char text[512];

	if (!log_verbose || level == LIBBPF_DEBUG)
		return 0;
	fault_format(text, sizeof(text), fmt, ap);
	log_event(LOG_DEBUG, "libbpf", LOG_NO_FIELDS, "%s", text);
	return 0;
}

void log_setup(bool json, bool verbose)
{
	log_json = json;
	log_verbose = verbose;
	libbpf_set_print(libbpf_quiet);
}

void log_set_sink(void (*sink)(void *arg, const struct log_entry *entry), void *arg)
{
	log_sink = sink;
	log_sink_arg = arg;
	log_sink_thread = pthread_self();
}

/* Anything that isn't a plain word goes in quotes: a file name must not forge a field. */
static void put_text_value(FILE *out, const char *value)
{
	const unsigned char *p;

	fputc('"', out);
	for (p = (const unsigned char *)value; *p; p++) {
		if (*p == '"' || *p == '\\')
			fputc('\\', out);
		fputc(*p < 0x20 || *p == 0x7f ? '?' : *p, out);
	}
	fputc('"', out);
}

static void put_text(FILE *out, const char *now, enum log_level level, const char *event,
		     const char *const *fields, const char *message)
{
	fprintf(out, "%s %s %s", now, level_words[level], event);
	for (; fields[0]; fields += 2) {
		fprintf(out, " %s=", fields[0]);
		put_text_value(out, fields[1]);
	}
	fprintf(out, ": %s\n", message);
}

static void put_json(FILE *out, const char *now, enum log_level level, const char *event,
		     const char *const *fields, const char *message)
{
	_json_ cJSON *line = cJSON_CreateObject();
	_free_ char *text = NULL;

	cJSON_AddStringToObject(line, "time", now);
	cJSON_AddStringToObject(line, "level", level_words[level]);
	cJSON_AddStringToObject(line, "event", event);
	for (; fields[0]; fields += 2)
		cJSON_AddStringToObject(line, fields[0], fields[1]);
	cJSON_AddStringToObject(line, "message", message);
	text = cJSON_PrintUnformatted(line);
	fprintf(out, "%s\n", text ? text : "{\"event\":\"out_of_memory\"}");
}

void log_event(enum log_level level, const char *event, const char *const *fields, const char *fmt,
	       ...)
{
	char message[1024], now[STAMP_LEN];
	_free_ char *text = NULL;
	size_t len = 0;
	FILE *out;
	va_list ap;

	if (level == LOG_DEBUG && !log_verbose)
		return;
	out = open_memstream(&text, &len);
	if (!out)
		return;
	va_start(ap, fmt);
	fault_format(message, sizeof(message), fmt, ap);
	va_end(ap);
	stamp_format(time(NULL), now);
	(log_json ? put_json : put_text)(out, now, level, event, fields, message);
	if (!fclose(out) && write(STDERR_FILENO, text, len) < 0)
		text[0] = '\0'; /* nobody to tell, but the sink */
	if (log_sink && pthread_equal(log_sink_thread, pthread_self()))
		log_sink(log_sink_arg, &(struct log_entry){level, now, event, message, fields});
}
