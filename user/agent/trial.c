/* SPDX-License-Identifier: MIT */
/* trial.c - holds until it is confirmed, or goes by itself. */
#include "trial.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "agent.h"
#include "cleanup.h"
#include "drill.h"
#include "file.h"
#include "log.h"
#include "reply.h"
#include "stamp.h"
#include "whatif.h"

static const char *const kind_words[] = {
	[TRIAL_NONE] = "", [TRIAL_LICENSE] = "license", [TRIAL_POLICY] = "policy"};

void trial_free(struct trial *trial)
{
	free(trial->file);
	free(trial->bytes);
	policy_free(trial->policy);
	*trial = (struct trial){0};
}

static void tell(const struct trial *trial, enum log_level level, const char *event,
		 const char *message)
{
	char until[STAMP_LEN];

	log_event(level, event,
		  LOG_FIELDS("kind", kind_words[trial->kind], "file", trial->file, "until",
			     stamp_format(trial->until, until)),
		  "%s", message);
}

static void hash_replaced(const struct agent *agent, const struct trial *trial, uint8_t sha256[32])
{
	const struct source *source =
		trial->kind == TRIAL_POLICY ? &agent->policies.source : &agent->licenses.source;
	const struct source_file *file = source_find(source, trial->file);

	memset(sha256, 0, 32);
	if (file && file->good)
		crypto_hash_sha256(sha256, file->good, file->good_len);
}

int trial_begin(struct agent *agent, enum trial_kind kind, const char *file, const void *bytes,
		size_t len, int64_t seconds, struct fault *f)
{
	struct trial trial = {.kind = kind, .len = len};
	char until[STAMP_LEN];

	if (agent->trial.kind != TRIAL_NONE)
		return fault_set(f, EBUSY,
				 "%s \"%s\" is on trial until %s: `portlic policy confirm` keeps "
				 "it, `portlic policy rollback` takes it back",
				 kind_words[agent->trial.kind], agent->trial.file,
				 stamp_format(agent->trial.until, until));
	trial.file = strdup(file);
	trial.bytes = malloc(len + 1);
	if (!trial.file || !trial.bytes) {
		trial_free(&trial);
		return -ENOMEM;
	}
	memcpy(trial.bytes, bytes, len);
	trial.bytes[len] = '\0';
	if (kind == TRIAL_POLICY) {
		int err = policy_parse(file, bytes, len, agent->vendors.trust, &trial.policy, f);

		if (err) {
			trial_free(&trial);
			return err;
		}
	}
	hash_replaced(agent, &trial, trial.replaced);
	trial.until = clock_now(&agent->clock) + seconds;
	trial.until_ns = clock_boot_ns() + seconds * 1000000000ULL;
	agent->trial = trial;
	tell(&trial, LOG_WARN, "trial_begun", "it holds until then unless it is confirmed");
	return 0;
}

static int write_down(const struct agent *agent, const struct trial *trial, struct fault *f)
{
	_free_ char *path = NULL;

	if (trial->kind == TRIAL_POLICY)
		return policies_write(&agent->policies, trial->file, trial->bytes, trial->len, f);
	if (asprintf(&path, "%s/%s", agent->config.license_dir, trial->file) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	return file_replace(path, trial->bytes, trial->len, 0600, f);
}

int trial_confirm(struct agent *agent, struct fault *f)
{
	struct trial *trial = &agent->trial;
	int err;

	agent_rescan(agent); /* its file may have changed: that isn't overwritten */
	if (trial->kind == TRIAL_NONE)
		return fault_set(f, ENOENT, "nothing waits to be confirmed");
	err = write_down(agent, trial, f);
	if (err)
		return err;
	tell(trial, LOG_INFO, "trial_confirmed", "it holds for good");
	trial_free(trial);
	agent_rescan(agent);
	rules_changed(agent); /* also where the file was there with these bytes */
	return 0;
}

static void take_back(struct agent *agent, const char *message)
{
	tell(&agent->trial, LOG_WARN, "trial_rolled_back", message);
	trial_free(&agent->trial);
	rules_changed(agent);
}

int trial_rollback(struct agent *agent, struct fault *f)
{
	bool drills = drill_end_all(agent);

	if (agent->trial.kind != TRIAL_NONE)
		take_back(agent, "on request: what held before holds again");
	else if (drills)
		rules_changed(agent);
	else
		return fault_set(f, ENOENT,
				 "nothing is on trial, and no rehearsal is enforced; a policy that "
				 "was applied is taken away by `portlic policy del`, a license by "
				 "`portlic license unload`");
	return 0;
}

void trial_spoil(struct agent *agent)
{
	agent->trial.spoilt = agent->trial.kind != TRIAL_NONE;
}

void trial_tick(struct agent *agent)
{
	if (agent->trial.kind == TRIAL_NONE)
		return;
	if (agent->trial.spoilt)
		take_back(agent, "a gate's rules can't be made with it: what held before holds");
	else if (clock_boot_ns() >= agent->trial.until_ns)
		take_back(agent, "nobody confirmed it: what held before holds again");
}

static bool is_taken(const struct agent *agent, const struct trial *trial)
{
	const struct trust *trust = agent->vendors.trust;
	struct license_check check =
		licenses_check(&agent->licenses, trust, clock_now(&agent->clock));
	struct policy *policy = NULL;
	struct license *lic = NULL;
	struct rejection why;
	struct fault f;
	int err = trial->kind == TRIAL_POLICY
			  ? policy_parse(trial->file, trial->bytes, trial->len, trust, &policy, &f)
			  : license_read(&check, trial->bytes, trial->len, &lic, &why);

	policy_free(policy);
	license_free(lic);
	return err != -EBADMSG;
}

void trial_rescanned(struct agent *agent, bool trust_changed)
{
	const struct trial *trial = &agent->trial;
	uint8_t present[32];

	if (trial->kind == TRIAL_NONE)
		return;
	hash_replaced(agent, trial, present);
	if (memcmp(present, trial->replaced, sizeof(present)))
		take_back(agent, "its file changed meanwhile: what the directory has holds");
	else if (trust_changed && !is_taken(agent, trial))
		take_back(agent, "the trust files changed, and it isn't taken any more");
}

static int put_license(const struct agent *agent, struct whatif *w)
{
	const struct trial *trial = &agent->trial;
	struct license_check check =
		licenses_check(&agent->licenses, agent->vendors.trust, clock_now(&agent->clock));
	struct license *lic = NULL;
	struct rejection why;

	/* Its key may have gone meanwhile: then it gives nothing. */
	if (license_read(&check, trial->bytes, trial->len, &lic, &why))
		return 0;
	return whatif_with(w, trial->file, lic);
}

int trial_put(const struct agent *agent, struct whatif *w)
{
	switch (agent->trial.kind) {
	case TRIAL_LICENSE:
		return put_license(agent, w);
	case TRIAL_POLICY:
		return whatif_policy(w, agent->trial.file, agent->trial.policy);
	default:
		return 0;
	}
}

cJSON *trial_json(const struct agent *agent)
{
	cJSON *item;

	if (agent->trial.kind == TRIAL_NONE)
		return cJSON_CreateNull();
	item = cJSON_CreateObject();
	cJSON_AddStringToObject(item, "kind", kind_words[agent->trial.kind]);
	cJSON_AddStringToObject(item, "file", agent->trial.file);
	json_put_time(item, "until", agent->trial.until);
	return item;
}
