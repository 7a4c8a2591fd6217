/* SPDX-License-Identifier: MIT */
/* api_cni.c - POST /v1/cni: portlic-cni asks about a pod that a runtime is about to start, checks or ends. */
#include "api.h"

#include <microhttpd.h>
#include <string.h>

#include "agent.h"
#include "pods.h"
#include "reply.h"

enum command { ADD, CHECK, DEL };
static const char *const commands[] = {"ADD", "CHECK", "DEL", NULL};

#define MAX_TEXT 4095 /* bytes of a path; names are shorter */

static int read_question(const cJSON *root, int *command, struct pods_sandbox *out, struct fault *f)
{
	static const char *const keys[] = {"command",	"namespace", "name",   "uid",
					   "container", "netns",     "ifname", NULL};
	const char *ifname = NULL;
	const struct {
		const char *name;
		const char **at;
	} texts[] = {{"namespace", &out->namespace}, {"name", &out->name},   {"uid", &out->uid},
		     {"container", &out->container}, {"netns", &out->netns}, {"ifname", &ifname}};
	int err = json_keys(root, keys, f);

	*command = -1;
	if (!err)
		err = json_word(root, "command", commands, command, f);
	for (size_t i = 0; i < ARRAY_SIZE(texts) && !err; i++)
		err = json_string(root, texts[i].name, 1, MAX_TEXT, texts[i].at, f);
	if (!err && *command < 0)
		err = fault_set(f, EINVAL, "\"command\" is missing: ADD, CHECK or DEL");
	if (!err && !out->container)
		err = fault_set(f, EINVAL, "\"container\" is missing: the id of the sandbox");
	if (!err && !out->netns && *command != DEL)
		err = fault_set(f, EINVAL, "\"netns\" is missing: the path of the pod's namespace");
	return err;
}

static void put_result(struct http_request *request, const char *word,
		       const struct gate_entry *gate)
{
	cJSON *root = cJSON_CreateObject();

	cJSON_AddStringToObject(root, "result", word);
	json_put_string(root, "gate", gate ? gate->name : NULL);
	reply_json(request, MHD_HTTP_OK, root);
}

static void done(void *arg, enum pods_answer answer, const struct gate_entry *gate,
		 const struct fault *f)
{
	struct http_request *request = arg;

	switch (answer) {
	case PODS_UNSELECTED:
		put_result(request, "unselected", NULL);
		break;
	case PODS_GATED:
		put_result(request, "gated", gate);
		break;
	case PODS_REFUSED:
		reply_error(request,
			    request->http->agent->stopping ? MHD_HTTP_SERVICE_UNAVAILABLE
							   : MHD_HTTP_UNPROCESSABLE_CONTENT,
			    "%s", f->text);
	}
}

void api_cni_post(struct agent *agent, struct http_request *request, const char *name)
{
	struct pods_sandbox sandbox = {0};
	_json_ cJSON *root = NULL;
	struct fault f = {0};
	int command = -1, err;

	err = json_parse_object("the body", request->body ? request->body : "", request->body_len,
				&root, &f);
	if (!err)
		err = read_question(root, &command, &sandbox, &f);
	if (err)
		reply_error(request, MHD_HTTP_BAD_REQUEST, "%s", f.text);
	else if (command == ADD)
		pods_sandbox_add(agent, &sandbox, done, request);
	else if (command == CHECK)
		pods_sandbox_check(agent, &sandbox, done, request);
	else
		pods_sandbox_del(agent, &sandbox, done, request);
}
