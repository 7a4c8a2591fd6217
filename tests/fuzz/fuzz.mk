# SPDX-License-Identifier: MIT
# fuzz.mk - the core under libFuzzer, ASan and UBSan; `make test` runs it for FUZZ_SMOKE_SECONDS.
FUZZ_SECONDS ?= 300
FUZZ := $(BUILD)/fuzz
FUZZ_SAN := -fsanitize=address,undefined -fno-sanitize-recover=undefined
FUZZ_FLAGS := -std=gnu11 -O1 -g -D_GNU_SOURCE -Iinclude -Iuser/core -fno-omit-frame-pointer
FUZZ_SEED_FILES := $(foreach f,$(wildcard policies/*.policy.json),P $f) \
	$(foreach f,$(wildcard policies/*.claims.json),C $f)
TESTS_fuzz += tests/fuzz/smoke

$(FUZZ)/core/%.o: user/core/%.c
	$(call say,CC)
	$(Q)mkdir -p $(@D) && $(CLANG) $(FUZZ_FLAGS) $(FUZZ_SAN) -fsanitize=fuzzer-no-link -MMD -MP -c -o $@ $<
$(FUZZ)/fuzz_license: $(filter-out %/fuzz_cni.c,$(wildcard tests/fuzz/fuzz_*.c)) $(wildcard tests/fuzz/fuzz*.h) $(CORE:$(B)/%=$(FUZZ)/%)
	$(call say,FUZZ)
	$(Q)$(CLANG) $(FUZZ_FLAGS) $(FUZZ_SAN) -fsanitize=fuzzer -o $@ $(filter %.c %.o,$^) -lsodium -lcjson
$(FUZZ)/cni/%.o: user/cni/%.c
	$(call say,CC)
	$(Q)mkdir -p $(@D) && $(CLANG) $(FUZZ_FLAGS) $(FUZZ_SAN) -fsanitize=fuzzer-no-link -MMD -MP -c -o $@ $<
$(FUZZ)/fuzz_cni: tests/fuzz/fuzz_cni.c $(patsubst %,$(FUZZ)/cni/%.o,call conf conflist decide error result version) \
		$(patsubst %,$(FUZZ)/core/%.o,cni_selection fault json member strict utf8)
	$(call say,FUZZ)
	$(Q)$(CLANG) $(FUZZ_FLAGS) -Iuser/cni $(FUZZ_SAN) -fsanitize=fuzzer -o $@ $(filter %.c %.o,$^) -lcjson
$(FUZZ)/first-cni/stamp: tests/fuzz/seeds_cni
	$(Q)rm -rf $(@D) && $< $(@D)
$(FUZZ)/seeds: tests/fuzz/seeds.c tests/fuzz/fuzz.h $(B)/libcore.a
	$(call say,CC)
	$(Q)mkdir -p $(@D) && $(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS) -o $@ $(filter %.c %.a,$^) -lsodium -lcjson
$(FUZZ)/first/stamp: $(FUZZ)/seeds $(wildcard policies/*.json)
	$(Q)rm -rf $(@D) && mkdir -p $(@D) && $< $(@D) $(FUZZ_SEED_FILES) && touch $@
FUZZERS := $(FUZZ)/fuzz_license $(FUZZ)/first/stamp $(FUZZ)/fuzz_cni $(FUZZ)/first-cni/stamp
tests/fuzz/smoke: $(FUZZERS) ;
fuzz: $(FUZZERS) ## FUZZ_SECONDS=300 of libFuzzer over the core
	$(Q)tests/fuzz/run $(FUZZ_SECONDS)
	$(Q)tests/fuzz/run $(FUZZ_SECONDS) cni
.PHONY: fuzz
