# SPDX-License-Identifier: MIT
# cluster.mk - all of it in a real one-node cluster: no rung of "make test".
test-cluster: image ## the DaemonSet in a real one-node cluster (root, test beds) [STEPS="10-install 20-enforce"] [KEEP=1]
	$(Q)PORTLIC_BUILD=$(B) V=$(V) STEPS="$(STEPS)" KEEP=$(KEEP) TEST_TIMEOUT=3600 tests/run tests/cluster/run
.PHONY: test-cluster
