# SPDX-License-Identifier: MIT
# The command line's own tests; they need neither root nor an agent.
TESTS_cli += tests/cli/usage.py tests/cli/sign.py tests/cli/verify.py tests/cli/policy.py tests/cli/agent.py tests/cli/interop.sh tests/cli/cni.py tests/cli/cni_install.py
tests/cli/cni_install.py: $(B)/portlic-cni-launch ;

completion: $(B)/portlic ## renews deploy/completion/ from the table of commands
	$(Q)$< __complete > deploy/completion/portlic.bash
.PHONY: completion
