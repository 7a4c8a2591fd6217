/* SPDX-License-Identifier: MIT */
/* claims_ports.c - the claim `ports`: what a license opens. */
#include "claims.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "rejection.h"

static int read_numbers(const cJSON *entry, struct license_port *out, struct fault *f)
{
	static const char *const words[] = {"TCP", "UDP", "SCTP", NULL};
	static const uint8_t numbers[] = {IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP};
	int64_t port = 0, end_port;
	int word = 0, r = json_int(entry, "port", 1, 65535, &port, f);

	if (!r && !port)
		r = fault_set(f, EINVAL, "\"port\" is missing");
	end_port = port;
	if (!r)
		r = json_int(entry, "endPort", 1, 65535, &end_port, f);
	if (!r && end_port < port)
		r = fault_set(f, EINVAL, "\"endPort\" %lld is below \"port\" %lld",
			      (long long)end_port, (long long)port);
	if (!r)
		r = json_word(entry, "protocol", words, &word, f);
	if (r)
		return r;
	out->port = (uint16_t)port;
	out->end_port = (uint16_t)end_port;
	out->protocol = numbers[word];
	return 0;
}

static int read_limits(const cJSON *entry, struct license_port *out, struct fault *f)
{
	const cJSON *tls = json_get(entry, "tls");
	int r = json_int(entry, "seats", 1, JSON_INT_MAX, &out->seats, f);

	if (!r)
		r = claims_quota(entry, &out->quota, f);
	if (!r)
		r = claims_rate(entry, &out->rate, f);
	if (!r && tls && !cJSON_IsTrue(tls))
		r = fault_set(f, EINVAL, "\"tls\" can only be true; leave it out otherwise");
	out->tls = tls != NULL;
	return r;
}

static int read_entry(const cJSON *entry, struct license_port *out, struct fault *f)
{
	static const char *const known[] = {"port",  "endPort", "protocol", "name", "seats",
					    "quota", "rate",	"tls",	    NULL};
	const char *unknown, *name = "";
	int r;

	if (!cJSON_IsObject(entry))
		return fault_set(f, EINVAL, "must be an object with \"port\"");
	unknown = json_unknown(entry, known);
	if (unknown)
		return fault_set(
			f, EINVAL,
			"member \"%.64s\" is unknown; this version can't honour it, ask the "
			"vendor for a license without",
			unknown);
	r = read_numbers(entry, out, f);
	if (!r)
		r = json_string(entry, "name", 0, sizeof(out->name) - 1, &name, f);
	if (r)
		return r;
	strcpy(out->name, name);
	return read_limits(entry, out, f);
}

int claims_ports(const cJSON *payload, struct license *lic, struct rejection *why)
{
	const cJSON *array = NULL, *entry;
	struct fault f = {""};
	int r = json_array(payload, "ports", 0, LICENSE_MAX_PORTS, &array, &f);

	if (r)
		return reject_fault(why, LICENSE_BAD_CLAIM, r, &f);
	lic->ports = calloc((size_t)cJSON_GetArraySize(array) + 1, sizeof(*lic->ports));
	if (!lic->ports)
		return -ENOMEM;
	cJSON_ArrayForEach (entry, array) {
		if (read_entry(entry, &lic->ports[lic->n_ports], &f))
			return reject(why, LICENSE_BAD_PORT, "\"ports\"[%zu]: %s", lic->n_ports,
				      f.text);
		lic->n_ports++;
	}
	return 0;
}
