/* SPDX-License-Identifier: MIT */
/*
 * fuzz_license.c - libFuzzer target over all that the core reads: from the bytes of a file to claims,
 * states and deadlines. What lies behind a signature is reached by signing the input here.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "base64.h"
#include "fuzz.h"
#include "fuzz_cluster.h"
#include "fuzz_kube.h"
#include "fuzz_pods.h"
#include "history.h"
#include "jwk.h"
#include "jws.h"
#include "license.h"
#include "lifecycle.h"
#include "moment.h"
#include "notify_target.h"
#include "policy.h"
#include "portlist.h"
#include "pull_memory.h"
#include "pull_source.h"
#include "revocation.h"
#include "trust.h"
#include "url.h"
#include "utf8.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct jwk key;
static struct trust *trust;
static struct license_check check;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	char x[BASE64_CHARS(32) + 1], text[512];
	uint8_t seed[32];
	struct fault f;

	memset(seed, FUZZ_SEED_BYTE, sizeof(seed));
	MUST(!trust_new(&trust));
	MUST(!jwk_from_seed(seed, FUZZ_KID, &key));
	base64_encode(key.public_key, sizeof(key.public_key), x);
	snprintf(
		text, sizeof(text),
		"{\"iss\":\"" FUZZ_ISS "\",\"allow\":{\"ports\":\"1024-65535\"},\"keys\":[{\"kty\":"
		"\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"" FUZZ_KID "\",\"retired\":1900000000,\"x\":"
		"\"%s\"}]}",
		x);
	MUST(!trust_add(trust, "fuzz.jwks", text, strlen(text), &f));
	check = (struct license_check){
		.trust = trust,
		.audience = FUZZ_AUD,
		.bind_cluster = "c",
		.bind_node = "n",
		.now = FUZZ_NOW,
	};
	return 0;
}

/* A message is printable UTF-8 and not empty. */
void must_be_text(const char *text)
{
	const unsigned char *c = (const unsigned char *)text;
	size_t left = strlen(text), n;

	MUST(left);
	for (; left; c += n, left -= n) {
		n = utf8_length(c, left);
		MUST(n && !utf8_control(c));
	}
}

static void must_be_rejected(int r, const struct rejection *why)
{
	MUST(r == -EBADMSG);
	MUST(why->reason > LICENSE_OK && why->reason < LICENSE_N_REASONS);
	must_be_text(why->detail);
}

static void judge(const struct license *lic)
{
	static const int64_t times[] = {INT64_MIN, 0, FUZZ_NOW, LICENSE_TIME_MAX, INT64_MAX};
	struct license_view views[2];

	for (size_t i = 0; i < sizeof(times) / sizeof(*times); i++) {
		memset(views, 0, sizeof(views));
		views[0].lic = views[1].lic = lic;
		lifecycle_judge(views, 2, NULL, times[i]);
		MUST(views[1].state == views[0].state && !views[0].equivocation);
		MUST(views[0].deadlines.cut_at >= views[0].deadlines.new_until);
	}
}

static void must_be_sound(const struct license *lic)
{
	MUST(!strcmp(lic->iss, FUZZ_ISS));
	MUST(lic->exp > lic->nbf && lic->nbf >= 1 && lic->exp <= LICENSE_TIME_MAX);
	MUST(lic->iat <= FUZZ_NOW + LIFECYCLE_SLACK_S);
	MUST(lic->n_aud >= 1 && lic->n_aud <= 16 && lic->n_features <= 64);
	MUST(lic->n_ports <= LICENSE_MAX_PORTS && lic->seq >= 0 && lic->grace_s >= 0);
	for (size_t i = 0; i < lic->n_ports; i++)
		MUST(lic->ports[i].port >= 1024 && lic->ports[i].end_port >= lic->ports[i].port);
	judge(lic);
}

static void read_license(const void *buf, size_t len)
{
	struct rejection why = {0};
	struct license *lic = NULL;
	int r = license_read(&check, buf, len, &lic, &why);

	if (r) {
		MUST(!lic);
		must_be_rejected(r, &why);
	} else {
		must_be_sound(lic);
	}
	license_free(lic);
	lic = NULL;
	license_peek(buf, len, &lic, &why);
	license_free(lic);
}

static void read_claims(const void *payload, size_t len)
{
	struct rejection why = {0};
	char *token;
	int r;

	MUST(!jws_sign(key.secret_key, "EdDSA", JWS_TYP_LICENSE, FUZZ_KID, payload, len, &token));
	read_license(token, strlen(token));
	free(token);
	r = license_check_claims(payload, len, FUZZ_NOW, &why);
	if (r)
		must_be_rejected(r, &why);
}

/* The header as it is, over an empty object. */
static void read_header(const uint8_t *header, size_t len)
{
	size_t at = BASE64_CHARS(len);
	char *token = malloc(at + 128);
	uint8_t signature[64];

	MUST(token);
	base64_encode(header, len, token);
	strcpy(token + at, ".e30");
	crypto_sign_detached(signature, NULL, (uint8_t *)token, at + 4, key.secret_key);
	token[at + 4] = '.';
	base64_encode(signature, sizeof(signature), token + at + 5);
	read_license(token, strlen(token));
	free(token);
}

static void read_list_file(const void *buf, size_t len)
{
	struct license lic = {.iss = FUZZ_ISS, .jti = "j", .lid = "l", .kid = FUZZ_KID};
	struct rejection why = {0};
	struct revocations *lists;
	int r;

	MUST(!revocations_new(&lists));
	r = revocations_add(lists, &check, buf, len, &why);
	if (r)
		must_be_rejected(r, &why);
	MUST((revocations_newest(lists, FUZZ_ISS) >= 0) == !r);
	MUST(revocations_at(lists, &lic) <= revocations_at_jti(lists, &lic));
	revocations_free(lists);
}

static void read_list(const void *payload, size_t len)
{
	char *token;

	MUST(!jws_sign(key.secret_key, "Ed25519", JWS_TYP_REVOCATION, FUZZ_KID, payload, len,
		       &token));
	read_list_file(token, strlen(token));
	free(token);
}

/* Strict JSON is still strict JSON when cJSON has written it. */
static void read_json(const char *text, size_t len)
{
	cJSON *tree = NULL, *again = NULL;
	struct json_error err;
	char *printed;

	if (json_parse(text, len, NULL, &tree, &err)) {
		MUST(!tree);
		return;
	}
	printed = cJSON_PrintUnformatted(tree);
	MUST(printed);
	MUST(!json_parse(printed, strlen(printed), NULL, &again, &err));
	cJSON_free(printed);
	cJSON_Delete(tree);
	cJSON_Delete(again);
}

static void read_trust(const void *buf, size_t len)
{
	struct trust *store;
	struct fault f = {""};

	MUST(!trust_new(&store));
	if (trust_add(store, "fuzz.jwks", buf, len, &f)) {
		must_be_text(f.text);
		MUST(!trust_n_keys(store) && !trust_n_vendors(store));
	} else {
		MUST(trust_n_vendors(store) == 1);
		trust_reserved(store, 1, 65535, NULL);
	}
	trust_free(store);
}

/* Sets are in order, each prefix once, with no bits behind it; one that admits nobody isn't read. */
static void must_be_from(const struct from *from)
{
	const struct source_set *set = &from->set;

	MUST(!set->id == !(set->n_prefixes || from->n_pods));
	MUST(!set->id == !from_set_id(from, "a") && !set->id == !from_set_id(from, NULL));
	MUST(set->n_prefixes <= FROM_MAX_PREFIXES);
	for (size_t i = 0; i < set->n_prefixes; i++) {
		const struct source_prefix *p = &set->prefixes[i];

		MUST(p->len <= 128 && (!i || memcmp(p - 1, p, sizeof(p->address) + 1) < 0));
		for (unsigned int bit = p->len; bit < 128; bit++)
			MUST(!(p->address[bit / 8] >> (7 - bit % 8) & 1));
	}
}

/* Whatever it says of pods: a namespace of the system is matched by its own name alone. */
static void must_match_as_said(const struct policy *policy)
{
	struct label label = {(char *)"app", (char *)"web"};
	struct labels labels = {&label, 1};
	struct policy_subject subject = {.gate = "g",
					 .namespace = "kube-system",
					 .labels = &labels,
					 .namespace_labels = &labels,
					 .by_name_only = true};
	bool spelled_out = false;

	for (size_t i = 0; i < policy->n_namespaces; i++)
		spelled_out |= !strcmp(policy->namespaces[i], "kube-system");
	MUST(spelled_out || !policy_matches(policy, &subject));
	subject.by_name_only = false;
	MUST(!policy_matches(policy, &subject) ||
	     policy_may_match(policy, "kube-system", &labels, false));
	MUST(policy_has_pods(policy) || !policy_matches(policy, &subject));
}

static void read_policy(const void *buf, size_t len)
{
	struct policy *policy = NULL;
	struct fault f = {""};

	if (policy_parse("fuzz.json", buf, len, trust, &policy, &f)) {
		must_be_text(f.text);
		return;
	}
	policy_matches(policy, &(struct policy_subject){.gate = "acme-1"});
	must_match_as_said(policy);
	for (size_t i = 0; i < policy->n_open; i++)
		must_be_from(&policy->open[i].from);
	for (size_t i = 0; i < policy->n_ports; i++)
		must_be_from(&policy->ports[i].from);
	policy_free(policy);
}

static void read_private(const void *buf, size_t len)
{
	struct fault f = {""};
	struct jwk out;

	if (jwk_read_private("fuzz.jwk", buf, len, &out, &f))
		must_be_text(f.text);
}

static void read_ports(const void *buf, size_t len)
{
	char *text = strndup(buf, len);
	struct port_range *list;
	size_t n;

	MUST(text);
	if (!portlist_parse(text, &list, &n)) {
		MUST(n >= 1 && list[0].first >= 1);
		for (size_t i = 1; i < n; i++)
			MUST(list[i].first > list[i - 1].last + 1);
		free(list);
	}
	free(text);
}

static void read_moment(const void *buf, size_t len)
{
	char *text = strndup(buf, len);
	struct fault f = {""};
	int64_t t = -1;

	MUST(text);
	if (moment_parse(text, FUZZ_NOW, &t, &f)) {
		MUST(t == -1);
		must_be_text(f.text);
	} else {
		MUST(t >= 1 && t <= LICENSE_TIME_MAX);
	}
	free(text);
}

/* What was read is what is written, and read again. */
static void read_history(const void *buf, size_t len)
{
	const struct clock_look look = {FUZZ_NOW * 1000000000LL, 1000, true};
	struct license lic = {.iss = FUZZ_ISS, .jti = "j", .lid = "l", .kid = FUZZ_KID, .seq = 1};
	struct history history = {0}, again = {0};
	struct fault f = {""};
	struct effective e;
	char *text, *twice;

	if (history_parse("state.json", buf, len, &history, &f)) {
		must_be_text(f.text);
		MUST(!history.lines.n && !history.announced);
		return;
	}
	lines_above(&history.lines, &lic, NULL, FUZZ_NOW);
	effective_start(&e, history.boot[0] ? &history.clock : NULL, true, &look);
	text = history_print(&history);
	MUST(text && !history_parse("state.json", text, strlen(text), &again, &f));
	twice = history_print(&again);
	MUST(twice && !strcmp(text, twice));
	free(text);
	free(twice);
	history_free(&history);
	history_free(&again);
}

/* What was taken can be used as it is: https, plain names, labels that differ. */
static void read_config(const char *text, size_t len)
{
	struct notify_targets targets = {0};
	struct pull_sources sources = {0};
	struct fault f = {""};
	cJSON *root = NULL;
	struct url url;

	if (json_parse_object("fuzz", text, len, &root, &f))
		return;
	if (pull_sources_read(root, &sources, &f))
		must_be_text(f.text);
	for (size_t i = 0; i < sources.n; i++) {
		MUST(!url_parse(sources.list[i].url, &url, NULL) && url.https);
		MUST(!strpbrk(sources.list[i].name, "/~ ") && sources.list[i].name[0] != '.');
		MUST(sources.list[i].interval_s >= PULL_MIN_INTERVAL_S);
	}
	pull_sources_free(&sources);
	if (notify_targets_read(root, &targets, &f))
		must_be_text(f.text);
	for (size_t i = 0; i < targets.n; i++) {
		MUST(!targets.list[i].argv == !!targets.list[i].webhook);
		MUST(targets.list[i].label[0]);
		notify_target_hears(&targets.list[i], "license_state");
	}
	notify_targets_free(&targets);
	cJSON_Delete(root);
}

static void read_memory(const char *text, size_t len)
{
	struct pull_memory memory = {0};
	struct fault f = {""};
	char *again;

	if (pull_memory_read("fuzz", text, len, &memory, &f)) {
		must_be_text(f.text);
		return;
	}
	MUST(!memory.etag[0] || pull_validator_ok(memory.etag, PULL_ETAG_MAX));
	MUST(!memory.modified[0] || pull_validator_ok(memory.modified, PULL_MODIFIED_MAX));
	again = pull_memory_write(&memory);
	pull_memory_free(&memory);
	MUST(again && !pull_memory_read("fuzz", again, strlen(again), &memory, &f));
	pull_memory_free(&memory);
	free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* A copy of the exact size: a read past the end is ASan's. */
	size_t len = size ? size - 1 : 0;
	uint8_t *rest;

	if (!size)
		return -1;
	rest = malloc(len + !len);
	MUST(rest);
	memcpy(rest, data + 1, len);
	switch (data[0]) {
	case FUZZ_TOKEN:
		read_license(rest, len);
		break;
	case FUZZ_CLAIMS:
		read_claims(rest, len);
		break;
	case FUZZ_HEADER:
		read_header(rest, len);
		break;
	case FUZZ_JSON:
		read_json((char *)rest, len);
		break;
	case FUZZ_TRUST:
		read_trust(rest, len);
		break;
	case FUZZ_LIST_FILE:
		read_list_file(rest, len);
		break;
	case FUZZ_LIST:
		read_list(rest, len);
		break;
	case FUZZ_POLICY:
		read_policy(rest, len);
		break;
	case FUZZ_PRIVATE:
		read_private(rest, len);
		break;
	case FUZZ_PORTS:
		read_ports(rest, len);
		break;
	case FUZZ_MOMENT:
		read_moment(rest, len);
		break;
	case FUZZ_HISTORY:
		read_history(rest, len);
		break;
	case FUZZ_CONFIG:
		read_config((char *)rest, len);
		break;
	case FUZZ_RESOURCE:
		fuzz_object((char *)rest, len);
		break;
	case FUZZ_SEATS:
		fuzz_seats((char *)rest, len);
		break;
	case FUZZ_REPORT:
		fuzz_report((char *)rest, len);
		break;
	case FUZZ_MEMORY:
		read_memory((char *)rest, len);
		break;
	case FUZZ_EVENTS:
		fuzz_kube(KUBE_STREAM_WATCH, (char *)rest, len);
		break;
	case FUZZ_OBJECTS:
		fuzz_kube(KUBE_STREAM_LIST, (char *)rest, len);
		break;
	case FUZZ_POD:
		fuzz_pod((char *)rest, len);
		break;
	case FUZZ_SELECTOR:
		fuzz_selector((char *)rest, len);
		break;
	case FUZZ_CGROUP:
		fuzz_cgroup((char *)rest, len);
		break;
	case FUZZ_PEERS:
		fuzz_peers((char *)rest, len);
		break;
	case FUZZ_NODE:
		fuzz_node((char *)rest, len);
		break;
	default:
		free(rest);
		return -1;
	}
	free(rest);
	return 0;
}
