/* SPDX-License-Identifier: MIT */
/* url.c - takes an address apart. */
#include "url.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define DIGITS "0123456789"
#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define NAME_MAX_BYTES 253

/* Printable ASCII without what RFC 3986 doesn't have, which readers repair in different ways. */
static bool plain(const char *text)
{
	for (; *text; text++)
		if (*text <= ' ' || *text > '~' || strchr("\"<>\\^`{|}#", *text))
			return false;
	return true;
}

/* Bytes of the host at text; 0: none, or a wrong one. */
static size_t host_length(const char *text)
{
	size_t n;

	if (*text == '[') {
		n = 1 + strspn(text + 1, DIGITS "abcdefABCDEF:.");
		return text[n] == ']' && n > 2 ? n + 1 : 0;
	}
	n = strspn(text, LETTERS DIGITS ".-_");
	return n <= NAME_MAX_BYTES && text[0] != '.' && text[0] != '-' ? n : 0;
}

/* Bytes of ":PORT" at text, 0 without; -1: a wrong one. */
static int port_length(const char *text)
{
	size_t n;
	unsigned long port;

	if (*text != ':')
		return 0;
	n = strspn(text + 1, DIGITS);
	port = n && n <= 5 ? strtoul(text + 1, NULL, 10) : 0;
	return port && port <= 65535 ? (int)n + 1 : -1;
}

static bool is_loopback(const char *host, size_t len)
{
	static const char *const names[] = {"127.0.0.1", "[::1]", "localhost"};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (strlen(names[i]) == len && !strncmp(host, names[i], len))
			return true;
	return false;
}

int url_parse(const char *text, struct url *out, struct fault *f)
{
	struct url url = {.https = !strncmp(text, "https://", 8)};
	size_t host;
	int port;

	if (!url.https && strncmp(text, "http://", 7))
		return fault_set(f, EINVAL, "must begin with https://, not \"%.40s\"", text);
	if (strlen(text) > URL_MAX_BYTES)
		return fault_set(f, EINVAL, "is longer than %d bytes", URL_MAX_BYTES);
	if (!plain(text))
		return fault_set(f, EINVAL,
				 "has a blank, a \"#\" or a character that must be "
				 "percent-encoded");
	url.authority = url.https ? 8 : 7;
	host = host_length(text + url.authority);
	port = host ? port_length(text + url.authority + host) : -1;
	url.origin = url.authority + host + (port > 0 ? (size_t)port : 0);
	if (port < 0 || (text[url.origin] && !strchr("/?", text[url.origin])))
		return fault_set(f, EINVAL,
				 "must name HOST or HOST:PORT behind \"://\"; a user or a password "
				 "isn't taken there");
	url.has_path = text[url.origin] && strcmp(text + url.origin, "/") != 0;
	url.loopback = is_loopback(text + url.authority, host);
	*out = url;
	return 0;
}
