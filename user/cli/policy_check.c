/* SPDX-License-Identifier: MIT */
/* policy_check.c - portlic policy check: would a node take these files? */
#include <errno.h>

#include "files.h"
#include "output.h"
#include "policy.h"
#include "trust_store.h"

static void policy_free_at(struct policy **policy)
{
	policy_free(*policy);
}

static cJSON *checked_json(const char *file, const struct policy *policy, const struct fault *f)
{
	static const char *const modes[] = {"enforce", "audit", "off"}; /* enum plic_mode */
	static const char *const denials[] = {"refuse", "drop"};	/* enum plic_deny */
	cJSON *object = cJSON_CreateObject(), *gates;

	cJSON_AddStringToObject(object, "file", file);
	cJSON_AddStringToObject(object, "state", policy ? "ok" : "refused");
	if (!policy) {
		cJSON_AddStringToObject(object, "detail", f->text);
		return object;
	}
	cJSON_AddStringToObject(object, "name", policy->name);
	cJSON_AddStringToObject(object, "mode", modes[policy->mode]);
	cJSON_AddStringToObject(object, "deny", denials[policy->deny]);
	gates = cJSON_AddArrayToObject(object, "gates");
	for (size_t i = 0; i < policy->n_gates; i++)
		cJSON_AddItemToArray(gates, cJSON_CreateString(policy->gates[i]));
	cJSON_AddNumberToObject(object, "open", (double)policy->n_open);
	cJSON_AddNumberToObject(object, "ports", (double)policy->n_ports);
	return object;
}

static void print_checked(const cJSON *checked, const struct policy *policy)
{
	_free_ char *file = printable(member_text(checked, "file"));
	_free_ char *name = printable(policy->name);

	printf("%s: ok, policy %s, %s, %s, %zu open, %zu ports, gates", file ? file : "?",
	       name ? name : "?", member_text(checked, "mode"), member_text(checked, "deny"),
	       policy->n_open, policy->n_ports);
	for (size_t i = 0; i < policy->n_gates; i++) {
		_free_ char *gate = printable(policy->gates[i]);

		printf(" %s", gate ? gate : "?");
	}
	puts(policy->n_gates ? "" : " none");
}

/* 0, EXIT_REFUSED after it was told, or EXIT_USAGE with a message. */
static int check_one(const struct args *args, const struct trust *trust, const char *file,
		     struct failure *why)
{
	_cleanup_(policy_free_at) struct policy *policy = NULL;
	_buffer_ struct buffer text = {};
	_json_ cJSON *checked = NULL;
	struct fault f = {};
	int r = file_read(file, POLICY_MAX_BYTES, &text, why);

	if (r)
		return r;
	r = policy_parse(file, text.bytes, text.len, trust, &policy, &f);
	if (r == -ENOMEM)
		return fail(why, EXIT_USAGE, "out of memory");
	checked = checked_json(file, policy, &f);
	if (args->json) {
		if (print_json_line(checked, why))
			return EXIT_USAGE;
	} else if (policy) {
		print_checked(checked, policy);
	} else {
		print_failure(false, &(struct failure){.fault = f});
	}
	if (policy && !policy->n_gates)
		warning("\"%s\" has no \"match\": in the policy directory it holds for no gate",
			file);
	return policy ? 0 : EXIT_REFUSED;
}

int cmd_policy_check(const struct args *args, struct failure *why)
{
	_trust_ struct trust *trust = NULL;
	const char *dir = option_text(args, OPT_TRUST);
	int worst = dir ? trust_store_load(dir, &trust, why) : 0;

	for (size_t i = 0; i < args->n_operands && worst != EXIT_USAGE; i++) {
		int r = check_one(args, trust, args->operands[i], why);

		worst = r > worst ? r : worst;
	}
	return worst;
}
