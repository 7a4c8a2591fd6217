# SPDX-License-Identifier: MIT
# What a packet costs. Prints; no test depends on it.

bench: $(B)/tests/bench/bench ## ns a packet, by test run (root)
	$(Q)$<
$(B)/tests/bench/bench.o: tests/bench/bench.c | $(SKELETONS)
	$(call say,CC)
	$(Q)mkdir -p $(@D) && $(CC) $(CPPFLAGS) -Itests/bpf $(CFLAGS) -MMD -MP -c -o $@ $<
$(B)/tests/bench/bench: $(B)/tests/bench/bench.o $(B)/tests/bpf/box.o $(B)/tests/bpf/xdp.o $(B)/tests/bpf/frame.o $(B)/libcore.a
	$(call say,LD)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $$(pkg-config --libs libbpf libmnl libsodium libcjson)
bench-peers: all ## beside nftables and iptables, in the peer benchmark (root)
	$(Q)PORTLIC_BUILD=$(B) tests/bench/peers || [ $$? = 77 ]

.PHONY: bench bench-peers
