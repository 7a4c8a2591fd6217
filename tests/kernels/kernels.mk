# SPDX-License-Identifier: MIT
# kernels.mk - the programs and gates on other kernels, emulated: not a rung of "make test".
KERNELS_PROGRAMS = $(filter-out %/test_cost,$(filter $(B)/%,$(TESTS_bpf))) $(filter $(B)/%,$(TESTS_kernel))

test-kernels: ## the BPF and kernel tests on Debian's kernels (root, qemu, 10 min) [KERNELS=bookworm]
	$(Q)$(MAKE) --no-print-directory $(KERNELS_PROGRAMS)
	$(Q)PORTLIC_BUILD=$(B) KERNELS="$(KERNELS)" V=$(V) TEST_TIMEOUT=3600 tests/run tests/kernels/vm.sh
deps-kernels: ## installs what test-kernels runs on
	$(Q)deploy/deps $(PACKAGES_KERNELS)
.PHONY: test-kernels deps-kernels
