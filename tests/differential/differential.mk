# SPDX-License-Identifier: MIT
# differential.mk - random packets: the programs against a model of them in Python.
JUDGE := $(B)/tests/differential/judge
JUDGE_PARTS := judge layout rebuild state
TESTS_bpf += $(if $(SAN),,tests/differential/differential.py)
tests/differential/differential.py: $(JUDGE) ;

$(B)/tests/differential/%.o: tests/differential/%.c | $(SKELETONS)
	$(call say,CC)
	$(Q)mkdir -p $(@D) && $(CC) $(CPPFLAGS) -Itests/bpf $(CFLAGS) -MMD -MP -c -o $@ $<
$(JUDGE): $(JUDGE_PARTS:%=$(B)/tests/differential/%.o) $(B)/tests/bpf/box.o $(B)/tests/bpf/frame.o $(B)/libcore.a
	$(call say,LD)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $$(pkg-config --libs libbpf libmnl libsodium libcjson)

test-differential: $(JUDGE) ## random packets: programs against model (root) [N=1000000 SEED=]
	$(Q)PORTLIC_BUILD=$(B) tests/differential/differential.py $(or $(N),1000000) $(SEED)
.PHONY: test-differential
