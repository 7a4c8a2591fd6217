# SPDX-License-Identifier: MIT
# kernel.mk - gates in network namespaces, by the library alone: needs root, as namespaces and BPF do.
KERNEL_NAMES := $(sort $(patsubst tests/kernel/%.c,%,$(wildcard tests/kernel/test_*.c)))
TESTS_kernel += tests/kernel/clsact.sh $(KERNEL_NAMES:%=$(B)/tests/kernel/%)
KERNEL_COMMON := $(patsubst %,$(B)/tests/kernel/%.o,bed group guests host_scene peer scene)

$(B)/tests/kernel/%.o: tests/kernel/%.c
	$(call say,CC)
	$(Q)mkdir -p $(@D) && $(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<
$(B)/tests/kernel/test_%: $(B)/tests/kernel/test_%.o $(KERNEL_COMMON) $(B)/libkernel.a $(B)/libcore.a
	$(call say,LD)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ -lcmocka $$($(PKG_CONFIG) --libs libbpf libelf zlib libmnl libcjson libsodium)
tests/kernel/clsact.sh: $(KERNEL_NAMES:%=$(B)/tests/kernel/%)
$(B)/tests/kernel/test_cut: override LDFLAGS += -Wl,--wrap=sockdiag_destroy
