/* SPDX-License-Identifier: MIT */
/* api_gates.c - gates come, change, go and are shown. */
#include "api.h"

#include <errno.h>
#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>

#include "agent.h"
#include "attach.h"
#include "cgrouptree.h"
#include "gatefile.h"
#include "gateview.h"
#include "inspect.h"
#include "log.h"
#include "pods.h"
#include "reply.h"

/* ---- GET ---- */

static void inspected(void *arg)
{
	struct http_request *request = arg;
	const struct agent *agent = request->http->agent;
	cJSON *list = cJSON_CreateArray();
	size_t i;

	for (i = 0; i < agent->gates.n_entries; i++)
		cJSON_AddItemToArray(list, gate_json(agent, agent->gates.entries[i]));
	reply_json(request, MHD_HTTP_OK, list);
}

void api_gates_get(struct agent *agent, struct http_request *request, const char *name)
{
	inspect_gates(agent, NULL, INSPECT_ATTACHMENTS | INSPECT_LISTENERS | INSPECT_AHEAD,
		      inspected, request);
}

/* ---- POST and PATCH end alike: with the gate's object, once its rules are in force ---- */

struct change {
	struct http_request *request;
	unsigned int status;
	char name[GATE_NAME_MAX + 1];
};

static void change_applied(void *arg)
{
	struct change *change = arg;
	const struct agent *agent = change->request->http->agent;
	const struct gate_entry *entry = gates_find(&agent->gates, change->name);

	if (entry)
		reply_json(change->request, change->status, gate_json(agent, entry));
	else
		reply_error(change->request, MHD_HTTP_NOT_FOUND,
			    "gate \"%s\" was removed meanwhile", change->name);
	free(change);
}

static void change_reply(struct agent *agent, struct http_request *request, unsigned int status,
			 const char *name)
{
	struct change *change = calloc(1, sizeof(*change));

	if (!change) {
		reply_error(request, MHD_HTTP_INTERNAL_SERVER_ERROR, "out of memory");
		return;
	}
	change->request = request;
	change->status = status;
	strncpy(change->name, name, GATE_NAME_MAX);
	rules_when_applied(agent, change_applied, change);
}

/* The gate that a POST asked for is up, or it never was. */
static void posted(struct agent *agent, void *arg, int err, const struct fault *f)
{
	struct http_request *request = arg;
	struct gate_entry *entry = request->arg;

	if (err) {
		reply_error(request, MHD_HTTP_INTERNAL_SERVER_ERROR,
			    "gate \"%s\" can't come up: %s", entry->name,
			    f->text[0] ? f->text : strerror(-err));
		if (!entry->removed)
			attach_remove(agent, entry, NULL, NULL);
		return;
	}
	gatefile_save(agent);
	change_reply(agent, request, MHD_HTTP_CREATED, entry->name);
}

struct wish {
	const char *name;
	struct place place;
	uint64_t id;
};

/* Checks what a POST asks for; 0, or it has been answered. */
static int check_wish(struct agent *agent, struct http_request *request, struct wish *wish)
{
	const struct gate_entry *there;
	struct fault f = {0};

	if (!wish->name || !gate_name_ok(wish->name)) {
		reply_error(request, MHD_HTTP_BAD_REQUEST,
			    "\"name\" must be 1 to %d letters, digits, '.', '_' and '-', a letter "
			    "or digit at both ends, not \"%s\"",
			    GATE_NAME_MAX, wish->name ? wish->name : "");
		return -EINVAL;
	}
	if (!wish->place.cgroup && (!wish->place.netns || wish->place.netns[0] != '/')) {
		reply_error(request, MHD_HTTP_BAD_REQUEST,
			    "\"netns\" must be the absolute path of a network namespace, such as "
			    "\"/run/netns/NAME\", or \"cgroup\" must name a cgroup");
		return -EINVAL;
	}
	if (wish->place.cgroup && wish->place.netns) {
		reply_error(request, MHD_HTTP_BAD_REQUEST,
			    "a gate stands before one of \"netns\" and \"cgroup\", not both");
		return -EINVAL;
	}
	if (gates_find(&agent->gates, wish->name)) {
		reply_error(request, MHD_HTTP_CONFLICT,
			    "gate \"%s\" exists: delete it first, or take another name",
			    wish->name);
		return -EEXIST;
	}
	if (place_id(&wish->place, &wish->id, &f)) {
		reply_error(request, MHD_HTTP_NOT_FOUND, "gate \"%s\" wasn't added: %s", wish->name,
			    f.text);
		return -ENOENT;
	}
	if (place_check(agent, &wish->place, wish->id, &f)) {
		reply_error(request, MHD_HTTP_BAD_REQUEST, "%s", f.text);
		return -EINVAL;
	}
	there = gates_on(&agent->gates, &wish->place, wish->id);
	if (!there)
		return 0;
	reply_error(request, MHD_HTTP_CONFLICT, "the %s \"%s\" has a gate already: \"%s\"",
		    wish->place.cgroup ? "cgroup" : "namespace", place_path(&wish->place),
		    there->name);
	return -EEXIST;
}

static struct gate_entry *add_wish(struct agent *agent, struct http_request *request,
				   const struct wish *wish, const cJSON *policy)
{
	struct gate_entry *entry = gates_add(&agent->gates, wish->name, &wish->place);
	_free_ char *text = policy ? cJSON_PrintUnformatted(policy) : NULL;
	struct fault f = {0};

	if (!entry) {
		reply_error(request, MHD_HTTP_INTERNAL_SERVER_ERROR,
			    "no room for gate \"%s\": the most is %d", wish->name, PLIC_MAX_GATES);
		return NULL;
	}
	if (text && gate_entry_set_policy(entry, text, agent->vendors.trust, &f)) {
		reply_error(request, MHD_HTTP_UNPROCESSABLE_CONTENT,
			    "the gate's policy is refused: %s", f.text);
		gates_take_out(&agent->gates, entry);
		gate_entry_free(entry);
		return NULL;
	}
	return entry;
}

static cJSON *read_body(struct http_request *request, const char *const *keys)
{
	static const struct json_limits limits = {.max_depth = 12, .max_members = 1 << 16};
	struct json_error error;
	const char *unknown;
	cJSON *root = NULL;

	if (json_parse(request->body ? request->body : "", request->body_len, &limits, &root,
		       &error)) {
		reply_error(request, MHD_HTTP_BAD_REQUEST, "the body isn't strict JSON: %s",
			    error.text);
		return NULL;
	}
	unknown = json_unknown(root, keys);
	if (cJSON_IsObject(root) && !unknown)
		return root;
	if (unknown)
		reply_error(request, MHD_HTTP_BAD_REQUEST,
			    "the body must be an object without \"%s\"", unknown);
	else
		reply_error(request, MHD_HTTP_BAD_REQUEST, "the body must be an object");
	cJSON_Delete(root);
	return NULL;
}

/* Gates of before come first: one of them may stand on the same namespace, or have the name. */
static void post(void *arg)
{
	static const char *const keys[] = {"name", "netns", "cgroup", "policy", NULL};
	struct http_request *request = arg;
	struct agent *agent = request->http->agent;
	_json_ cJSON *root = read_body(request, keys);
	const cJSON *policy = NULL;
	const char *cgroup = NULL;
	_free_ char *resolved = NULL;
	struct gate_entry *entry;
	struct wish wish = {0};
	struct fault f = {0};

	if (!root)
		return;
	if (json_string(root, "name", 1, 256, &wish.name, &f) ||
	    json_string(root, "netns", 1, 4095, &wish.place.netns, &f) ||
	    json_string(root, "cgroup", 1, 4095, &cgroup, &f) ||
	    json_object(root, "policy", &policy, &f)) {
		reply_error(request, MHD_HTTP_BAD_REQUEST, "%s", f.text);
		return;
	}
	if (wish.place.netns && cgroup) {
		reply_error(request, MHD_HTTP_BAD_REQUEST,
			    "a gate has one of \"netns\" and \"cgroup\": leave one out");
		return;
	}
	if (!agent->ready) {
		reply_error(request, MHD_HTTP_SERVICE_UNAVAILABLE, "the agent is stopping");
		return;
	}
	if (cgroup && cgroup_resolve(cgroup, &resolved, &f)) {
		reply_error(request, MHD_HTTP_NOT_FOUND, "gate \"%s\" wasn't added: %s",
			    wish.name ? wish.name : "", f.text);
		return;
	}
	wish.place.cgroup = resolved;
	if (check_wish(agent, request, &wish))
		return;
	entry = add_wish(agent, request, &wish, policy);
	if (!entry)
		return;
	request->arg = entry;
	attach_open(agent, entry, wish.id, posted, request);
}

void api_gates_post(struct agent *agent, struct http_request *request, const char *unused)
{
	agent_when_ready(agent, post, request);
}

#define MODE_OF_POLICY (PLIC_OFF + 1) /* none of its own */

/* What a PATCH asks for. */
struct turn {
	int mode;	 /* -1: the same as before */
	int shield;	 /* enum shield_setting; -1: the same as before */
	int64_t seconds; /* 0: for good */
	const char *why;
};

static int read_turn(const cJSON *root, struct turn *turn, struct fault *f)
{
	static const char *const words[] = {"enforce", "audit", "off", "policy", NULL};
	int err = json_word(root, "mode", words, &turn->mode, f);

	if (!err)
		err = json_word(root, "shield", shield_words, &turn->shield, f);
	if (!err)
		err = json_int(root, "for", 1, GLASS_MAX_S, &turn->seconds, f);
	if (!err)
		err = json_string(root, "why", 1, GLASS_WHY_MAX, &turn->why, f);
	if (err)
		return err;
	if (turn->mode < 0 && (turn->shield < 0 || turn->seconds || turn->why))
		return fault_set(f, EINVAL,
				 "\"mode\" is missing: enforce, audit, off or policy (or "
				 "\"shield\": off, on or auto)");
	if (turn->mode == MODE_OF_POLICY && turn->seconds)
		return fault_set(f, EINVAL, "\"mode\" policy is for good: leave \"for\" out");
	if (!turn->seconds != !turn->why)
		return fault_set(f, EINVAL,
				 "\"for\" and \"why\" go together: who breaks the glass says why, "
				 "and it ends by itself");
	return 0;
}

static int take_turn(struct agent *agent, struct gate_entry *entry, const struct turn *turn)
{
	enum plic_mode mode;

	if (turn->seconds) {
		if (glass_break(agent, entry, turn->mode, turn->seconds, turn->why))
			return -ENOMEM;
	} else {
		glass_mend(entry);
		entry->mode = turn->mode == MODE_OF_POLICY ? -1 : turn->mode;
		mode = rules_mode(agent, entry);
		log_event(mode == PLIC_ENFORCE ? LOG_INFO : LOG_WARN, "gate_mode",
			  LOG_FIELDS("gate", entry->name, "mode", mode_word(mode)), "%s",
			  entry->mode < 0 ? "the policy's, on request" : "set on request");
	}
	gatefile_save(agent);
	rules_changed(agent);
	return 0;
}

static void patched(struct agent *agent, void *arg, int err, const struct fault *f)
{
	struct http_request *request = arg;
	const struct gate_entry *entry = request->arg;

	if (err)
		reply_error(request, MHD_HTTP_INTERNAL_SERVER_ERROR, "%s", f->text);
	else
		change_reply(agent, request, MHD_HTTP_OK, entry->name);
}

void api_gate_patch(struct agent *agent, struct http_request *request, const char *name)
{
	static const char *const keys[] = {"mode", "for", "why", "shield", NULL};
	struct gate_entry *entry = gates_named(&agent->gates, name);
	_json_ cJSON *root = NULL;
	struct turn turn = {.mode = -1, .shield = -1};
	struct fault f = {0};

	if (!entry) {
		reply_error(request, MHD_HTTP_NOT_FOUND, "there is no gate \"%s\"", name);
		return;
	}
	root = read_body(request, keys);
	if (!root)
		return;
	request->arg = entry;
	if (read_turn(root, &turn, &f))
		reply_error(request, MHD_HTTP_BAD_REQUEST, "%s", f.text);
	else if (turn.shield > SHIELD_OFF && entry->cgroup)
		reply_error(
			request, MHD_HTTP_BAD_REQUEST,
			"gate \"%s\" stands before a cgroup, which has no interface for a shield",
			name);
	else if (turn.mode >= 0 && take_turn(agent, entry, &turn))
		reply_error(request, MHD_HTTP_INTERNAL_SERVER_ERROR, "out of memory");
	else if (turn.shield < 0)
		change_reply(agent, request, MHD_HTTP_OK, entry->name);
	else
		shield_set(agent, entry, turn.shield, patched, request);
}

static void deleted(struct agent *agent, void *arg, int err, const struct fault *f)
{
	struct http_request *request = arg;

	if (err)
		reply_error(request, MHD_HTTP_INTERNAL_SERVER_ERROR,
			    "the gate can't be removed: %s", f->text);
	else
		http_reply(request, MHD_HTTP_NO_CONTENT, NULL, NULL);
}

void api_gate_delete(struct agent *agent, struct http_request *request, const char *name)
{
	struct gate_entry *entry = gates_named(&agent->gates, name);

	if (!entry)
		reply_error(request, MHD_HTTP_NOT_FOUND, "there is no gate \"%s\"", name);
	else if (pods_hold(agent, entry))
		reply_error(request, MHD_HTTP_CONFLICT,
			    "gate \"%s\" is of the pod \"%s/%s\", which is selected: change the "
			    "policy or annotation that selects it, or `portlic gate set %s --mode "
			    "off`",
			    entry->name, entry->pod->namespace, entry->pod->name, entry->name);
	else
		attach_remove(agent, entry, deleted, request);
}
