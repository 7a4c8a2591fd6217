/* SPDX-License-Identifier: MIT */
/* reply.c - builds answers. */
#include "reply.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "address.h"
#include "ports.h"

void reply_json(struct http_request *request, unsigned int status, cJSON *tree)
{
	char *text = cJSON_PrintUnformatted(tree);

	cJSON_Delete(tree);
	http_reply(request, text ? status : MHD_HTTP_INTERNAL_SERVER_ERROR, "application/json",
		   text);
}

void reply_error(struct http_request *request, unsigned int status, const char *fmt, ...)
{
	cJSON *tree = cJSON_CreateObject();
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	fault_format(text, sizeof(text), fmt, ap);
	va_end(ap);
	cJSON_AddStringToObject(tree, "error", text);
	reply_json(request, status, tree);
}

void json_warn(cJSON *warnings, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	fault_format(text, sizeof(text), fmt, ap);
	va_end(ap);
	cJSON_AddItemToArray(warnings, cJSON_CreateString(text));
}

void json_put_moment(cJSON *object, const char *name, const struct clock *clock, uint64_t boot_ns)
{
	json_put_time(object, name,
		      boot_ns && boot_ns != PLIC_NEVER ? clock_at(clock, boot_ns) : 0);
}

void json_put_address(cJSON *object, const char *name, const uint8_t address[16])
{
	static const uint8_t none[16];
	bool v4 = address_is_ipv4(address);
	char text[INET6_ADDRSTRLEN];

	if (!memcmp(address, none, sizeof(none)))
		json_put_string(object, name, NULL);
	else
		json_put_string(object, name,
				inet_ntop(v4 ? AF_INET : AF_INET6, v4 ? address + 12 : address,
					  text, sizeof(text)));
}

bool port_read(const char *text, uint16_t *port, uint8_t *ip_proto)
{
	static const uint8_t protocols[] = {IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP};
	unsigned long number;
	char *end;

	if (!isdigit((unsigned char)text[0]))
		return false;
	number = strtoul(text, &end, 10);
	if (number < 1 || number > 65535 || (*end && *end != '/'))
		return false;
	*port = (uint16_t)number;
	*ip_proto = IPPROTO_TCP;
	if (!*end)
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(protocols); i++) {
		*ip_proto = protocols[i];
		if (!strcasecmp(end + 1, proto_word(protocols[i])))
			return true;
	}
	return false;
}
