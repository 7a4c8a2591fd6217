# SPDX-License-Identifier: MIT
# unit.mk - one cmocka program per tests/unit/test_*.c, linked with the core (test_cni_*.c: and the CNI plugin) alone.
UNIT_NAMES := $(sort $(patsubst tests/unit/%.c,%,$(wildcard tests/unit/test_*.c)))
TESTS_unit += $(UNIT_NAMES:%=$(B)/tests/unit/%)
# What several tests share: tokens signed on the fly. Libraries are linked by name: libcni before the libcore it uses.
UNIT_COMMON := $(B)/tests/unit/token.o

$(B)/tests/unit/%.o: tests/unit/%.c
	$(call say,CC)
	$(Q)mkdir -p $(@D) && $(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<
$(B)/tests/unit/test_%: $(B)/tests/unit/test_%.o $(UNIT_COMMON) $(B)/libcore.a
	$(call say,LD)
	$(Q)$(CC) $(LDFLAGS) -o $@ $(filter %.o,$^) $(sort $(filter %.a,$^)) -lcmocka -lsodium -lcjson $(UNIT_LIBS)
# A cluster that shares seats.
$(B)/tests/unit/test_seats_cluster: $(B)/tests/unit/seatworld.o $(B)/tests/unit/seatserver.o
# The pure parts of the CNI plugin.
$(B)/tests/unit/test_cni_%.o: CPPFLAGS += -Iuser/cni
$(filter $(B)/tests/unit/test_cni_%,$(TESTS_unit)): $(B)/libcni.a
# The one part of the agent that is more threads than files.
$(B)/tests/unit/test_jobs.o: CPPFLAGS += -Iuser/agent
$(B)/tests/unit/test_jobs: $(B)/agent/jobs.o
$(B)/tests/unit/test_jobs: UNIT_LIBS = $$($(PKG_CONFIG) --libs libuv)
