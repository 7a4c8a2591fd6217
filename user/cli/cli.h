/* SPDX-License-Identifier: MIT */
/* cli.h - what the verbs of portlic share: the command table's row, the arguments, the exit codes. */
#ifndef PORTLIC_CLI_H
#define PORTLIC_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fault.h"

/* Exit status; `license verify` has its own besides (license_verify.c). */
enum exit_code {
	EXIT_DONE = 0,
	EXIT_REFUSED = 1,  /* a license, a policy, a failed check */
	EXIT_USAGE = 2,	   /* usage or I/O */
	EXIT_DENIED = 3,   /* explain: such a connection is denied */
	EXIT_NO_AGENT = 4, /* nobody answers on the socket */
};

/* Why a verb failed: main prints it, as text on stderr or as an object on stdout. */
struct failure {
	struct fault fault;
	char reason[32]; /* a stable word where the contract has one, else "" */
};

/* Writes the message and returns code. */
__attribute__((format(printf, 3, 4))) int fail(struct failure *why, enum exit_code code,
					       const char *fmt, ...);

enum option_id {
	OPT_SOCKET,
	OPT_OUTPUT,
	OPT_HELP,
	OPT_VERSION,
	OPT_GATE,
	OPT_ISS,
	OPT_KID,
	OPT_OUT,
	OPT_KEY,
	OPT_ALG,
	OPT_REVOCATION_LIST,
	OPT_TRUST,
	OPT_AUDIENCE,
	OPT_NOW,
	OPT_REVOCATIONS,
	OPT_BIND,
	OPT_NETNS,
	OPT_CGROUP,
	OPT_PID,
	OPT_POLICY,
	OPT_MODE,
	OPT_SHIELD,
	OPT_FOR,
	OPT_WHY,
	OPT_AT,
	OPT_WITHOUT,
	OPT_WITH,
	OPT_ALL,
	OPT_CONFIRM,
	OPT_ENFORCE,
	OPT_FOLLOW,
	OPT_VERDICT,
	OPT_PORT,
	OPT_SINCE,
	OPT_FROM,
	OPT_ORIGIN,
	OPT_CONFIG,
	OPT_STATE,
	OPT_FORCE,
	OPT_CNI_BIN,
	OPT_CNI_CONF,
	OPT_COUNT,
};
#define OPTION_BIT(id) (1ULL << (id))
#define OPTION(name) OPTION_BIT(OPT_##name)
#define OPTIONS_GLOBAL (OPTION(SOCKET) | OPTION(OUTPUT) | OPTION(HELP) | OPTION(VERSION))

struct option_value {
	const char *text; /* NULL: not given */
	int64_t number;	  /* of a number; of a choice: its index */
};

struct args;

struct example {
	const char *command, *why;
};

/* One verb. The table of them drives dispatch, help, completion and the test of the man page. */
struct command {
	const char *noun; /* NULL: a bare verb */
	const char *verb;
	const char *usage;   /* what follows the verb */
	const char *summary; /* one line */
	uint64_t options, required;
	size_t min_operands, max_operands;
	int (*run)(const struct args *args, struct failure *why);
	struct example examples[3];
	const char *exit_status; /* NULL: as all commands */
};

struct args {
	const struct command *command;
	struct option_value options[OPT_COUNT];
	char **operands; /* what stands behind the verb */
	size_t n_operands;
	bool json;
};

static inline const char *option_text(const struct args *args, enum option_id id)
{
	return args->options[id].text;
}

/* The verbs: 0 or an exit status with a message in *why ("" if the verb has said all itself). */
int cmd_status(const struct args *args, struct failure *why);
int cmd_explain(const struct args *args, struct failure *why);
int cmd_observe(const struct args *args, struct failure *why);
int cmd_rehearse(const struct args *args, struct failure *why);
int cmd_check(const struct args *args, struct failure *why);
int cmd_cleanup(const struct args *args, struct failure *why);
int cmd_clock_reset(const struct args *args, struct failure *why);
int cmd_license_keygen(const struct args *args, struct failure *why);
int cmd_license_sign(const struct args *args, struct failure *why);
int cmd_license_verify(const struct args *args, struct failure *why);
int cmd_license_show(const struct args *args, struct failure *why);
int cmd_license_load(const struct args *args, struct failure *why);
int cmd_license_unload(const struct args *args, struct failure *why);
int cmd_license_list(const struct args *args, struct failure *why);
int cmd_gate_add(const struct args *args, struct failure *why);
int cmd_gate_set(const struct args *args, struct failure *why);
int cmd_gate_del(const struct args *args, struct failure *why);
int cmd_gate_list(const struct args *args, struct failure *why);
int cmd_policy_check(const struct args *args, struct failure *why);
int cmd_policy_diff(const struct args *args, struct failure *why);
int cmd_policy_apply(const struct args *args, struct failure *why);
int cmd_policy_confirm(const struct args *args, struct failure *why);
int cmd_policy_rollback(const struct args *args, struct failure *why);
int cmd_policy_list(const struct args *args, struct failure *why);
int cmd_policy_del(const struct args *args, struct failure *why);
int cmd_port_list(const struct args *args, struct failure *why);
int cmd_port_show(const struct args *args, struct failure *why);

#endif
