# SPDX-License-Identifier: MIT
# The programs by BPF_PROG_TEST_RUN: tables of name, packet, verdict, counter.

BPF_TEST_NAMES := $(patsubst tests/bpf/%.c,%,$(wildcard tests/bpf/test_*.c))
BPF_TEST_SHARED := $(B)/tests/bpf/box.o $(B)/tests/bpf/frame.o
TESTS_bpf += $(BPF_TEST_NAMES:%=$(B)/tests/bpf/%)

$(B)/tests/bpf/%.o: tests/bpf/%.c | $(SKELETONS)
	$(call say,CC)
	$(Q)mkdir -p $(@D) && $(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<
$(B)/tests/bpf/test_%: $(B)/tests/bpf/test_%.o $(BPF_TEST_SHARED) $(B)/libcore.a
	$(call say,LD)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $$(pkg-config --libs libbpf libmnl libsodium libcjson)
$(B)/tests/bpf/test_live $(B)/tests/bpf/test_marks $(B)/tests/bpf/test_tunnel: $(B)/tests/bpf/live.o
$(B)/tests/bpf/test_shield: $(B)/tests/bpf/xdp.o
