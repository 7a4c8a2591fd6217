# SPDX-License-Identifier: MIT
# kernels.mk - the programs and gates on other kernels, emulated: no rung of "make test" but for clock.sh and reboot.sh.
KERNELS_PROGRAMS = $(filter-out %/test_cost,$(filter $(B)/%,$(TESTS_bpf))) $(filter $(B)/%,$(TESTS_kernel))

test-kernels: ## the BPF and kernel tests on Debian's kernels (root, qemu, 10 min) [KERNELS=bookworm]
	$(Q)$(MAKE) --no-print-directory all $(KERNELS_PROGRAMS) $(B)/tests/kernels/clockbox
	$(Q)PORTLIC_BUILD=$(B) KERNELS="$(KERNELS)" V=$(V) TEST_TIMEOUT=3600 tests/run tests/kernels/vm.sh tests/kernels/clock.sh tests/kernels/reboot.sh
$(B)/tests/kernels/clockbox: tests/kernels/clockbox.c
	$(call say,CC)
	$(Q)mkdir -p $(@D) && $(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS) -MMD -MP -o $@ $<
# A minute each, where QEMU is installed: on the ladder too.
TESTS_e2e += $(if $(SAN),,tests/kernels/clock.sh tests/kernels/reboot.sh)
tests/kernels/clock.sh tests/kernels/reboot.sh: all $(B)/tests/kernels/clockbox ;
deps-kernels: ## installs what test-kernels runs on
	$(Q)deploy/deps $(PACKAGES_KERNELS)
.PHONY: test-kernels deps-kernels
