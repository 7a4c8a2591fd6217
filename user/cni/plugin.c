/* SPDX-License-Identifier: MIT */
/* plugin.c - ADD, CHECK, DEL, VERSION, GC and STATUS. */
#include "plugin.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent.h"
#include "call.h"
#include "cleanup.h"
#include "conf.h"
#include "decide.h"
#include "files.h"
#include "result.h"

#define START_AGENT                                                                                \
	"it is tried again; see the portlic agent of this node (kubectl -n portlic-system get "    \
	"pods -o "                                                                                 \
	"wide, or systemctl status portlicd)"

/* The exit status of what went to stdout. */
static int print(const char *text, int status)
{
	if (text && !files_write_all(STDOUT_FILENO, text, strlen(text)) &&
	    !files_write_all(STDOUT_FILENO, "\n", 1))
		return status;
	fprintf(stderr, "portlic-cni: the answer can't be written\n");
	return 1;
}

/* false: there is none that can be used, and why. */
static bool read_selection(const char *path, const char *namespace, struct cni_said *said,
			   struct fault *why)
{
	_free_ char *text = NULL;
	struct fault f = {0};
	size_t len = 0;

	if (!files_read(path, CNI_SELECTION_MAX_BYTES, &text, &len, &f) &&
	    !cni_selection_read(text, len, namespace, said, &f))
		return true;
	fault_set(why, EIO, "the agent's file \"%s\" can't be used: %s", path, f.text);
	return false;
}

/* Not to be asked about; false: why says what is known of the selection, "" if all is well. */
static bool is_passed_by(const struct cni_call *call, const struct cni_conf *conf, bool *watched,
			 struct fault *why)
{
	struct cni_said said;
	bool known = read_selection(conf->selection, call->namespace, &said, why);

	*watched = cni_is_watched(call, conf, known ? &said : NULL);
	return !cni_may_be_selected(call, conf, known ? &said : NULL);
}

/* The agent couldn't be asked, or said no: closed refuses, open lets the pod start ungated. */
static int fall(const struct cni_call *call, const struct cni_conf *conf, bool watched,
		enum cni_answer answer, const struct fault *why, const struct fault *selection,
		struct cni_error *error)
{
	enum cni_code code = answer == CNI_REFUSAL ? CNI_REFUSED
			     : answer == CNI_AWAY  ? CNI_TRY_AGAIN
						   : CNI_NOT_UNDERSTOOD;
	struct fault pod;

	cni_pod_text(call, &pod);
	if (conf->fail_open || watched) {
		fprintf(stderr, "portlic-cni: %s isn't gated (%s): %s%s%s\n", pod.text,
			watched ? "it would only be watched" : "\"fail\": \"open\"", why->text,
			selection->text[0] ? "; " : "", selection->text);
		return 0;
	}
	if (answer == CNI_REFUSAL)
		return cni_fail(error, code,
				"it is tried again; see \"portlic status\" on this node", "%s",
				why->text); /* names the pod */
	return cni_fail(error, code, START_AGENT, "portlic: %s may have to be gated, but %s%s%s",
			pod.text, why->text, selection->text[0] ? "; " : "", selection->text);
}

/* ADD and CHECK: 0 if the pod may go on. */
static int judge(const struct cni_call *call, const struct cni_conf *conf, struct cni_error *error)
{
	struct fault selection = {0}, why = {0};
	enum cni_answer answer;
	bool watched;

	if (is_passed_by(call, conf, &watched, &selection))
		return 0;
	answer = cni_ask(conf->socket, call, &why);
	if (answer == CNI_GATED || answer == CNI_UNSELECTED)
		return 0;
	/* Nobody knows what is selected, and `open` says what then. */
	return fall(call, conf, watched, answer, &why, &selection, error);
}

static int add(const struct cni_call *call, const struct cni_conf *conf, struct cni_error *error)
{
	_free_ char *text = NULL;

	if (judge(call, conf, error))
		return -1;
	text = cni_result_text(conf->previous, conf->version);
	return text ? print(text, 0) : cni_fail(error, CNI_IO, "", "out of memory");
}

/* What can't be told to the agent it finds out by itself: a pod must be able to end. */
static int del(const struct cni_call *call, const struct cni_conf *conf)
{
	struct fault selection = {0}, why = {0};
	enum cni_answer answer;
	bool watched;

	if (is_passed_by(call, conf, &watched, &selection))
		return 0;
	answer = cni_ask(conf->socket, call, &why);
	if (answer != CNI_GATED && answer != CNI_UNSELECTED)
		fprintf(stderr, "portlic-cni: DEL: %s; the agent will see that it is gone\n",
			why.text);
	return 0;
}

/*
 * A node that isn't ready starts no pod at all, not even the agent's: so as long as the selection says who may
 * start without the agent, the plugin is available.
 */
static int status(const struct cni_conf *conf, struct cni_error *error)
{
	struct fault selection = {0}, why = {0};
	struct cni_said said;

	if (read_selection(conf->selection, NULL, &said, &selection) || conf->fail_open ||
	    cni_agent_lives(conf->socket, &why) == CNI_GATED)
		return 0;
	return cni_fail(error, CNI_UNAVAILABLE, START_AGENT,
			"portlic can't say which pods need a gate: %s; %s", why.text,
			selection.text);
}

static int version(const struct cni_conf *conf, struct cni_error *error)
{
	_free_ char *text = cni_versions_text(conf->version);

	return text ? print(text, 0) : cni_fail(error, CNI_IO, "", "out of memory");
}

/* -1: error; else the exit status. */
static int run(const struct cni_call *call, const struct cni_conf *conf, struct cni_error *error)
{
	switch (call->command) {
	case CNI_ADD:
		return add(call, conf, error);
	case CNI_CHECK:
		return judge(call, conf, error);
	case CNI_DEL:
		return del(call, conf);
	case CNI_VERSION:
		return version(conf, error);
	case CNI_STATUS:
		return status(conf, error);
	case CNI_GC:
		break; /* the plugin keeps nothing, and the agent collects what is gone by itself */
	}
	return 0;
}

static const char *environment(void *arg, const char *name)
{
	return getenv(name);
}

static int read_conf(const struct cni_call *call, struct cni_conf *conf, char **text,
		     struct cni_error *error)
{
	struct fault f = {0};
	size_t len = 0;

	if (files_read_fd(STDIN_FILENO, CNI_STDIN_MAX, text, &len, &f))
		return cni_fail(error, CNI_IO, "this is for the runtime to mend",
				"the configuration on stdin can't be read: %s", f.text);
	if (call->command == CNI_VERSION)
		return cni_conf_read_version(*text, len, conf, error);
	return cni_conf_read(call->command, *text, len, conf, error);
}

int plugin_run(void)
{
	_free_ char *text = NULL, *why = NULL;
	struct cni_error error = {0};
	struct cni_call call = {0};
	struct cni_conf conf = {0};
	int r = cni_call_read(environment, NULL, &call, &error);

	if (!r)
		r = read_conf(&call, &conf, &text, &error);
	if (!r)
		r = run(&call, &conf, &error);
	if (r < 0) {
		why = cni_error_text(&error, conf.version);
		r = print(why, 1);
	}
	cni_conf_free(&conf);
	cni_call_free(&call);
	return r;
}
