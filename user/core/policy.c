/* SPDX-License-Identifier: MIT */
/* policy.c - the operator's rules: read strictly, for a dropped member would open what it closes. */
#include "policy.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "claims.h"
#include "cleanup.h"
#include "json.h"
#include "policy_match.h"
#include "trust.h"

#define MAX_ENTRIES 4096 /* of `open` and of `ports` */
#define MAX_NAME 63

static const char *const mode_words[] = {"enforce", "audit", "off", NULL}; /* enum plic_mode */
static const char *const port_mode_words[] = {"enforce", "audit", NULL};
static const char *const deny_words[] = {"refuse", "drop", NULL}; /* enum plic_deny */
static const char *const protocol_words[] = {"TCP", "UDP", "SCTP", NULL};
static const __u8 protocol_numbers[] = {IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP};

/* Members of the contract that narrow in a way that this version can't enforce. */
static const char *const ipproto_later[] = {"from", NULL};

struct range {
	uint16_t port, end_port;
	uint8_t ip_proto;
};

/* An object may have the members in known; those in later are refused in other words. */
static int check_members(const cJSON *object, const char *const *known, const char *const *later,
			 struct fault *f)
{
	const char *unknown = json_unknown(object, known);

	for (; later && *later; later++)
		if (json_get(object, *later))
			return fault_set(f, EBADMSG,
					 "\"%s\" narrows in a way that this version can't enforce; "
					 "remove it, or leave the whole entry out until a version "
					 "that can",
					 *later);
	if (unknown)
		return fault_set(f, EBADMSG,
				 "unknown member \"%.64s\"; remove it or correct its name",
				 unknown);
	return 0;
}

/* port, endPort and protocol, as a license has them. */
static int parse_range(const cJSON *object, struct range *out, struct fault *f)
{
	int64_t port = 0, end_port;
	int protocol = 0, err;

	if (!json_get(object, "port"))
		return fault_set(f, EBADMSG, "\"port\" is missing; give a number from 1 to 65535");
	err = json_int(object, "port", 1, 65535, &port, f);
	end_port = port;
	if (!err && json_get(object, "endPort"))
		err = json_int(object, "endPort", port, 65535, &end_port, f);
	if (!err)
		err = json_word(object, "protocol", protocol_words, &protocol, f);
	if (!err)
		*out = (struct range){port, end_port, protocol_numbers[protocol]};
	return err;
}

static int check_reserved(const struct trust *trust, const struct range *r, struct fault *f)
{
	const struct trust_vendor *vendor =
		trust ? trust_reserved(trust, r->port, r->end_port, NULL) : NULL;

	if (!vendor)
		return 0;
	return fault_set(
		f, EBADMSG,
		"ports %u-%u reach into what \"%.128s\" reserves (trust file \"%.64s\"): only "
		"its licenses open that; remove the entry, or load a license",
		r->port, r->end_port, vendor->iss, vendor->file);
}

/* A whole IP protocol, by number. */
static int parse_ip_proto(const cJSON *object, struct policy_open *out, struct fault *f)
{
	static const char *const known[] = {"ipproto", NULL};
	int64_t number = 0;
	int err = check_members(object, known, ipproto_later, f);

	if (!err)
		err = json_int(object, "ipproto", 0, 255, &number, f);
	if (err)
		return err;
	switch (number) {
	case IPPROTO_TCP:
	case IPPROTO_UDP:
	case IPPROTO_SCTP:
		return fault_set(f, EBADMSG,
				 "\"ipproto\" %d has ports; name them with \"port\", \"endPort\" "
				 "and \"protocol\"",
				 (int)number);
	case IPPROTO_ICMP:
	case IPPROTO_IGMP:
	case IPPROTO_ICMPV6:
		return fault_set(f, EBADMSG,
				 "\"ipproto\" %d (ICMP, IGMP) always passes; remove the entry",
				 (int)number);
	}
	*out = (struct policy_open){.ip_proto = number};
	return 0;
}

static int parse_open(const cJSON *object, const struct trust *trust, struct policy_open *out,
		      struct fault *f)
{
	static const char *const known[] = {"port", "endPort", "protocol", "from", NULL};
	struct from from = {0};
	struct range r;
	int err;

	if (json_get(object, "ipproto"))
		return parse_ip_proto(object, out, f);
	err = check_members(object, known, NULL, f);
	if (!err)
		err = parse_range(object, &r, f);
	if (!err)
		err = check_reserved(trust, &r, f);
	if (!err)
		err = from_parse(object, &from, f);
	if (!err)
		*out = (struct policy_open){.port = r.port,
					    .end_port = r.end_port,
					    .ip_proto = r.ip_proto,
					    .from = from};
	return err;
}

/* `off` is no mode of a port: what a gate refuses would pass uncounted. */
static int parse_port(const cJSON *object, struct policy_port *out, struct fault *f)
{
	static const char *const known[] = {"port", "endPort", "protocol", "mode", "deny",
					    "from", "seats",   "rate",	   "tls",  NULL};
	struct policy_port p = {.mode = -1, .deny = -1};
	struct range r;
	int err = check_members(object, known, NULL, f);

	if (!err)
		err = parse_range(object, &r, f);
	if (!err)
		err = json_word(object, "mode", port_mode_words, &p.mode, f);
	if (!err)
		err = json_word(object, "deny", deny_words, &p.deny, f);
	if (!err)
		err = json_int(object, "seats", 1, JSON_INT_MAX, &p.seats, f);
	if (!err)
		err = from_parse(object, &p.from, f);
	if (!err)
		err = claims_rate(object, &p.rate, f);
	if (!err)
		err = json_bool(object, "tls", &p.tls, f);
	if (err) {
		from_free(&p.from);
		return err;
	}
	p.port = r.port;
	p.end_port = r.end_port;
	p.ip_proto = r.ip_proto;
	*out = p;
	return 0;
}

/* What the entries of its arrays go into. */
struct reading {
	struct policy *policy;
	const struct trust *trust;
};

static int take_open(const cJSON *item, void *arg, struct fault *f)
{
	const struct reading *at = arg;
	struct policy *p = at->policy;
	int err = parse_open(item, at->trust, &p->open[p->n_open], f);

	p->n_open += !err;
	return err;
}

/* Which of two entries would hold is nothing to guess at. */
static int check_overlap(const struct policy *p, const struct policy_port *port, struct fault *f)
{
	for (size_t i = 0; i < p->n_ports; i++) {
		const struct policy_port *q = &p->ports[i];

		if (q->ip_proto == port->ip_proto && q->port <= port->end_port &&
		    port->port <= q->end_port)
			return fault_set(f, EBADMSG,
					 "names a port that \"ports\"[%zu] names too; keep one", i);
	}
	return 0;
}

static int take_port(const cJSON *item, void *arg, struct fault *f)
{
	const struct reading *at = arg;
	struct policy *p = at->policy;
	struct policy_port *port = &p->ports[p->n_ports];
	int err = parse_port(item, port, f);

	if (err)
		return err;
	err = check_overlap(p, port, f);
	if (err)
		from_free(&port->from);
	p->n_ports += !err;
	return err;
}

static int parse_entries(const cJSON *root, struct reading *at, struct fault *f)
{
	const cJSON *open = NULL, *ports = NULL;
	struct policy *p = at->policy;
	int err = json_array(root, "open", 0, MAX_ENTRIES, &open, f);

	if (!err)
		err = json_array(root, "ports", 0, MAX_ENTRIES, &ports, f);
	if (err)
		return err;
	p->open = calloc((size_t)cJSON_GetArraySize(open) + 1, sizeof(*p->open));
	p->ports = calloc((size_t)cJSON_GetArraySize(ports) + 1, sizeof(*p->ports));
	if (!p->open || !p->ports)
		return fault_set(f, ENOMEM, "out of memory");
	err = json_objects("open", open, take_open, at, f);
	return err ? err : json_objects("ports", ports, take_port, at, f);
}

static int parse_name(const cJSON *root, struct policy *p, struct fault *f)
{
	const char *name = NULL;
	int err = json_string(root, "name", 1, MAX_NAME, &name, f);

	if (err)
		return err;
	if (!name)
		return fault_set(f, EBADMSG, "\"name\" is missing; give the policy a name");
	p->name = strdup(name);
	return p->name ? 0 : fault_set(f, ENOMEM, "out of memory");
}

static int parse_root(const cJSON *root, const struct trust *trust, struct policy *p,
		      struct fault *f)
{
	static const char *const known[] = {"name",	"match", "mode", "deny",  "probes",
					    "brownout", "via",	 "open", "ports", NULL};
	struct reading reading = {p, trust};
	int64_t via = 0;
	int mode = PLIC_ENFORCE, deny = PLIC_REFUSE;
	int err = check_members(root, known, NULL, f);

	p->probes = true;
	if (!err)
		err = parse_name(root, p, f);
	if (!err)
		err = policy_match_parse(root, p, f);
	if (!err)
		err = json_word(root, "mode", mode_words, &mode, f);
	if (!err)
		err = json_word(root, "deny", deny_words, &deny, f);
	if (!err)
		err = json_bool(root, "probes", &p->probes, f);
	if (!err)
		err = json_bool(root, "brownout", &p->brownout, f);
	if (!err)
		err = json_int(root, "via", 1, 65535, &via, f);
	if (!err)
		err = parse_entries(root, &reading, f);
	p->mode = mode;
	p->deny = deny;
	p->via = via;
	return err;
}

static void cleanup_policy(struct policy **p)
{
	policy_free(*p);
}

int policy_parse(const char *file, const void *buf, size_t len, const struct trust *trust,
		 struct policy **out, struct fault *f)
{
	/* "values" of a selector of a "from" are the deepest. */
	static const struct json_limits limits = {.max_depth = 12, .max_members = 16384};
	_cleanup_(cleanup_policy) struct policy *p = NULL;
	_json_ cJSON *root = NULL;
	struct fault why = {0};
	int err;

	if (len > POLICY_MAX_BYTES)
		return fault_set(f, EBADMSG,
				 "policy \"%s\": %zu bytes, at most %d; split it by gates", file,
				 len, POLICY_MAX_BYTES);
	p = calloc(1, sizeof(*p));
	if (!p || !(p->file = strdup(file)))
		return fault_set(f, ENOMEM, "policy \"%s\": out of memory", file);
	err = json_parse_object_in("the file", buf, len, &limits, &root, &why);
	if (!err)
		err = parse_root(root, trust, p, &why);
	if (err)
		return fault_set(f, err == -ENOMEM ? ENOMEM : EBADMSG, "policy \"%s\": %s", file,
				 why.text);
	*out = TAKE_PTR(p);
	return 0;
}

void policy_free(struct policy *policy)
{
	if (!policy)
		return;
	policy_match_free(policy);
	for (size_t i = 0; i < policy->n_open; i++)
		from_free(&policy->open[i].from);
	for (size_t i = 0; i < policy->n_ports; i++)
		from_free(&policy->ports[i].from);
	free(policy->open);
	free(policy->ports);
	free(policy->name);
	free(policy->file);
	free(policy);
}

size_t policy_drop_reserved(struct policy *policy, const struct trust *trust)
{
	size_t i, n = 0, before = policy->n_open;

	for (i = 0; i < before; i++) {
		struct policy_open *open = &policy->open[i];

		if (open->port && trust_reserved(trust, open->port, open->end_port, NULL))
			from_free(&open->from);
		else
			policy->open[n++] = *open;
	}
	policy->n_open = n;
	return before - n;
}
